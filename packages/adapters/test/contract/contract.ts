/**
 * How the laws of the repositories are run: each suite over a new store, each law followed by the law that holds after all of them,
 * that every session is the fold of its events. What a law needs to know of the store that it runs over is `Passing`: how
 * time goes by there.
 */

import { assert, layer, type Vitest } from "@effect/vitest"
import {
  Admissions,
  type BroadcasterId,
  type Broadcasters,
  foldEvents,
  type Leases,
  type Retention,
  type Sessions,
  type StreamId,
  type StreamKeys,
  Streams,
  type Usage,
  type Workers
} from "@greenroom/core"
import { Context, Effect, Layer, Option, Result } from "effect"
import { TestClock } from "effect/testing"

export type Repositories = Broadcasters | StreamKeys | Admissions | Sessions | Streams | Leases | Workers | Retention

export interface PrunedUsage extends Usage {
  readonly day: string
  readonly byWorker: boolean
}

/** What laws do to a store and read of it behind its ports. */
export class BackDoor extends Context.Service<
  BackDoor,
  {
    /** All that has happened happened `days` days earlier. */
    readonly age: (days: number) => Effect.Effect<void>
    /** What is left of the broadcaster's streams that were pruned, by day. */
    readonly prunedUsage: (of: BroadcasterId) => Effect.Effect<ReadonlyArray<PrunedUsage>>
  }
>()("greenroom/test/BackDoor") {}

/** A store under test. */
export interface Store {
  readonly name: string
  readonly layer: Layer.Layer<Repositories | BackDoor>
  /** Whether its clock is the real one; otherwise it is the test's. */
  readonly live: boolean
}

export class Passing extends Context.Service<
  Passing,
  {
    readonly elapse: (millis: number) => Effect.Effect<void>
    /** The sessions that were admitted since their histories were last looked at. */
    readonly admitted: Set<StreamId>
  }
>()("greenroom/test/Passing") {}

export const elapse = (millis: number) => Effect.flatMap(Passing, (passing) => passing.elapse(millis))

const passing = (live: boolean) =>
  Layer.sync(Passing, () => ({
    elapse: (millis: number) => (live ? Effect.sleep(millis) : TestClock.adjust(millis)),
    admitted: new Set<StreamId>()
  }))

/** Remembers every admission that any law makes, so that its history can be looked at. */
const remembering = Layer.effect(
  Admissions,
  Effect.gen(function* () {
    const admissions = yield* Admissions
    const { admitted } = yield* Passing
    return Admissions.of({
      ...admissions,
      admit: (request) =>
        Effect.tap(admissions.admit(request), (outcome) =>
          Effect.sync(() => {
            if (Option.isSome(outcome)) admitted.add(outcome.value.streamId)
          })
        )
    })
  })
)

/** Values as they would be written: times as text. Two of them are equal when their texts are. */
export const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** The stream's events are numbered 1, 2, 3, …, the state machine allows them, and they make the state that its row is in. */
const history = Effect.fnUntraced(function* (id: StreamId) {
  const streams = yield* Streams
  const found = yield* streams.find(id)
  const events = yield* streams.events(id, 0, 1_000)
  const folded = foldEvents(events)
  if (Result.isFailure(folded)) return assert.fail(`stream ${id}: ${folded.failure.why}: ${JSON.stringify(events)}`)
  assert.deepStrictEqual(plain(Option.getOrThrow(found).stream.state), plain(folded.success))
})

export const everyStreamIsTheFoldOfItsEvents = Effect.gen(function* () {
  const { admitted } = yield* Passing
  yield* Effect.forEach(admitted, history, { concurrency: 8, discard: true })
  admitted.clear()
})

export type Law = <A, E>(
  name: string,
  law: Effect.Effect<A, E, Repositories | BackDoor | Passing>,
  options?: { readonly timeout?: number }
) => void

export type Laws = (law: Law, it: Vitest.MethodsNonLive<Repositories | BackDoor | Passing>) => void

/** Registers the suite over the store. */
export const contract = (port: string, store: Store, laws: Laws): void => {
  const world = Layer.provideMerge(remembering, Layer.merge(store.layer, passing(store.live)))
  layer(world, { excludeTestServices: store.live, timeout: "2 minutes" })(`${port}, ${store.name}`, (it) => {
    laws((name, law, options) => {
      it.effect(name, () => Effect.andThen(law, everyStreamIsTheFoldOfItsEvents), options?.timeout)
    }, it)
  })
}
