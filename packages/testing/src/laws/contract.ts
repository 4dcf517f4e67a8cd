/**
 * How the laws of a store are run: each suite over a new store, each law followed by the law that holds after all of them,
 * that every session is the fold of its events. What a law needs to know of the store that it runs over is `Passing`: how
 * time goes by there.
 */
import {
  Admissions,
  type BroadcasterId,
  foldEvents,
  type Repositories,
  replacePorts,
  type StreamId,
  Streams,
  type Usage
} from "@greenroom/core"
import { Arbitrary, Cause, Context, Effect, Layer, Option, Result, type Schema, type Scope } from "effect"
import { TestClock } from "effect/testing"
import * as assert from "../assert.ts"
import { LAW_TIMEOUT_MS, type Law, type LawSuite } from "../LawSuite.ts"

export interface PrunedUsage extends Usage {
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string
  readonly byWorker: boolean
}

/** What laws do to a store and read of it behind its ports. */
export class BackDoor extends Context.Service<
  BackDoor,
  {
    /** All that has happened happened `days` days earlier. Under the test clock: `TestClock.adjust`. */
    readonly age: (days: number) => Effect.Effect<void>
    /** What is left of the broadcaster's streams that were pruned, by day. */
    readonly prunedUsage: (of: BroadcasterId) => Effect.Effect<ReadonlyArray<PrunedUsage>>
  }
>()("greenroom/testing/BackDoor") {}

/** A store under test. */
export interface StoreUnderTest {
  readonly name: string
  /** Built anew for each suite, so that it gives an empty store. */
  readonly layer: Layer.Layer<Repositories | BackDoor, unknown>
  /** `real`: the store has a clock of its own. `test`: it reads Effect's `Clock`, and the laws move it, so that none of them waits. */
  readonly clock: "real" | "test"
}

export class Passing extends Context.Service<
  Passing,
  {
    readonly elapse: (millis: number) => Effect.Effect<void>
    /** The sessions that were admitted since their histories were last looked at. */
    readonly admitted: Set<StreamId>
  }
>()("greenroom/testing/Passing") {}

/** What the laws of a store run in. */
export type StoreWorld = Repositories | BackDoor | Passing

export const elapse = (millis: number) => Effect.flatMap(Passing, (passing) => passing.elapse(millis))

const passing = (clock: StoreUnderTest["clock"]) =>
  Layer.sync(Passing, () => ({
    elapse: (millis: number) => (clock === "real" ? Effect.sleep(millis) : TestClock.adjust(millis)),
    admitted: new Set<StreamId>()
  }))

/** Remembers every admission that any law makes, so that its history can be looked at. */
const remembering = Layer.unwrap(
  Effect.map(Passing, ({ admitted }) =>
    replacePorts(({ admissions }) => ({
      admissions: Admissions.of({
        ...admissions,
        admit: (request) =>
          Effect.tap(admissions.admit(request), (outcome) =>
            Effect.sync(() => {
              if (Option.isSome(outcome)) admitted.add(outcome.value.streamId)
            })
          )
      })
    }))
  )
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

export type AddLaw = (name: string, law: Effect.Effect<unknown, unknown, StoreWorld | Scope.Scope>) => void

/** A law over random values of a schema. */
export type AddProperty = <A, E>(
  name: string,
  drawn: Schema.Schema<A>,
  property: (value: A) => Effect.Effect<unknown, E, StoreWorld | Scope.Scope>,
  options: { readonly runs: number; readonly size?: number }
) => void

/** A defect of the property is shrunk like its failures. */
const checked = Effect.fnUntraced(function* <A, E, R>(
  drawn: Schema.Schema<A>,
  property: (value: A) => Effect.Effect<unknown, E, R>,
  options: Arbitrary.CheckOptions
) {
  const holds = (value: A) => Effect.as(Effect.sandbox(property(value)), true)
  const result = yield* Arbitrary.checkEffect(Arbitrary.schema(drawn), holds, options)
  const failure = Arbitrary.formatCheckFailure(result)
  if (failure === undefined) return
  const cause = result._tag === "Falsified" && result.failure._tag === "PropertyError" ? result.failure.error : null
  yield* Effect.die(new Error(failure, cause === null ? {} : { cause: Cause.squash(cause) }))
})

/** The suite of a port over the store. */
export const contract = (
  port: string,
  store: StoreUnderTest,
  add: (law: AddLaw, property: AddProperty) => void
): LawSuite<StoreWorld> => {
  const laws: Array<Law<StoreWorld>> = []
  const timeoutMillis = LAW_TIMEOUT_MS
  add(
    (name, law) => laws.push({ name, check: Effect.andThen(law, everyStreamIsTheFoldOfItsEvents), timeoutMillis }),
    (name, drawn, property, options) => laws.push({ name, check: checked(drawn, property, options), timeoutMillis })
  )
  const world = remembering.pipe(Layer.provideMerge(Layer.merge(store.layer, passing(store.clock))))
  const layer = store.clock === "real" ? world : Layer.provideMerge(world, TestClock.layer())
  return { name: `${port}, ${store.name}`, layer: Layer.fresh(layer), laws }
}
