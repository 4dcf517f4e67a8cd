/** The arbitraries give what they promise: values that the schemas and the state machine take, and every answer of the decisions. */
import { assert, describe, it } from "@effect/vitest"
import {
  DisplayName,
  decideAdmission,
  foldEvents,
  Metadata,
  PathLimitText,
  PipelineId,
  planReconciliation,
  StreamPath
} from "@greenroom/core"
import * as arbitraries from "@greenroom/testing/arbitraries"
import { toFastCheck } from "@greenroom/testing/fast-check"
import { Arbitrary, Effect, Result, Schema } from "effect"
import * as fc from "fast-check"

const options = { timeout: 60_000, arbitrary: { runs: 300, size: 40, seed: "greenroom" } }

const sample = <A>(arbitrary: Arbitrary.Arbitrary<A>, count = 500) =>
  Arbitrary.sampleEffect(arbitrary, { count, size: 40, seed: "greenroom" })

describe("arbitraries", () => {
  const { lines, metadata, validPaths, limitTexts, pipelineIds } = arbitraries
  it.prop(
    "of values are what the schemas take",
    [lines, metadata, validPaths, limitTexts, pipelineIds],
    (drawn) => {
      const [line, json, path, limit, pipeline] = drawn
      assert.isTrue(Schema.is(DisplayName)(line), line)
      assert.isTrue(Schema.is(Metadata)(json))
      assert.isTrue(Schema.is(StreamPath)(path), path)
      assert.isTrue(Schema.is(PathLimitText)(limit), limit)
      assert.isTrue(Schema.is(PipelineId)(pipeline), pipeline)
    },
    options
  )

  it.prop(
    "of histories fold to a state",
    [arbitraries.histories],
    ([history]) => {
      assert.isTrue(Result.isSuccess(foldEvents(history)))
    },
    options
  )

  it.effect("each export of values can be drawn", () =>
    Effect.gen(function* () {
      const all = Object.entries(arbitraries).filter((entry): entry is [string, Arbitrary.Arbitrary<unknown>] =>
        Arbitrary.isArbitrary(entry[1])
      )
      assert.isAbove(all.length, 40)
      for (const [name, arbitrary] of all) assert.strictEqual((yield* sample(arbitrary, 50)).length, 50, name)
    })
  )

  it.effect("of sessions reach every state, with and without an ending", () =>
    Effect.gen(function* () {
      const states = new Set(
        (yield* sample(arbitraries.sessionStates)).map(({ _tag, ending }) => `${_tag} ${ending === null}`)
      )
      assert.strictEqual(states.size, 6, [...states].join())
    })
  )

  it.effect("of auth calls are every kind of request", () =>
    Effect.gen(function* () {
      const tags = new Set((yield* sample(arbitraries.authRequests, 1_000)).map(({ _tag }) => _tag))
      const kinds = ["Check", "Misplaced", "Operate", "Other", "Publish", "Unsupported", "View"]
      assert.deepStrictEqual([...tags].toSorted(), kinds)
    })
  )

  it.effect("of admissions reach every answer", () =>
    Effect.gen(function* () {
      const inputs = yield* sample(arbitraries.admissionInputs, 2_000)
      const answers = new Set(
        inputs.map((input) => decideAdmission(...input)).map((one) => (one._tag === "Refuse" ? one.reason : one._tag))
      )
      const reasons = ["invalid_stream_key", "path_not_allowed", "stream_key_disabled", "stream_key_expired"]
      for (const answer of ["Admit", "Again", "InUse", "stream_key_in_use", "stream_key_revoked", ...reasons]) {
        assert.include([...answers], answer)
      }
    })
  )

  it.effect("of passes reach every command", () =>
    Effect.gen(function* () {
      const tags = new Set(
        (yield* sample(arbitraries.planInputs, 2_000)).flatMap((input) =>
          planReconciliation(...input).commands.map(({ _tag }) => _tag)
        )
      )
      const sessions = ["MarkReady", "End", "RequestStop", "KickStopping", "ResetPath", "ReportUnlisted"]
      for (const tag of [...sessions, "KickUnauthorized", "ReportUnauthorized", "HoldUnauthorized"]) {
        assert.include([...tags], tag)
      }
    })
  )
})

describe("for fast-check", () => {
  it("a property over an arbitrary of Effect holds or is falsified, and a seed repeats it", () => {
    const inputs = toFastCheck(arbitraries.admissionInputs)
    fc.assert(fc.property(inputs, ([ask, facts]) => decideAdmission(ask, facts)._tag !== undefined))
    const neverAgain = fc.property(inputs, ([ask, facts]) => decideAdmission(ask, facts)._tag !== "Again")
    const first = fc.check(neverAgain, { numRuns: 2_000, seed: 1 })
    assert.isTrue(first.failed)
    const again = fc.check(neverAgain, { numRuns: 2_000, seed: 1 })
    assert.deepStrictEqual(again.counterexample, first.counterexample)
  })
})
