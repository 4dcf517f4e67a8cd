/**
 * One answer for all that ask the same at once. A question that comes while its answer is being made waits for the next one, together with
 * all others that do: an answer is never older than its question. One answer to a question is made at a time, however many ask.
 */
import { Deferred, Effect } from "effect"

/**
 * Asks `make`, or waits for what it answers others. Questions are the same when their JSON is. An answer is made in a fiber of its
 * own, with the services of the first caller, so a caller that leaves takes nothing from the others.
 */
export const coalesce = <Q, A, E, R>(
  make: (question: Q) => Effect.Effect<A, E, R>
): ((question: Q) => Effect.Effect<A, E, R>) => {
  /** By question: the next answer, for callers that were too late for the one that is being made. */
  const next = new Map<string, Deferred.Deferred<A, E> | undefined>()

  const answer = (name: string, question: Q): Effect.Effect<void, never, R> =>
    Effect.suspend(() => {
      const asked = next.get(name)
      if (asked === undefined) {
        next.delete(name)
        return Effect.void
      }
      next.set(name, undefined)
      return Effect.andThen(Deferred.into(make(question), asked), answer(name, question))
    })

  return (question) =>
    Effect.suspend(() => {
      const name = JSON.stringify(question)
      const isBeingMade = next.has(name)
      const asked = next.get(name) ?? Deferred.makeUnsafe<A, E>()
      next.set(name, asked)
      const wait = Deferred.await(asked)
      return isBeingMade ? wait : Effect.andThen(Effect.forkDetach(answer(name, question)), wait)
    })
}
