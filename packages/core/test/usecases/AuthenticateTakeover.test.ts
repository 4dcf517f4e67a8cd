/** What happens to a newcomer whose key is publishing already, when the deployment says that he takes over. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { cases, element, keyId } from "../support/arbitraries.ts"
import { backstage } from "../support/backstage.ts"
import { keyValue, storeDown } from "../support/stage.ts"

describe("authenticate, with takeover", () => {
  it.effect.prop(
    "lets the newcomer in at once, however fresh the other is and whatever the media server holds; the other is superseded",
    [element([0, 500, 60_000]), element(["live/1", "live/elsewhere"])],
    ([age, path]) =>
      Effect.gen(function* () {
        const { stage, told, ask } = backstage("takeover")
        stage.addSession(1, -age, { path })
        stage.connect(1)
        const decision = yield* ask()
        assert.isTrue(decision._tag === "AllowPublisher" && !decision.again)
        assert.deepStrictEqual(stage.called(), ["Admissions.admit", "Admissions.facts", "Admissions.takeOver"])
        assert.strictEqual(stage.reason(1), "superseded")
        assert.strictEqual(stage.state(1), "Connecting", "he ends when he has left the media server")
        assert.strictEqual(told.wakes, 1)
      }),
    cases(20)
  )

  it.effect("is not what happens unless it is configured", () =>
    Effect.gen(function* () {
      for (const policy of [null, "refuse"] as const) {
        const { stage, ask } = backstage(policy)
        stage.addSession(1, -60_000)
        stage.connect(1)
        const decision = yield* ask()
        assert.isTrue(decision._tag === "Refuse" && decision.reason === "stream_key_in_use")
        assert.notInclude(stage.called(), "Admissions.takeOver")
        assert.strictEqual(stage.reason(1), undefined)
      }
    })
  )

  it.effect("takes nothing from another key: not its path, nor its path beside one's own", () =>
    Effect.gen(function* () {
      for (const own of [false, true]) {
        const { stage, ask } = backstage("takeover")
        if (own) stage.addSession(1, -60_000, { path: "live/elsewhere" })
        if (own) stage.connect(1)
        stage.addSession(2, -60_000, { path: "live/1" })
        stage.connect(2)
        const decision = yield* ask()
        assert.isTrue(decision._tag === "Refuse" && decision.reason === (own ? "stream_key_in_use" : "path_in_use"))
        assert.notInclude(stage.called(), "Admissions.takeOver")
        assert.deepStrictEqual([stage.reason(1), stage.reason(2)], [undefined, undefined])
      }
    })
  )

  it.effect("helps no key that is no good, and no connection that had its stream", () =>
    Effect.gen(function* () {
      const { stage, ask } = backstage("takeover")
      stage.addSession(1, -60_000)
      stage.changeKey(1, { enabled: false })
      const disabled = yield* ask()
      stage.changeKey(1, { enabled: true })
      stage.addSession(3, -60_000, { source: { protocol: "rtmp", id: "old" } })
      const reused = yield* ask({ sourceId: "old" })
      assert.deepStrictEqual(
        [disabled, reused].map((decision) => decision._tag === "Refuse" && decision.reason),
        ["stream_key_disabled", "stream_key_in_use"]
      )
      assert.notInclude(stage.called(), "Admissions.takeOver")
    })
  )

  it.effect("falls back to asking where the other is, when he cannot be superseded: somebody stops him already", () =>
    Effect.gen(function* () {
      for (const there of [true, false]) {
        const { stage, ask } = backstage("takeover")
        stage.addSession(1, -60_000)
        stage.move(1, { type: "stop_requested", reason: "stopped" })
        if (there) stage.connect(1)
        const decision = yield* ask()
        assert.strictEqual(decision._tag, there ? "Refuse" : "AllowPublisher")
        assert.deepStrictEqual(stage.called().slice(0, 4), [
          "Admissions.admit",
          "Admissions.facts",
          "Admissions.takeOver",
          "MediaServer.find"
        ])
        assert.strictEqual(stage.reason(1), "stopped")
      }
    })
  )

  it.effect("regrets what may have come to be when the store fails or hangs in the middle of it", () =>
    Effect.gen(function* () {
      for (const trouble of [storeDown, Effect.never]) {
        const { stage, told, ask } = backstage("takeover")
        stage.addSession(1, -60_000)
        stage.before["Admissions.takeOver"] = () => trouble
        const fiber = yield* Effect.forkChild(Effect.exit(ask()))
        yield* TestClock.adjust(800)
        const exit = yield* Fiber.join(fiber)
        assert.isTrue(Exit.isFailure(exit) && String(exit.cause).includes("StoreUnavailable"))
        const asked = stage.calls[0]!.args[0] as { readonly streamId: string }
        assert.deepStrictEqual(told.regrets, [asked.streamId])
      }
    })
  )

  it.effect("lets the same connection in again to its own stream, and supersedes nobody", () =>
    Effect.gen(function* () {
      const { stage, ask } = backstage("takeover")
      const first = yield* ask()
      const second = yield* ask()
      assert.deepStrictEqual(second, { ...first, again: true } as typeof second)
      assert.notInclude(JSON.stringify([first, second, stage.calls]), keyValue(1))
      assert.deepStrictEqual(
        [...stage.rows.values()].map((row) => row.streamKeyId),
        [keyId(1)]
      )
      assert.isNull([...stage.rows.values()][0]!.state.ending)
    })
  )

  it.effect(
    "parts encoders that took the key from each other three times in ten seconds: the one on the air stays for a minute",
    () =>
      Effect.gen(function* () {
        const { stage, ask } = backstage("takeover")
        for (const n of [1, 2, 3, 4]) {
          const decision = yield* ask({ sourceId: `encoder-${n}` })
          assert.strictEqual(decision._tag, "AllowPublisher")
          stage.connect(1, { id: `encoder-${n}` })
          yield* TestClock.adjust("2 seconds")
        }
        for (const millis of [0, 40_000, 17_999]) {
          yield* TestClock.adjust(millis)
          const refused = yield* ask({ sourceId: `late-${millis}` })
          if (refused._tag !== "Refuse") return assert.fail(refused._tag)
          assert.strictEqual(refused.reason, "stream_key_contested")
          assert.match(refused.detail, /stays with the encoder on live\/1 for \d+ s more: .*3 times within 10 s/)
        }
        yield* TestClock.adjust(1)
        assert.strictEqual((yield* ask({ sourceId: "after a minute" }))._tag, "AllowPublisher")
      })
  )

  it.effect(
    "lets a newcomer in although the key is contested, when the media server shows that the other is gone",
    () =>
      Effect.gen(function* () {
        const { stage, ask } = backstage("takeover")
        for (const n of [1, 2, 3, 4])
          assert.strictEqual((yield* ask({ sourceId: `encoder-${n}` }))._tag, "AllowPublisher")
        assert.strictEqual((yield* ask({ sourceId: "encoder-5" }))._tag, "AllowPublisher")
        assert.include(stage.called(), "MediaServer.find")
      })
  )

  it.effect(
    "takes the path from the key that this one was rotated from, whatever is configured, and never the other way round",
    () =>
      Effect.gen(function* () {
        for (const policy of [null, "refuse", "takeover"] as const) {
          const { stage, ask } = backstage(policy)
          stage.changeKey(2, { rotatedFrom: keyId(1) })
          stage.addSession(1, -60_000)
          stage.connect(1)
          const decision = yield* ask({ n: 2 })
          assert.strictEqual(decision._tag, "AllowPublisher")
          assert.strictEqual(stage.reason(1), "superseded")
          stage.connect(1, { id: "new" })
          const back = yield* ask({ sourceId: "back" })
          assert.isTrue(back._tag === "Refuse" && back.reason === "path_in_use")
        }
      })
  )
})
