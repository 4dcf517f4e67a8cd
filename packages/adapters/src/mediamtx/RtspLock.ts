/**
 * Whose turn it is among the calls about the sessions of one list, RTSP's or RTSPS's. When MediaMTX (up to 1.20.1) kicks such a session
 * it deletes from a map under a read lock, so that a kick inside it at the same time as another kick, a list or a lookup can crash
 * it (`rtsp/server.go`). Lists and lookups only read that map, those of connections, too (from 1.11 on), and run beside one another.
 * A kick runs alone.
 *
 * A call that its caller has given up may still run in there: closing its connection would not end it, since MediaMTX's handlers do not
 * look. It keeps its turn until its answer or the end of its connection says that it is over, while its caller goes its way. Whoever
 * must not run beside it waits half a second for that; then its connection is closed: it was swallowed on its way, or hangs behind an
 * auth, where a kick has done with the map already. A call that still waits for its turn when its caller leaves is never sent.
 */
import type { MediaServerUnavailable } from "@greenroom/core"
import { Effect, Fiber, Latch, type Scope } from "effect"

type Kind = "read" | "kick"

export interface RtspLock {
  readonly read: <A>(call: Effect.Effect<A, MediaServerUnavailable>) => Effect.Effect<A, MediaServerUnavailable>
  readonly kick: <A>(call: Effect.Effect<A, MediaServerUnavailable>) => Effect.Effect<A, MediaServerUnavailable>
}

/**
 * A look waits so long for a kick that was given up, and a kick for a look: less than the second that the last attempt of a look
 * has, and long enough for an answer that a frozen MediaMTX gives when it thaws, for looks ask it something else first.
 */
const WAIT_FOR_THE_ABANDONED_MS = 500

/**
 * For how long one that nobody waits for is listened to. A kick that a frozen MediaMTX has not seen yet runs when it thaws, so its answer
 * is worth knowing; of kicks there is only one, of reads, which hold a connection each, one a second.
 */
const LISTEN_FOR_MS: { readonly [K in Kind]: number } = { read: 10_000, kick: 60_000 }

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

  const inTheWayOf = ({ kind }: Turn) => [...running].filter((other) => kind === "kick" || other.kind === "kick")
  const admit = () => {
    for (const turn of waiting) {
      if (inTheWayOf(turn).length > 0) continue
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
      for (const other of inTheWayOf(turn)) {
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
            const listen = Effect.timeoutOption(Fiber.await(fiber), LISTEN_FOR_MS[kind])
            return Effect.forkIn(Effect.andThen(Effect.interruptible(listen), Fiber.interrupt(fiber)), scope)
          })
        })
      )

  return { read: inTurn("read"), kick: inTurn("kick") }
})
