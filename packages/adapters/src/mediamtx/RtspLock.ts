/**
 * A lock for the calls about the sessions of one list, RTSP's or RTSPS's: reads share it, a kick holds it alone. When MediaMTX
 * (up to 1.20.1) kicks such a session, it deletes from a map under a read lock. A kick beside another kick, a list or a lookup
 * can therefore crash it (`rtsp/server.go`). Lists and lookups only read that map, and so do those of connections (from 1.11 on).
 *
 * An abandoned call, which its caller has given up, may still run inside MediaMTX: its handlers do not notice a closed
 * connection. The call keeps the lock until its answer or the end of its connection, and the caller does not wait for it. The
 * next call that conflicts waits half a second and then closes the abandoned call's connection. Either the network lost that
 * call, or it hangs behind an auth, where a kick no longer uses the map. A call that never got the lock is never sent.
 */
import type { MediaServerUnavailable } from "@greenroom/core"
import { Effect, Fiber, Latch, type Scope } from "effect"

type Kind = "read" | "kick"

export interface RtspLock {
  readonly read: <A>(call: Effect.Effect<A, MediaServerUnavailable>) => Effect.Effect<A, MediaServerUnavailable>
  readonly kick: <A>(call: Effect.Effect<A, MediaServerUnavailable>) => Effect.Effect<A, MediaServerUnavailable>
}

/**
 * How long a call waits for a conflicting call that was abandoned: less than the 1 s that the last attempt of a snapshot has. It
 * suffices for the answer of a MediaMTX that was frozen, because snapshots make another call first.
 */
const WAIT_FOR_THE_ABANDONED_MS = 500

/** How long an abandoned read keeps its connection: there may be one more each second. */
const KEEP_ABANDONED_READ_MS = 10_000
/** How long an abandoned kick keeps its connection: a MediaMTX that was frozen runs it later, and there is only one at a time. */
const KEEP_ABANDONED_KICK_MS = 60_000

const keepAbandonedMillis: { readonly [K in Kind]: number } = {
  read: KEEP_ABANDONED_READ_MS,
  kick: KEEP_ABANDONED_KICK_MS
}

interface Turn {
  readonly kind: Kind
  readonly begins: Latch.Latch
  fiber: Fiber.Fiber<unknown, unknown> | null
  abandoned: boolean
}

export const makeRtspLock: Effect.Effect<RtspLock, never, Scope.Scope> = Effect.gen(function* () {
  const scope = yield* Effect.scope
  const running = new Set<Turn>()
  const waiting = new Set<Turn>()

  const conflictsOf = ({ kind }: Turn) => [...running].filter((other) => kind === "kick" || other.kind === "kick")
  const admit = () => {
    for (const turn of waiting) {
      if (conflictsOf(turn).length > 0) continue
      waiting.delete(turn)
      running.add(turn)
      turn.begins.openUnsafe()
    }
  }
  const over = (turn: Turn) => {
    waiting.delete(turn)
    if (running.delete(turn)) admit()
  }

  const wait = Effect.fnUntraced(function* (turn: Turn) {
    waiting.add(turn)
    admit()
    while ((yield* Effect.timeoutOption(turn.begins.await, WAIT_FOR_THE_ABANDONED_MS))._tag === "None") {
      for (const other of conflictsOf(turn)) {
        if (!other.abandoned) continue
        other.fiber?.interruptUnsafe()
        over(other)
      }
    }
  })

  const inTurn =
    (kind: Kind) =>
    <A>(call: Effect.Effect<A, MediaServerUnavailable>): Effect.Effect<A, MediaServerUnavailable> =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          const turn: Turn = { kind, begins: Latch.makeUnsafe(), fiber: null, abandoned: false }
          const end = Effect.sync(() => over(turn))
          yield* Effect.onInterrupt(restore(wait(turn)), () => end)
          const fiber = yield* Effect.forkIn(Effect.ensuring(Effect.interruptible(call), end), scope)
          turn.fiber = fiber
          return yield* Effect.onInterrupt(restore(Fiber.join(fiber)), () => {
            turn.abandoned = true
            const answered = Effect.timeoutOption(Fiber.await(fiber), keepAbandonedMillis[kind])
            return Effect.forkIn(Effect.andThen(Effect.interruptible(answered), Fiber.interrupt(fiber)), scope)
          })
        })
      )

  return { read: inTurn("read"), kick: inTurn("kick") }
})
