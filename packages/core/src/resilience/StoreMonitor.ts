/**
 * Whether the store is known to be down. While one auth call is open the media server lets nobody else in, so calls that cannot
 * be answered must fail at once instead of each waiting for its deadline. Nobody is believed who merely says so: a suspicion makes
 * the store be asked, again and again until it answers, and only its own silence counts.
 */
import { Effect, Queue } from "effect"
import { StoreHealth } from "../ports/StoreHealth.ts"
import { setCondition } from "./Conditions.ts"

const ASK_AGAIN_MS = 250

export interface StoreMonitor {
  /** False from a question without an answer to the next answer. */
  readonly isUp: Effect.Effect<boolean>
  /** Something failed that may have been the store. Any number of suspicions are one. */
  readonly reportFailure: Effect.Effect<void>
}

export const makeStoreMonitor = Effect.gen(function* () {
  const health = yield* StoreHealth
  const suspicions = yield* Queue.sliding<void>(1)
  let down = false

  const ask = health.ping.pipe(
    Effect.as(true),
    Effect.catchCause(() => Effect.succeed(false))
  )
  const watch = Effect.gen(function* () {
    yield* Queue.take(suspicions)
    while (!(yield* ask)) {
      if (!down) {
        down = true
        yield* setCondition("store", true)
        yield* Effect.logError("the store does not answer: until it does, nobody is admitted")
      }
      yield* Effect.sleep(ASK_AGAIN_MS)
    }
    if (!down) return
    down = false
    yield* setCondition("store", false)
    yield* Effect.logInfo("the store answers again")
  })
  yield* Effect.forkScoped(Effect.forever(watch))

  const storeWatch: StoreMonitor = {
    isUp: Effect.sync(() => !down),
    reportFailure: Effect.asVoid(Queue.offer(suspicions, undefined))
  }
  return storeWatch
})
