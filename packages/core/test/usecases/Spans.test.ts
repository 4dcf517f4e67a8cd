/** Spans of an auth call: where a tracer is provided, and without anything that the client sent. */
import { assert, describe, it } from "@effect/vitest"
import { errorTypeOf, outgoing, StartsTrace, traceparent } from "@greenroom/core/internal"
import { Context, Effect, type Exit, Tracer } from "effect"
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

describe("a call to another process", () => {
  const recorded: Array<readonly [string | undefined, boolean]> = []
  const callOf = (startsTrace: boolean) => ({
    name: "GET /v3/paths/list",
    attributes: { "server.address": "media" },
    outcome: (exit: Exit.Exit<unknown, unknown>) => ({ "error.type": errorTypeOf(exit) }),
    record: (outcome: Readonly<Record<string, string | undefined>>, seconds: number) =>
      void recorded.push([outcome["error.type"], seconds >= 0]),
    startsTrace
  })
  const inside = Effect.withSpan("GET")

  it.effect("has a span in a trace alone, and is measured always", () =>
    Effect.gen(function* () {
      recorded.length = 0
      const { spans, tracer } = collecting()
      const call = outgoing(Effect.void, callOf(false))
      yield* call
      yield* call.pipe(Effect.provideService(Tracer.Tracer, tracer))
      assert.deepStrictEqual(spans, [])
      yield* inside(call).pipe(Effect.provideService(Tracer.Tracer, tracer))
      assert.deepStrictEqual(
        spans.map(({ name, kind }) => [name, kind]),
        [
          ["GET", "internal"],
          ["GET /v3/paths/list", "client"]
        ]
      )
      assert.deepStrictEqual(
        recorded,
        Array.from({ length: 3 }, () => [undefined, true] as const)
      )
      const current = yield* inside(Effect.andThen(call, Effect.currentSpan))
      assert.strictEqual(current.name, "GET", "Effect's default tracer is not asked")
    })
  )

  it.effect("that failed has what kind of failure it was, in span and metric", () =>
    Effect.gen(function* () {
      recorded.length = 0
      const { spans, tracer } = collecting()
      for (const failing of [Effect.fail(new RangeError("no")), Effect.die("no"), Effect.interrupt])
        yield* Effect.exit(inside(outgoing(failing, callOf(false)))).pipe(Effect.provideService(Tracer.Tracer, tracer))
      const types = ["RangeError", "defect", "interrupted"]
      assert.deepStrictEqual(
        recorded,
        types.map((type) => [type, true] as const)
      )
      const calls = spans.filter(({ kind }) => kind === "client")
      assert.deepStrictEqual(
        calls.map(({ attributes }) => attributes.get("error.type")),
        types
      )
    })
  )

  it.effect("hides the spans of what carries it out, and hands its own id on", () =>
    Effect.gen(function* () {
      const { spans, tracer } = collecting()
      const driver = Effect.withFiber((fiber) => Effect.succeed(traceparent(fiber))).pipe(
        Effect.withSpan("a statement")
      )
      const header = yield* inside(outgoing(driver, callOf(false))).pipe(Effect.provideService(Tracer.Tracer, tracer))
      const [, call] = spans
      assert.strictEqual(spans.length, 2)
      assert.strictEqual(header, `00-${call?.traceId}-${call?.spanId}-01`)
      assert.isUndefined(yield* inside(driver), "Effect's default tracer has no trace that others could find")
    })
  )

  it.effect("may begin a trace, which a request's own goes on with", () =>
    Effect.gen(function* () {
      const { spans, tracer } = collecting()
      const call = outgoing(Effect.void, callOf(true))
      yield* call.pipe(Effect.provideService(Tracer.Tracer, tracer))
      yield* inside(call).pipe(Effect.provideService(Tracer.Tracer, tracer))
      const [alone, request, within] = spans
      assert.strictEqual(alone?.parent._tag, "None")
      assert.isTrue(Context.get(alone!.annotations, StartsTrace))
      assert.strictEqual(within?.traceId, request?.traceId)
    })
  )
})

it.effect("a request that is not sampled has no spans inside, and its id is handed on as not sampled", () =>
  Effect.gen(function* () {
    const { spans, tracer } = collecting()
    const { ask } = backstage()
    const unsampled = Effect.withTracerEnabled(
      Effect.andThen(
        ask(),
        Effect.withFiber((fiber) => Effect.succeed(traceparent(fiber)))
      ),
      false
    )
    const header = yield* Effect.useSpan("POST /auth", { kind: "server", sampled: false }, (span) =>
      Effect.provideService(unsampled, Tracer.ParentSpan, span)
    ).pipe(Effect.provideService(Tracer.Tracer, tracer))
    assert.deepStrictEqual(
      spans.map(({ name }) => name),
      ["POST /auth"]
    )
    assert.strictEqual(header, `00-${spans[0]?.traceId}-${spans[0]?.spanId}-00`)
  })
)
