/**
 * How many lists are answered at once. A list of 200 streams costs as much as fifty auth calls, so two are made at a time and the next ones
 * wait. A list that waits too long, or finds too many waiting, gets 503. This is a condition: one line in the log, and a gauge while it
 * lasts.
 */
import { Context, Effect, Layer, Metric, Semaphore } from "effect"
import { type Condition, makeCondition } from "../listener/Condition.ts"
import { note, type RequestContext } from "../middleware/RequestContext.ts"
import { failWith, isProblem, type Problem } from "../problems/Problem.ts"
import { storeFailureToDefect, type UseCaseFailure } from "../routes/handling.ts"

export const AT_ONCE = 2
export const WAITING_MAX = 64
export const WAIT_MS = 5_000
const RETRY_AFTER_SECONDS = 2

const waitingLists = Metric.gauge("greenroom_lists_waiting", {
  description: "Lists that wait because others are being answered"
})
const refusedLists = Metric.counter("greenroom_lists_refused_total", {
  description: "Lists that were answered with 503: too many waited, or they waited too long",
  incremental: true
})

export class ListSlots extends Context.Service<
  ListSlots,
  {
    /** The answer, begun when a slot is free. */
    readonly run: <A, E, R>(answer: Effect.Effect<A, E, R>) => Effect.Effect<A, E | Problem<"busy">, R>
    /** The same of one request's list, whose refusal is noted for the log. A store that does not answer is a defect. */
    readonly answerList: <A, E, R>(
      answer: Effect.Effect<A, E | UseCaseFailure, R>
    ) => Effect.Effect<A, Exclude<E, UseCaseFailure> | Problem<"busy">, R | RequestContext>
  }
>()("greenroom/http/ListSlots") {}

const refuse = (condition: Condition) =>
  Effect.andThen(
    Effect.andThen(
      Effect.sync(() => condition.observe({ at_once: AT_ONCE, waiting_max: WAITING_MAX, wait_ms: WAIT_MS })),
      Metric.update(refusedLists, 1)
    ),
    failWith("busy")
  )

export const make = (condition: Condition): ListSlots["Service"] => {
  const slots = Semaphore.makeUnsafe(AT_ONCE)
  let waiting = 0
  const wait = (change: 1 | -1) =>
    Effect.suspend(() => {
      waiting += change
      return Metric.update(waitingLists, waiting)
    })

  const queued = <A, E, R>(answer: Effect.Effect<A, E, R>): Effect.Effect<A, E | Problem<"busy">, R> =>
    Effect.suspend(() => {
      let begun = false
      const leave = Effect.suspend(() => {
        if (begun) return Effect.void
        begun = true
        return wait(-1)
      })
      const inSlot = slots.withPermit(Effect.andThen(leave, answer))
      const deadline = Effect.delay(
        Effect.suspend(() => (begun ? Effect.never : refuse(condition))),
        WAIT_MS
      )
      return Effect.ensuring(Effect.andThen(wait(1), Effect.raceFirst(inSlot, deadline)), leave)
    })

  const run: ListSlots["Service"]["run"] = (answer) =>
    Effect.suspend(() => (waiting >= WAITING_MAX ? refuse(condition) : queued(answer)))
  return ListSlots.of({ run, answerList: (answer) => noteBusy(run(storeFailureToDefect(answer))) })
}

export const layer: Layer.Layer<ListSlots> = Layer.effect(
  ListSlots,
  Effect.gen(function* () {
    const context = yield* Effect.context<never>()
    const condition = makeCondition((effect) => void Effect.runForkWith(context)(effect), "lists_refused", {
      begins: "lists are refused: too many are asked for at once",
      ends: "no list has been refused for a while"
    })
    yield* Effect.addFinalizer(() => Effect.sync(condition.close))
    return make(condition)
  })
)

/** A refusal is expected while the condition lasts, which has its own line. */
export const noteBusy = <A, E, R>(
  answer: Effect.Effect<A, E | Problem<"busy">, R>
): Effect.Effect<A, E | Problem<"busy">, R | RequestContext> =>
  Effect.tapError(answer, (error) =>
    isProblem(error) && error.type === "/errors/busy"
      ? note({ quiet: true, retryAfterSeconds: RETRY_AFTER_SECONDS })
      : Effect.void
  )
