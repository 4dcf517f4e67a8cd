/**
 * Something that runs as long as the service: it is started again whenever it ends. Only the first start may fail. Each of these is logged
 * once: it stopped, it does not start, it is up again. The pause before the next start grows while it dies at once.
 */
import { monotonicMillis } from "@greenroom/core/internal"
import { Cause, Deferred, Effect, type Scope } from "effect"

const FIRST_DELAY_MS = 200
const LONGEST_DELAY_MS = 10_000
/** After this long it counts as up, and the next pause is short again. */
const SETTLED_MS = 30_000

/** `start` runs it within its scope; `exited` gives how it ended. Returns when it is up for the first time. */
export const restartForever = Effect.fnUntraced(function* <E extends Error, R>(
  start: Effect.Effect<{ readonly exited: Effect.Effect<string> }, E, R | Scope.Scope>,
  name: string
) {
  const first = yield* Deferred.make<void, E>()
  let delay = FIRST_DELAY_MS
  let trouble: string | null = null

  const troubled = (why: string, how: string) => {
    const level = why === trouble ? Effect.logDebug : Effect.logError
    trouble = why
    return Effect.annotateLogs(level(`${name} ${why}`), { how })
  }
  const life = Effect.gen(function* () {
    const { exited } = yield* start
    const since = yield* monotonicMillis
    yield* Deferred.succeed(first, undefined)
    if (trouble !== null) yield* Effect.logInfo(`${name} is up again`)
    trouble = null
    const how = yield* exited
    if ((yield* monotonicMillis) - since > SETTLED_MS) delay = FIRST_DELAY_MS
    yield* troubled("stopped and is started again", how)
  }).pipe(Effect.scoped)
  const pause = Effect.suspend(() => {
    const now = delay
    delay = Math.min(delay * 2, LONGEST_DELAY_MS)
    return Effect.sleep(now)
  })
  const again = life.pipe(
    Effect.catchCause((cause) => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
      const error = Cause.squash(cause)
      return troubled("does not start", error instanceof Error ? error.message : String(error))
    }),
    Effect.andThen(pause),
    Effect.forever
  )
  yield* life.pipe(
    Effect.matchCauseEffect({
      onFailure: (cause) => Deferred.failCause(first, cause),
      onSuccess: () => Effect.andThen(pause, again)
    }),
    Effect.forkScoped
  )
  yield* Deferred.await(first)
})
