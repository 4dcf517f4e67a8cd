/**
 * Something that is to run as long as we do: it is started again whenever it ends by itself. Only the first start may fail. That
 * it stopped, that it does not start, and that it is up again is logged once each; one that dies as soon as it is up is started
 * ever more seldom.
 */
import { monotonicMillis } from "@greenroom/core"
import { Cause, Deferred, Effect, type Scope } from "effect"

const FIRST_DELAY_MS = 200
const LONGEST_DELAY_MS = 10_000
/** Who has been up for this long has come up. */
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
