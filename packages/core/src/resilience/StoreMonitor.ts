/**
 * Whether the store is known to be down. While one auth call is open the media server admits no other client, so calls that cannot
 * be answered must fail at once instead of each waiting for its deadline. A reported failure is only a reason to ask: the store itself is
 * asked, again and again until it answers, and only its own silence counts.
 */
import { Context, Effect, Layer, Queue } from "effect"
import type { Repositories } from "../ports/Repositories.ts"
import { StoreHealth } from "../ports/StoreHealth.ts"
import { makeConditions } from "./Conditions.ts"

const ASK_AGAIN_MS = 250

const DOWN = "the store does not answer: no publisher is admitted until it does"
const UP_AGAIN = "the store answers again"

export class StoreMonitor extends Context.Service<
  StoreMonitor,
  {
    /** False from a question without an answer to the next answer. Answers from memory. */
    readonly isUp: Effect.Effect<boolean>
    /** A call failed, perhaps because of the store. Any number of reports are one question. */
    readonly reportFailure: Effect.Effect<void>
  }
>()("greenroom/StoreMonitor") {
  static readonly layer: Layer.Layer<StoreMonitor, never, Repositories> = Layer.effect(
    StoreMonitor,
    Effect.gen(function* () {
      const health = yield* StoreHealth
      const reports = yield* Queue.sliding<void>(1)
      const conditions = makeConditions()
      let up = true

      const answers = health.ping.pipe(
        Effect.as(true),
        Effect.catchCause(() => Effect.succeed(false))
      )
      const watch = Effect.gen(function* () {
        yield* Queue.take(reports)
        while (!(yield* answers)) {
          up = false
          yield* conditions.set("store", true, DOWN, { level: "Error" })
          yield* Effect.sleep(ASK_AGAIN_MS)
        }
        up = true
        yield* conditions.set("store", false, UP_AGAIN)
      })
      yield* Effect.forkScoped(Effect.forever(watch))

      return StoreMonitor.of({
        isUp: Effect.sync(() => up),
        reportFailure: Effect.asVoid(Queue.offer(reports, undefined))
      })
    })
  )
}
