/** Hooks: needless while the media server can be looked at, believed while nobody can, and harmless however they come. */
import { assert, describe, it } from "@effect/vitest"
import { foldEvents, type Hook, MediaServerUnavailable, Reconciler, receiveHook } from "@greenroom/core"
import { Arbitrary, Effect, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import { cases, element } from "../support/arbitraries.ts"
import { withWallClock } from "../support/frozen.ts"
import { metered } from "../support/logs.ts"
import { eventsOf } from "../support/passes.ts"
import { running, settle } from "../support/running.ts"
import { makeStage, mediaServerDown, type Stage, storeDown } from "../support/stage.ts"

const later = (ms: number) => TestClock.adjust(ms)

const absent = Effect.fail(new MediaServerUnavailable({ reason: "absent", operation: "look", detail: "none" }))
const refused = Effect.fail(new MediaServerUnavailable({ reason: "refused", operation: "look", detail: "401" }))

const silence = (stage: Stage, how: Effect.Effect<never, MediaServerUnavailable> = mediaServerDown) => {
  for (const name of ["snapshot", "find", "kick"]) stage.before[`MediaServer.${name}`] = () => how
}
const speak = (stage: Stage) => {
  for (const name of ["snapshot", "find", "kick"]) delete stage.before[`MediaServer.${name}`]
}

const about = (n: number, more: Partial<Hook> = {}): Hook => ({
  kind: "ready",
  path: `live/${n}`,
  sourceType: "rtmpConn",
  sourceId: `source-${n}`,
  protected: true,
  ...more
})
const gone = (n: number, more: Partial<Hook> = {}) => about(n, { kind: "not_ready", ...more })

const started = Effect.fnUntraced(function* (stage: Stage) {
  const { reconciler, scope } = yield* running(stage)
  const send = (hook: Hook) => receiveHook(hook).pipe(Effect.provide(Layer.succeed(Reconciler)(reconciler)))
  return { reconciler, scope, send }
})

describe("while nobody can look", () => {
  it.effect.each([
    ["there is none", absent],
    ["it does not answer", mediaServerDown]
  ] as const)("a hook is believed at once: %s", ([, how]) =>
    Effect.gen(function* () {
      const stage = makeStage()
      silence(stage, how)
      for (const n of [1, 2]) stage.addSession(n)
      const { send } = yield* started(stage)
      yield* send(about(1))
      yield* send(about(2, { protected: false }))
      yield* later(50)
      assert.deepStrictEqual([stage.state(1), stage.state(2)], ["Active", "Active"])
      yield* send(gone(1))
      yield* send(gone(2, { protected: false }))
      yield* later(50)
      assert.deepStrictEqual([stage.reason(1), stage.state(2)], ["disconnected", "Active"])
      assert.deepStrictEqual(eventsOf(stage, 1), ["admitted", "ready", "ended"])
    })
  )

  it.effect("a session that is being stopped ends with its reason, and its key is free", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      silence(stage)
      stage.addKey(1, { enabled: false })
      stage.addSession(1, 0, { source: { protocol: "rtsp", id: "source-1" } })
      const { send } = yield* started(stage)
      yield* send(gone(1))
      yield* later(50)
      assert.strictEqual(stage.reason(1), "disabled")
    })
  )

  it.effect("who is unknown, or elsewhere, or ended stays so", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      silence(stage)
      stage.addSession(1)
      stage.addSession(2)
      stage.move(2, { type: "ended", reason: "never_ready" })
      const { send } = yield* started(stage)
      for (const hook of [about(9), gone(9), about(1, { path: "live/2" }), about(2), gone(2)]) yield* send(hook)
      yield* later(5_000)
      assert.deepStrictEqual([eventsOf(stage, 1), eventsOf(stage, 2)], [["admitted"], ["admitted", "ended"]])
      assert.strictEqual(stage.rows.size, 2)
    })
  )

  it.effect.each([3_600_000, -3_600_000])("whoever sets the clock by %s ms makes no look older or younger", (millis) =>
    withWallClock((set) =>
      Effect.gen(function* () {
        const stage = makeStage()
        stage.addSession(1)
        stage.connect(1)
        const { send } = yield* started(stage)
        yield* later(100)
        silence(stage)
        yield* set(millis)
        yield* send(gone(1))
        yield* later(2_000)
        assert.deepStrictEqual(eventsOf(stage, 1), ["admitted", "ready"], "a look stands for three seconds")
        yield* later(2_500)
        assert.deepStrictEqual(eventsOf(stage, 1), ["admitted", "ready", "ended"])
      })
    )
  )

  it.effect("waits for a store that does not answer", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      silence(stage)
      stage.addSession(1)
      const { send } = yield* started(stage)
      stage.before["Sessions.bySource"] = () => storeDown
      yield* send(about(1))
      yield* later(5_000)
      assert.strictEqual(stage.state(1), "Connecting")
      delete stage.before["Sessions.bySource"]
      yield* later(1_000)
      assert.strictEqual(stage.state(1), "Active")
    })
  )

  it.effect.each([
    [50_000, "Active"],
    [65_000, "Connecting"]
  ] as const)(
    "a hook that could be neither checked nor believed for %i ms finds its session %s afterwards",
    ([wait, state]) =>
      Effect.gen(function* () {
        const stage = makeStage()
        silence(stage, refused)
        stage.addSession(1)
        const { send } = yield* started(stage)
        yield* send(about(1))
        yield* later(wait)
        assert.strictEqual(stage.state(1), "Connecting", "a refusal is an answer")
        silence(stage)
        yield* later(5_000)
        assert.strictEqual(stage.state(1), state)
      })
  )

  it.effect("keeps a thousand hooks and no more, a hundred a pass", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { send } = yield* started(stage)
      yield* later(500)
      silence(stage)
      const { counts } = yield* metered(
        Effect.gen(function* () {
          for (let n = 0; n < 1_100; n++) yield* send(about(n))
          yield* later(5_000)
        })
      )
      assert.strictEqual(counts["greenroom_hooks_total kind=ready,outcome=dropped"], 100)
    })
  )

  const moments = Arbitrary.array(
    Arbitrary.all({ of: element([1, 2]), kind: element(["ready", "not_ready"]), after: element([0, 60, 1_500]) }),
    { maxLength: 8 }
  )
  it.effect.prop(
    "hooks of two on one path, doubled, late and in any order, move each by its own word alone",
    [moments],
    ([schedule]) =>
      Effect.gen(function* () {
        const stage = makeStage()
        silence(stage)
        stage.addSession(1, 0, { path: "live/x" })
        stage.move(1, { type: "stop_requested", reason: "superseded" })
        stage.addSession(2, 0, { path: "live/x" })
        const { send } = yield* started(stage)
        for (const { of, kind, after } of schedule) {
          yield* send(about(of, { kind, path: "live/x" }))
          yield* later(after)
        }
        yield* later(3_000)
        for (const n of [1, 2]) {
          const said = schedule.filter(({ of }) => of === n).map(({ kind }) => kind)
          const row = [...stage.rows.values()].find(({ source }) => source.id === `source-${n}`)!
          assert.isTrue(Result.isSuccess(foldEvents(row.events)))
          if (!said.includes("not_ready")) {
            assert.strictEqual(row.state._tag, said.includes("ready") ? "Active" : "Connecting")
          } else assert.strictEqual(row.state._tag, "Inactive")
        }
      }),
    cases(100)
  )
})

