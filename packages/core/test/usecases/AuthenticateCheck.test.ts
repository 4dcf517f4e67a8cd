/** The question whether a key would be let in: one reading of the store, and nothing that stays of it. */
import { assert, describe, it } from "@effect/vitest"
import { type AuthRequest, authenticate, type KeyFacts } from "@greenroom/core"
import { DateTime, Effect, Exit, Fiber, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { at, boolean, cases, element, keyId } from "../support/arbitraries.ts"
import { backstage } from "../support/backstage.ts"
import { assertNoKey, assertSentence } from "../support/refusals.ts"
import { keyValue, storeDown } from "../support/stage.ts"

const aStage = () => {
  const { layer, ...rest } = backstage()
  const check = (fields: { readonly n?: number | null; readonly path?: string } = {}) => {
    const { n = 1, path = "live/1" } = fields
    const ask: AuthRequest = { _tag: "Check", path, key: n === null ? null : Redacted.make(keyValue(n)) }
    return authenticate(ask).pipe(Effect.provide(layer))
  }
  return { ...rest, layer, check }
}

const standings: ReadonlyArray<readonly [Partial<KeyFacts>, string]> = [
  [{}, "Good"],
  [{ revokedAt: at(0) }, "stream_key_revoked"],
  [{ enabled: false }, "stream_key_disabled"],
  [{ expiresAt: DateTime.makeUnsafe(0) }, "stream_key_expired"],
  [{ path: "other/*" as KeyFacts["path"] }, "path_not_allowed"]
]

describe("a check", () => {
  it.effect.prop(
    "answers by key, standing and path alone, with one reading of the facts, in use or not",
    [element(standings), boolean, boolean, boolean],
    ([[standing, expected], keyTaken, pathTaken, there]) =>
      Effect.gen(function* () {
        const { stage, told, check } = aStage()
        stage.changeKey(1, standing)
        if (keyTaken) stage.addSession(1, 0, { path: "live/z" })
        if (pathTaken) stage.addSession(2, 0, { path: "live/1" })
        if (there) for (const one of [1, 2]) stage.connect(one)
        const rows = stage.rows.size
        const decision = yield* check()
        assert.strictEqual(decision._tag === "Refuse" ? decision.reason : decision._tag, expected)
        if (decision._tag === "Good") {
          assert.deepStrictEqual(decision.key, { id: keyId(1), prefix: "sk_kkk1" })
        } else if (decision._tag === "Refuse") {
          assertSentence(decision)
          assertNoKey(decision.detail, keyValue(1), "a refusal")
        }
        assert.deepStrictEqual(stage.called(), ["Admissions.facts"])
        assert.deepStrictEqual(told, { wakes: 0, regrets: [], failures: 0 })
        assert.strictEqual(stage.rows.size, rows)
      }),
    cases(100)
  )

  it.effect("needs no store without a key, or on a path that cannot be", () =>
    Effect.gen(function* () {
      const { stage, check } = aStage()
      const without = yield* check({ n: null })
      assert.isTrue(without._tag === "Refuse" && without.reason === "unauthorized" && without.quiet)
      const wrong = yield* check({ path: "live//1" })
      assert.isTrue(wrong._tag === "Refuse" && wrong.reason === "path_not_allowed")
      const unknown = yield* check({ n: 9 })
      assert.isTrue(unknown._tag === "Refuse" && unknown.reason === "invalid_stream_key")
      assert.deepStrictEqual(stage.called(), ["Admissions.facts"])
    })
  )

  it.effect("fails within the deadline when the store is slow or down, and regrets nothing", () =>
    Effect.gen(function* () {
      const { stage, told, check } = aStage()
      stage.before["Admissions.facts"] = () => Effect.never
      const slow = yield* Effect.forkChild(Effect.exit(check()))
      yield* TestClock.adjust(800)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(slow)))
      stage.before["Admissions.facts"] = () => storeDown
      assert.isTrue(Exit.isFailure(yield* Effect.exit(check())))
      assert.deepStrictEqual(told, { wakes: 0, regrets: [], failures: 2 })
    })
  )

  it.effect(
    "fails at once while the store is known to be down, and is no failure of the store when its client leaves",
    () =>
      Effect.gen(function* () {
        const { stage, told, store, check } = aStage()
        stage.before["Admissions.facts"] = () => Effect.never
        const left = yield* Effect.forkChild(check())
        yield* TestClock.adjust(100)
        yield* Fiber.interrupt(left)
        store.answers = false
        assert.isTrue(Exit.isFailure(yield* Effect.exit(check())))
        assert.deepStrictEqual(stage.called(), ["Admissions.facts"])
        assert.deepStrictEqual(told, { wakes: 0, regrets: [], failures: 0 })
      })
  )
})

describe("credentials that hold a key that cannot be taken", () => {
  it.effect("are refused with their sentence, a path that cannot be before that, without the store", () =>
    Effect.gen(function* () {
      const { stage, layer } = aStage()
      const ask = (path: string) =>
        authenticate({ _tag: "Misplaced", path, detail: "Two different stream keys" }).pipe(Effect.provide(layer))
      const refused = yield* ask("live")
      assert.isTrue(refused._tag === "Refuse" && refused.reason === "invalid_stream_key" && !refused.quiet)
      assert.isTrue(refused._tag === "Refuse" && refused.detail === "Two different stream keys")
      const wrong = yield* ask("live//x")
      assert.isTrue(wrong._tag === "Refuse" && wrong.reason === "path_not_allowed")
      assert.deepStrictEqual(stage.called(), [])
    })
  )
})
