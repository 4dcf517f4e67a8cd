/** The answer to an auth call: right, with as few calls as can be, and a refusal that says why. */
import { assert, describe, it } from "@effect/vitest"
import type { KeyFacts } from "@greenroom/core"
import { DateTime, Effect } from "effect"
import { TestClock } from "effect/testing"
import { at, boolean, cases, element, keyId, streamId } from "../support/arbitraries.ts"
import { backstage, DECISION } from "../support/backstage.ts"
import { assertNoKey, assertSentence } from "../support/refusals.ts"
import { keyValue, mediaServerDown, type Stage } from "../support/stage.ts"

const reasonOf = (decision: { readonly _tag: string; readonly reason?: string }) => decision.reason ?? decision._tag
const later = (ms: number) => TestClock.adjust(ms)

describe("authenticate lets a publisher in", () => {
  it.effect("with one call, and wakes the reconciler", () =>
    Effect.gen(function* () {
      const { stage, told, ask } = backstage()
      const decision = yield* ask()
      const [row] = [...stage.rows.values()]
      assert.deepStrictEqual(decision, {
        _tag: "AllowPublisher",
        streamId: row!.streamId,
        key: { id: keyId(1), prefix: "sk_kkk1" },
        again: false,
        decisionId: DECISION
      })
      assert.deepStrictEqual([row!.path, row!.source], ["live/1", { protocol: "rtmp", id: "new" }])
      assert.deepStrictEqual(stage.called(), ["Admissions.admit"])
      assert.deepStrictEqual(told, { wakes: 1, regrets: [], failures: 0 })
    })
  )

  it.effect("again on the same connection, to the same stream", () =>
    Effect.gen(function* () {
      const { stage, ask } = backstage()
      const first = yield* ask()
      const second = yield* ask()
      assert.isTrue(first._tag === "AllowPublisher" && !first.again)
      assert.deepStrictEqual(second, { ...first, again: true } as typeof second)
      assert.deepStrictEqual(stage.called(), ["Admissions.admit", "Admissions.admit"])
    })
  )

  it.effect("again, too, when the same connection got in between the two calls to the store", () =>
    Effect.gen(function* () {
      const { stage, told, ask } = backstage()
      stage.addSession(7, 0, { streamKeyId: keyId(1) })
      stage.before["Admissions.facts"] = () =>
        Effect.sync(() => {
          stage.rows.clear()
          stage.addSession(9, 0, { streamKeyId: keyId(1), path: "live/1", source: { protocol: "rtmp", id: "new" } })
        })
      const decision = yield* ask()
      const key = { id: keyId(1), prefix: "sk_kkk1" }
      const decisionId = DECISION
      assert.deepStrictEqual(decision, { _tag: "AllowPublisher", streamId: streamId(9), key, again: true, decisionId })
      assert.deepStrictEqual(told.regrets, [])
    })
  )

  it.effect("when the media server says that the one in the way is gone: that one ends first", () =>
    Effect.gen(function* () {
      const { stage, told, ask } = backstage()
      stage.addSession(1)
      yield* later(60_000)
      const decision = yield* ask()
      assert.strictEqual(decision._tag, "AllowPublisher")
      assert.deepStrictEqual(stage.called(), [
        "Admissions.admit",
        "Admissions.facts",
        "MediaServer.find",
        "Admissions.endGone",
        "Admissions.admit"
      ])
      assert.deepStrictEqual(stage.calls[2]!.args, [{ protocol: "rtmp", id: "source-1" }])
      assert.strictEqual(stage.reason(1), "never_ready")
      assert.strictEqual(told.wakes, 1)
    })
  )

  it.effect("when both of those in its way are gone, the one of the key and the one on the path", () =>
    Effect.gen(function* () {
      const { stage, ask } = backstage()
      stage.addSession(1, 0, { path: "live/elsewhere" })
      stage.addSession(2, 0, { path: "live/1" })
      yield* later(60_000)
      assert.strictEqual((yield* ask())._tag, "AllowPublisher")
      assert.deepStrictEqual([stage.state(1), stage.state(2)], ["Inactive", "Inactive"])
      assert.strictEqual(stage.called("MediaServer.find").length, 2)
    })
  )

  it.effect("when whoever was in the way had left by himself", () =>
    Effect.gen(function* () {
      const { stage, ask } = backstage()
      stage.addSession(1)
      stage.before["Admissions.facts"] = () => Effect.sync(() => stage.rows.clear())
      assert.strictEqual((yield* ask())._tag, "AllowPublisher")
      assert.deepStrictEqual(stage.called(), ["Admissions.admit", "Admissions.facts", "Admissions.admit"])
    })
  )
})