describe("while somebody can look", () => {
  it.effect("a hook only makes the next look come at once", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.addSession(1)
      stage.connect(1, { onPath: "no" })
      const { counts } = yield* metered(
        Effect.gen(function* () {
          const { send } = yield* started(stage)
          yield* send(about(1))
          yield* send(gone(1))
          yield* later(5_000)
        })
      )
      assert.strictEqual(stage.state(1), "Connecting")
      assert.strictEqual(counts["greenroom_hooks_total kind=ready,outcome=looked"], 1)
      assert.strictEqual(counts["greenroom_hooks_total kind=not_ready,outcome=looked"], 1)
    })
  )

  it.effect("and refuses us, it is there all the same", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      silence(stage, refused)
      stage.addSession(1)
      const { send } = yield* started(stage)
      yield* send(gone(1))
      yield* later(10_000)
      assert.strictEqual(stage.state(1), "Connecting")
    })
  )

  it.effect("although a look fails, no hook is believed while it answers at all", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.before["MediaServer.snapshot"] = () => mediaServerDown
      stage.addSession(1)
      const { send } = yield* started(stage)
      yield* send(gone(1))
      yield* later(10_000)
      assert.strictEqual(stage.state(1), "Connecting")
    })
  )

  it.effect("until three seconds ago, a hook waits: a look may come yet, and then it rules", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      for (const n of [1, 2]) {
        stage.addSession(n)
        stage.connect(n)
      }
      const { send } = yield* started(stage)
      yield* settle
      silence(stage)
      yield* send(gone(1))
      yield* later(2_900)
      assert.strictEqual(stage.state(1), "Active")
      speak(stage)
      yield* later(2_000)
      assert.strictEqual(stage.state(1), "Active", "it was looked at")
      silence(stage)
      yield* later(1_000)
      yield* send(gone(2))
      yield* later(5_000)
      assert.deepStrictEqual([stage.state(1), stage.reason(2)], ["Active", "disconnected"])
    })
  )

  it.effect.each([
    ["looks", 500, "Connecting"],
    ["has not looked for long", 60_000, "Active"]
  ] as const)("who stands by believes nothing unless the leader cannot look, either: it %s", ([, age, state]) =>
    Effect.gen(function* () {
      const stage = makeStage()
      const found = { publishers: 0, unauthorized: 0, kicked: 0, reported: 0, heldBack: 0, enforced: false }
      Object.assign(stage.lease, { holder: "another", until: Number.POSITIVE_INFINITY })
      yield* later(120_000)
      silence(stage)
      stage.addSession(1)
      const { send } = yield* started(stage)
      stage.before["Leases.acquire"] = () =>
        Effect.clockWith((clock) =>
          Effect.sync(() => {
            stage.lease.lastLook = { at: clock.currentTimeMillisUnsafe() - age, found }
          })
        )
      yield* later(1_000)
      yield* send(about(1))
      yield* later(5_000)
      assert.strictEqual(stage.state(1), state)
      assert.notInclude(stage.called(), "MediaServer.snapshot")
    })
  )

  it.effect("who leads from its start on and cannot look goes by the last look of whoever led before", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const found = { publishers: 0, unauthorized: 0, kicked: 0, reported: 0, heldBack: 0, enforced: false }
      yield* later(120_000)
      silence(stage)
      stage.addSession(1)
      const now = yield* Effect.clockWith((clock) => Effect.sync(() => clock.currentTimeMillisUnsafe()))
      stage.lease.lastLook = { at: now - 500, found }
      const { send } = yield* started(stage)
      yield* send(about(1))
      yield* later(2_000)
      assert.strictEqual(stage.state(1), "Connecting")
      yield* later(3_000)
      assert.strictEqual(stage.state(1), "Active")
    })
  )
})

it.effect(
  "whose session a believed hook has ended, and who is there all the same, is kicked when looking is possible again",
  () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.addSession(1)
      stage.connect(1)
      silence(stage)
      const { send } = yield* started(stage)
      yield* send(gone(1))
      yield* later(1_000)
      assert.strictEqual(stage.state(1), "Inactive")
      assert.isTrue(stage.connections.has("source-1"))
      speak(stage)
      yield* later(1_000)
      assert.isFalse(stage.connections.has("source-1"))
      assert.deepStrictEqual(eventsOf(stage, 1), ["admitted", "ended"])
    })
)
