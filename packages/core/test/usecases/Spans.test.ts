/** Spans of an auth call: where a tracer is provided, and without anything that the client sent. */
import { assert, describe, it } from "@effect/vitest"
import { withChildSpanIfTraced } from "@greenroom/core/internal"
import { Effect, Tracer } from "effect"
import { backstage, DECISION } from "../support/backstage.ts"
import { keyValue } from "../support/stage.ts"

/** A tracer that keeps its spans. */
const collecting = () => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  return { spans, tracer }
}

describe("an auth call", () => {
  it.effect("has a span of its own, with the decision, and one a call to the store inside it", () =>
    Effect.gen(function* () {
      const { ask } = backstage()
      const { spans, tracer } = collecting()
      yield* ask().pipe(Effect.provideService(Tracer.Tracer, tracer))
      yield* ask({ sourceId: "another" }).pipe(Effect.provideService(Tracer.Tracer, tracer))
      assert.deepStrictEqual(
        spans.map(({ name }) => name),
        ["authenticate", "Admissions.admit", "authenticate", "Admissions.admit", "Admissions.facts", "Admissions.admit"]
      )
      const decisions = spans
        .filter(({ name }) => name === "authenticate")
        .map(({ attributes }) => Object.fromEntries(attributes))
      assert.deepStrictEqual(decisions, [
        { action: "publish", decision: "allow", decision_id: DECISION },
        { action: "publish", decision: "allow", decision_id: DECISION }
      ])
      const shown = JSON.stringify(spans.map(({ name, attributes }) => [name, [...attributes]]))
      for (const secret of [keyValue(1), "live/1", "another"]) assert.notInclude(shown, secret)
    })
  )

  it.effect("has none where no tracer is provided: Effect's default tracer is not asked", () =>
    Effect.gen(function* () {
      const { ask, stage } = backstage()
      const inside: Array<boolean> = []
      stage.before["Admissions.admit"] = () =>
        Effect.map(Effect.option(Effect.currentSpan), (span) => void inside.push(span._tag === "Some"))
      yield* ask()
      yield* ask({ sourceId: "another" }).pipe(Effect.provideService(Tracer.Tracer, collecting().tracer))
      assert.deepStrictEqual(inside.slice(0, 2), [false, true])
    })
  )
})

it.effect("a control API call has a span inside one, and none of its own", () =>
  Effect.gen(function* () {
    const { spans, tracer } = collecting()
    const call = withChildSpanIfTraced(Effect.void, "GET /v3/paths/list")
    yield* call.pipe(Effect.provideService(Tracer.Tracer, tracer))
    assert.deepStrictEqual(spans, [])
    yield* Effect.withSpan(call, "GET").pipe(Effect.provideService(Tracer.Tracer, tracer))
    assert.deepStrictEqual(
      spans.map(({ name }) => name),
      ["GET", "GET /v3/paths/list"]
    )
    const inside = yield* Effect.withSpan(Effect.andThen(call, Effect.currentSpan), "GET")
    assert.strictEqual(inside.name, "GET", "Effect's default tracer is not asked")
  })
)