describe("authenticate refuses a publisher", () => {
  const inTheWay: ReadonlyArray<readonly [name: string, (stage: Stage) => void]> = [
    ["is still there", (stage) => void stage.connect(1)],
    ["cannot be asked for", (stage) => void Object.assign(stage.before, { "MediaServer.find": () => mediaServerDown })]
  ]
  it.effect.each(inTheWay)("when the one in the way %s, and wakes the reconciler", ([, prepare]) =>
    Effect.gen(function* () {
      const { stage, told, ask } = backstage()
      stage.addSession(1)
      yield* later(60_000)
      prepare(stage)
      const decision = yield* ask()
      assert.strictEqual(reasonOf(decision), "stream_key_in_use")
      assert.deepStrictEqual(stage.called(), ["Admissions.admit", "Admissions.facts", "MediaServer.find"])
      assert.strictEqual(stage.state(1), "Connecting")
      assert.deepStrictEqual(told, { wakes: 1, regrets: [], failures: 0 })
    })
  )

  it.effect("when one of two in the way is still there, and ends neither", () =>
    Effect.gen(function* () {
      const { stage, ask } = backstage()
      stage.addSession(1, 0, { path: "live/elsewhere" })
      stage.addSession(2, 0, { path: "live/1" })
      stage.connect(2)
      yield* later(60_000)
      assert.strictEqual(reasonOf(yield* ask()), "stream_key_in_use")
      assert.deepStrictEqual([stage.state(1), stage.state(2)], ["Connecting", "Connecting"])
    })
  )

  it.effect.prop(
    "never for the age of the one in the way: the media server lists a connection before it asks about it, so a gone one is gone",
    [element([-3_600_000, 0, 1, 600, 999, 1_000, 3_600_000]), boolean],
    ([age, there]) =>
      Effect.gen(function* () {
        const { stage, told, ask } = backstage()
        stage.addSession(1, (yield* DateTime.now).epochMilliseconds - age)
        if (there) stage.connect(1)
        assert.strictEqual(reasonOf(yield* ask()), there ? "stream_key_in_use" : "AllowPublisher")
        assert.strictEqual(stage.called("MediaServer.find").length, 1)
        assert.strictEqual(told.wakes, 1)
      }),
    cases(30)
  )

  it.effect("when somebody else was quicker after the one in the way had gone: it asks only once", () =>
    Effect.gen(function* () {
      const { stage, ask } = backstage()
      stage.addSession(1)
      yield* later(60_000)
      stage.before["Admissions.endGone"] = () =>
        Effect.sync(() => stage.addSession(5, 60_000, { streamKeyId: keyId(1), path: "live/1" }))
      assert.strictEqual(reasonOf(yield* ask()), "stream_key_in_use")
      assert.strictEqual(stage.called("Admissions.admit").length, 2)
      assert.strictEqual(stage.called("MediaServer.find").length, 1)
    })
  )

  it.effect("when he loses the race twice", () =>
    Effect.gen(function* () {
      const { stage, ask } = backstage()
      stage.addSession(1)
      let admits = 0
      stage.before["Admissions.facts"] = () => Effect.sync(() => stage.rows.clear())
      stage.before["Admissions.admit"] = () =>
        Effect.sync(() => ++admits === 2 && stage.addSession(5, 0, { streamKeyId: keyId(1), path: "live/1" }))
      const decision = yield* ask()
      assert.strictEqual(reasonOf(decision), "stream_key_in_use")
      assert.deepStrictEqual(stage.called(), ["Admissions.admit", "Admissions.facts", "Admissions.admit"])
    })
  )

  it.effect("quietly when he has no key: no call, no wake, nothing to write", () =>
    Effect.gen(function* () {
      const { stage, told, ask } = backstage()
      const decision = yield* ask({ n: null })
      assert.isTrue(decision._tag === "Refuse" && decision.quiet && decision.reason === "unauthorized")
      assert.deepStrictEqual([stage.called(), told.wakes], [[], 0])
    })
  )

  it.effect("without a call when no key could make his path right, whatever his key", () =>
    Effect.gen(function* () {
      const { stage, told, ask } = backstage()
      for (const path of [`live/${keyValue(1)}`, "live//1", "", "../x"])
        for (const n of [null, 1]) {
          const decision = yield* ask({ path, n })
          assert.isTrue(decision._tag === "Refuse" && decision.reason === "path_not_allowed" && !decision.quiet)
        }
      assert.deepStrictEqual([stage.called(), told.wakes], [[], 0])
    })
  )

  const standings: ReadonlyArray<Partial<KeyFacts>> = [
    {},
    { revokedAt: at(0) },
    { enabled: false },
    { expiresAt: DateTime.makeUnsafe(0) },
    { path: "other/*" as KeyFacts["path"] }
  ]
  it.effect.prop(
    "with at most three calls to the store, one question about each in the way, and one sentence without a key",
    [element(standings), element([1, 1, 3]), boolean, boolean, boolean, boolean, element(["live/1", "live/2"])],
    ([standing, n, keyTaken, pathTaken, there, sourceTaken, path]) =>
      Effect.gen(function* () {
        const { stage, told, ask } = backstage()
        stage.changeKey(1, standing)
        const now = (yield* DateTime.now).epochMilliseconds
        if (keyTaken) stage.addSession(1, now - 60_000, { path: "live/z" })
        if (pathTaken) stage.addSession(2, now - 60_000, { path })
        if (sourceTaken) stage.addSession(4, now - 60_000, { source: { protocol: "rtmp", id: "new" } })
        if (there) for (const one of [1, 2]) stage.connect(one)
        const decision = yield* ask({ n, path })
        const inTheWay = decision._tag === "Refuse" && /^(stream_key|path)_in_use$/.test(decision.reason)
        assert.strictEqual(told.wakes, decision._tag === "AllowPublisher" || inTheWay ? 1 : 0)
        assert.deepStrictEqual(told.regrets, [])
        const asked = stage.called("MediaServer.find").length
        assert.isAtMost(asked, Number(keyTaken) + Number(pathTaken))
        const admits = stage.called("Admissions.admit").length + stage.called("Admissions.facts").length
        if (decision._tag === "Refuse") {
          assertSentence(decision)
          assertNoKey(decision.detail, keyValue(n), "a refusal")
          assert.isAtMost(admits, 3)
          assert.deepStrictEqual(stage.called("Admissions.endGone"), [])
        } else {
          assert.isTrue(n === 1 && Object.keys(standing).length === 0 && !sourceTaken)
          assert.isFalse(there && (keyTaken || pathTaken))
          assert.strictEqual(admits, keyTaken || pathTaken ? 3 : 1)
        }
      }),
    cases(500)
  )
})
