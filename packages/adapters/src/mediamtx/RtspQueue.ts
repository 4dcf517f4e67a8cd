/**
 * One RTSP call at a time. MediaMTX 1.20.1 deletes from a map under a read lock when it kicks an RTSP session, so that two calls
 * about RTSP sessions inside it at once can crash it (`rtsp/server.go`). A call that its caller has given up may still run
 * in there, and closing its connection would not end it: MediaMTX's handlers do not look. Therefore a call that was sent keeps
 * the queue until its answer or the end of its connection says that it is over, while the caller goes its way at its deadline;
 * a call that still waits when its caller leaves is never sent. `patience` bounds the wait for a call that never ends (a
 * machine that vanished, a frozen process): after it the connection is closed and the next call goes, at the risk described.
 */
import { MediaServerUnavailable } from "@greenroom/core"
import { type Duration, Effect, Fiber, type Scope, Semaphore } from "effect"

export type RtspQueue = <A>(call: Effect.Effect<A, MediaServerUnavailable>) => Effect.Effect<A, MediaServerUnavailable>

const gaveUp = new MediaServerUnavailable({
  reason: "unreachable",
  operation: "an RTSP call",
  detail: "it never ended, and its connection was closed"
})

export const makeRtspQueue = Effect.fnUntraced(function* (
  patience: Duration.Input
): Effect.fn.Return<RtspQueue, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const turn = Semaphore.makeUnsafe(1)
  return (call) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        let sent = false
        const inTurn = turn.withPermit(
          Effect.suspend(() => {
            sent = true
            return Effect.timeoutOrElse(call, { duration: patience, orElse: () => Effect.fail(gaveUp) })
          })
        )
        return Effect.flatMap(Effect.forkIn(inTurn, scope), (fiber) =>
          Effect.onInterrupt(restore(Fiber.join(fiber)), () => (sent ? Effect.void : Fiber.interrupt(fiber)))
        )
      })
    )
})
