/** What the reconciler says of itself: each trouble once when it begins and once when it is over, and all of it in numbers. */
import { assert, describe, it } from "@effect/vitest"
import { MediaServerUnavailable } from "@greenroom/core"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { collector, metered } from "../support/logs.ts"
import { running } from "../support/running.ts"
import { keyValue, makeStage, mediaServerDown, storeDown } from "../support/stage.ts"

const later = (ms: number) => TestClock.adjust(ms)

describe("the reconciler says", () => {
  it.effect("once that it cannot see, and once that it sees again", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const log = collector()
      yield* running(stage).pipe(Effect.provide(log.layer))
      assert.deepStrictEqual(log.said(), [])
      stage.before["Sessions.open"] = () => storeDown
      yield* later(5_000)
      assert.deepStrictEqual(log.said(), [
        "WARN the reconciler cannot observe; the stored state stays unchanged until it can"
      ])
      assert.deepStrictEqual(log.lines[0]!.annotations, {
        outcome: "store_unavailable",
        error: "The store did not answer test"
      })
      delete stage.before["Sessions.open"]
      yield* later(5_000)
      assert.deepStrictEqual(log.said().slice(1), ["INFO the reconciler observes again"])
    })
  )

  it.effect("where another instance leads, that it stands by: it does not look, and does not say that it sees", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const other = { holder: "another", until: Number.POSITIVE_INFINITY }
      Object.assign(stage.lease, other)
      const log = collector()
      yield* running(stage).pipe(Effect.provide(log.layer))
      const storeAway = Effect.gen(function* () {
        stage.before["Leases.acquire"] = () => storeDown
        yield* later(5_000)
        delete stage.before["Leases.acquire"]
        yield* later(5_000)
      })
      const cannotSee = "WARN the reconciler cannot observe; the stored state stays unchanged until it can"
      const standsBy = "INFO the reconciler has recovered: another instance leads, this one follows"
      yield* storeAway
      assert.deepStrictEqual(log.said(), [cannotSee, standsBy])
      Object.assign(stage.lease, { holder: null, until: 0 })
      yield* later(1_000)
      assert.deepStrictEqual(log.said().slice(2), ["INFO this instance reconciles now"])
      Object.assign(stage.lease, other)
      yield* storeAway
      const lost = "WARN this instance has lost the lease: another one may reconcile now"
      assert.deepStrictEqual(log.said().slice(3), [cannotSee, standsBy, lost])
    })
  )

  it.effect("anew when it is something else that it cannot see; a defect with all that is known of it", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const log = collector()
      yield* running(stage).pipe(Effect.provide(log.layer))
      for (const trouble of [mediaServerDown, storeDown, Effect.die(new Error("what nobody expected"))]) {
        stage.before["MediaServer.snapshot"] = () => trouble
        yield* later(3_000)
      }
      assert.deepStrictEqual(
        log.lines
          .filter(({ message }) => !JSON.stringify(message).includes("viewers"))
          .map(({ level, annotations }) => [level, annotations.outcome]),
        [
          ["WARN", "media_server_unavailable"],
          ["WARN", "store_unavailable"],
          ["WARN", "failed"],
          ["ERROR", undefined]
        ]
      )
      assert.include(JSON.stringify(log.lines), "what nobody expected")
    })
  )

  it.effect("each of several troubles once, however often they take turns, until it sees again", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const log = collector()
      yield* running(stage).pipe(Effect.provide(log.layer))
      const refused = new MediaServerUnavailable({ reason: "refused", operation: "look", detail: "status 401" })
      const takeTurns = Effect.gen(function* () {
        for (let turn = 0; turn < 5; turn++) {
          for (const trouble of [mediaServerDown, Effect.fail(refused)]) {
            stage.before["MediaServer.snapshot"] = () => trouble
            yield* later(1_000)
          }
        }
        delete stage.before["MediaServer.snapshot"]
        yield* later(1_000)
      })
      for (let episode = 1; episode <= 2; episode++) {
        const from = log.lines.length
        yield* takeTurns
        assert.deepStrictEqual(log.said().slice(from), [
          "WARN the reconciler cannot observe; the stored state stays unchanged until it can",
          "WARN the reconciler cannot observe; the stored state stays unchanged until it can",
          "INFO the reconciler observes again"
        ])
      }
    })
  )

  it.effect("nothing of a media server that starts within five seconds of it, and of one that does not, once", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.before["MediaServer.snapshot"] = () => mediaServerDown
      const log = collector()
      yield* running(stage).pipe(Effect.provide(log.layer))
      yield* later(4_900)
      assert.deepStrictEqual(log.said(), [])
      yield* later(5_000)
      assert.deepStrictEqual(log.said(), [
        "WARN the reconciler cannot observe; the stored state stays unchanged until it can"
      ])
    })
  )

  it.effect("calmly that no media server is configured yet: that is no trouble of anybody's making", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const absent = { reason: "absent", operation: "GET /v3/info", detail: "none is configured" } as const
      stage.before["MediaServer.snapshot"] = () => Effect.fail(new MediaServerUnavailable(absent))
      const log = collector()
      const { counts } = yield* metered(
        Effect.gen(function* () {
          yield* running(stage).pipe(Effect.provide(log.layer))
          yield* later(4_900)
          assert.deepStrictEqual(log.said(), [], "one of our own may be starting")
          yield* later(3_100)
          assert.deepStrictEqual(log.said(), ["INFO there is no media server to observe yet"])
        })
      )
      assert.strictEqual(counts["greenroom_reconciler_passes_total outcome=media_server_absent"], 9)
      assert.strictEqual(counts["greenroom_degraded kind=media_server_absent"], 1)
      delete stage.before["MediaServer.snapshot"]
      yield* later(3_000)
      assert.deepStrictEqual(log.said().slice(1), ["INFO the reconciler observes"])
    })
  )

  it.effect("nothing when its own media server comes up beside it: nobody was told that it was not there", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const absent = { reason: "absent", operation: "look", detail: "there is no media server yet" } as const
      stage.before["MediaServer.snapshot"] = () => Effect.fail(new MediaServerUnavailable(absent))
      const log = collector()
      const { counts } = yield* metered(
        Effect.gen(function* () {
          yield* running(stage).pipe(Effect.provide(log.layer))
          yield* later(2_000)
          delete stage.before["MediaServer.snapshot"]
          yield* later(10_000)
        })
      )
      assert.deepStrictEqual(log.said(), [])
      assert.strictEqual(counts["greenroom_degraded kind=media_server_absent"], 0)
    })
  )

  it.effect(
    "who publishes without a session, once each, and when one has gone; and no key that they put into their path",
    () =>
      Effect.gen(function* () {
        const stage = makeStage()
        stage.policy.unauthorized = "report"
        stage.connect(1, { path: `live/${keyValue(1)}` })
        const log = collector()
        yield* running(stage).pipe(Effect.provide(log.layer))
        yield* later(3_000)
        assert.deepStrictEqual(
          log.lines.map(({ level, annotations }) => [level, annotations]),
          [["WARN", { path: "live/sk_kkk1…", protocol: "rtmp", source_id: "source-1" }]]
        )
        stage.connect(2)
        yield* later(3_000)
        assert.strictEqual(log.lines.length, 2)
        stage.connections.delete("source-1")
        yield* later(3_000)
        assert.deepStrictEqual(
          log.lines.map(({ level, annotations }) => [level, annotations.source_id]),
          [
            ["WARN", "source-1"],
            ["WARN", "source-2"],
            ["INFO", "source-1"]
          ]
        )
      })
  )

  it.effect("loudly, and once, that too many publish without a session", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.policy.massKickLimit = 1
      stage.connect(1)
      stage.connect(2)
      const log = collector()
      yield* running(stage).pipe(Effect.provide(log.layer))
      yield* later(3_000)
      assert.strictEqual(log.lines.length, 1)
      assert.match(log.said()[0]!, /^ERROR 2 publishers have no session here.*until an operator decides$/)
      assert.strictEqual(stage.connections.size, 2)
      stage.connections.delete("source-1")
      yield* later(3_000)
      assert.strictEqual(stage.connections.size, 1, "no operator has decided")
      assert.strictEqual(log.lines.length, 1)
      stage.connections.clear()
      yield* later(3_000)
      assert.deepStrictEqual(log.said().slice(1), ["INFO the publishers without a session are no longer held back"])
    })
  )

  it.effect("in numbers how its passes went", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { counts } = yield* metered(
        Effect.gen(function* () {
          stage.policy.unauthorized = "report"
          stage.connect(1)
          yield* running(stage)
          for (const trouble of [storeDown, mediaServerDown, mediaServerDown, Effect.die("defect")]) {
            stage.before["MediaServer.snapshot"] = () => trouble
            yield* later(1_000)
          }
          Object.assign(stage.lease, { holder: "another", until: Number.POSITIVE_INFINITY })
          yield* later(1_000)
        })
      )
      const passes = (outcome: string) => counts[`greenroom_reconciler_passes_total outcome=${outcome}`]
      assert.deepStrictEqual(
        ["complete", "store_unavailable", "media_server_unavailable", "failed", "not_leading"].map(passes),
        [1, 1, 2, 1, 1]
      )
      assert.strictEqual(counts.greenroom_unauthorized_publishers, 0, "they are the leader's to show")
      assert.strictEqual(counts.greenroom_reconciler_leading, 0)
    })
  )
})
