/** Stops one stream. Its key stays valid, and the encoder may come back. */
import { Effect, Option } from "effect"
import { streamImage } from "../domain/audit/images.ts"
import { StreamId } from "../domain/values/Ids.ts"
import { Sessions } from "../ports/Sessions.ts"
import { Streams } from "../ports/Streams.ts"
import { isUnobservable } from "../reconciler/canObserve.ts"
import { Reconciler } from "../reconciler/Reconciler.ts"
import { audited } from "./audited.ts"
import { awaitOffAir } from "./awaitOffAir.ts"
import { checkArguments } from "./InvalidArgument.ts"
import { describeStream, visibleStream } from "./manageStreams.ts"

const checkStop = checkArguments("stopStream", { id: StreamId })
const checkForceStop = checkArguments("forceStop", { id: StreamId })

/** Marks the stream in one step with its entry; whether there is one. */
const requestStop = Effect.fnUntraced(function* (id: StreamId, forced: boolean) {
  const sessions = yield* Sessions
  const streams = yield* Streams
  const stopping = Effect.gen(function* () {
    const before = yield* visibleStream(yield* streams.find(id))
    if (Option.isSome(before)) yield* sessions.requestStop(id, "stopped", null)
    return before
  })
  const stopped = yield* audited(
    "stream.stop",
    stopping,
    Option.match({
      onNone: () => null,
      onSome: ({ stream, broadcaster }) => ({
        resourceId: id,
        broadcasterId: broadcaster.id,
        before: streamImage(stream),
        after: { forced }
      })
    })
  )
  return Option.isSome(stopped)
})

/** `None` when there is no such stream; otherwise the stream as it is now, and whether it has left the media server. */
export const stopStream = Effect.fn("stopStream")(function* (streamId: StreamId) {
  const { id } = yield* checkStop({ id: streamId })
  if (!(yield* requestStop(id, false))) return Option.none()
  const offAir = yield* awaitOffAir([id])
  return Option.map(yield* describeStream(id), (view) => ({ ...view, offAir }))
})

/**
 * Ends a stream in the store without the media server's confirmation, so that its key is free again; only while no instance can observe the
 * media server. If its publisher is still there when the media server can be observed again, it is kicked as formerly admitted. `None` when there is
 * no such stream; `CanBeAsked` when the media server can be asked, and an ordinary stop is enough. A stream that has ended already is `Ended`.
 */
export const forceStop = Effect.fn("forceStop")(function* (streamId: StreamId) {
  const { id } = yield* checkForceStop({ id: streamId })
  const sessions = yield* Sessions
  const streams = yield* Streams
  const reconciler = yield* Reconciler
  if (Option.isNone(yield* visibleStream(yield* streams.find(id)))) return Option.none()
  if ((yield* sessions.stillOpen([id])).length === 0) return Option.some("Ended" as const)
  const snapshot = yield* reconciler.lastSnapshot
  if (!(yield* isUnobservable(snapshot?.leastAgeMillis ?? null))) return Option.some("CanBeAsked" as const)
  yield* requestStop(id, true)
  yield* sessions.end([id], "left", null)
  yield* Effect.logWarning("a stream was ended without the media server's confirmation, as an operator requested").pipe(
    Effect.annotateLogs({ stream_id: id })
  )
  return Option.some("Ended" as const)
})
