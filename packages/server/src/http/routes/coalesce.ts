/**
 * One answer for all who ask the same at once. Nobody gets an answer that was begun before they asked: who comes while one is being
 * made waits for the next, together with everybody else who does, so that each still sees what had been written before they asked.
 * However many ask, one answer to a question is made at a time. What is asked and how it is answered is left to others.
 */
import { Deferred, Effect } from "effect"

/**
 * Asks `make`, or waits for what it answers others. Questions are the same when their JSON is. An answer is made in a fiber of its
 * own, with the services of the first who asked: whoever leaves takes nothing from the others.
 */
export const coalesce = <Q, A, E, R>(
  make: (question: Q) => Effect.Effect<A, E, R>
): ((question: Q) => Effect.Effect<A, E, R>) => {
  /** By question: what those wait for who came too late for the answer that is being made. */
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
