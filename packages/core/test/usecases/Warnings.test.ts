/** Warnings about the media server: told once, shown while they last, and what they keep the reconciler from. */
import { assert, describe, it } from "@effect/vitest"
import { type MediaServerFacts, recommendedFacts } from "@greenroom/core"
import { Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"
import { backstage } from "../support/backstage.ts"
import { collector, metered } from "../support/logs.ts"
import { running } from "../support/running.ts"
import { makeStage, mediaServerDown } from "../support/stage.ts"

const later = (ms: number) => TestClock.adjust(ms)

describe("a media server that is configured not to ask", () => {
  const configured: ReadonlyArray<readonly [string, Partial<MediaServerFacts>]> = [
    ["authMethod: internal", { authMethod: "internal" }],
    ["publish in authHTTPExclude", { authExcludes: ["publish"] }]
  ]
  it.effect.each(configured)("keeps its publishers, and is warned of until it asks: %s", ([, facts]) =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.server.facts = { ...recommendedFacts, ...facts }
      stage.connect(1)
      const log = collector()
      const { result, counts } = yield* metered(
        Effect.gen(function* () {
          const { reconciler } = yield* running(stage).pipe(Effect.provide(log.layer))
          yield* later(5_000)
          return reconciler
        })
      )
      assert.deepStrictEqual(stage.called("MediaServer.kick"), [])
      assert.deepStrictEqual(
        (yield* result.warnings).map(({ kind }) => kind),
        ["publishers_not_asked"]
      )
      assert.strictEqual(counts["greenroom_media_server_warnings kind=publishers_not_asked"], 1)
      assert.strictEqual(counts["greenroom_media_server_warnings kind=control_api_open"], 0)
      assert.strictEqual(counts.greenroom_unauthorized_publishers, 1)
      assert.strictEqual(counts["greenroom_degraded kind=mass_kick_held_back"], 0)
      assert.strictEqual(log.said().length, 2)
      assert.match(log.said()[0]!, /^ERROR 1 publisher has no session here, and the media server is configured not to/)
      assert.match(log.said()[1]!, /^WARN MediaMTX has .* set authMethod: http$|^WARN MediaMTX has .* take it out$/)

      stage.server.facts = recommendedFacts
      yield* later(2_000)
      assert.strictEqual(stage.connections.size, 0, "now it must have been asked about")
      assert.deepStrictEqual(yield* result.warnings, [])
      assert.deepStrictEqual(log.said().slice(2), [
        "INFO publisher kicked",
        "INFO the publishers without a session are no longer held back",
        "INFO a warning about the media server is over"
      ])
    })
  )

  it.effect("that does not say how it is configured keeps its publishers until it does", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.server.facts = null
      stage.connect(1)
      const log = collector()
      yield* running(stage).pipe(Effect.provide(log.layer))
      yield* later(5_000)
      assert.strictEqual(stage.connections.size, 1)
      assert.match(log.said()[0]!, /^ERROR 1 publisher has no session here, and it could not be read whether/)
      stage.server.facts = recommendedFacts
      yield* later(2_000)
      assert.strictEqual(stage.connections.size, 0)
    })
  )

  it.effect("is asked before the first kick whether it asks still: its configuration may have changed since", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.server.remembered = recommendedFacts
      stage.server.facts = { ...recommendedFacts, authMethod: "internal" }
      stage.connect(1)
      stage.connect(2, { protocol: "moq", listed: false })
      yield* running(stage)
      yield* later(5_000)
      assert.strictEqual(stage.connections.size, 2)
      stage.server.facts = recommendedFacts
      yield* later(5_000)
      assert.strictEqual(stage.connections.size, 0)
    })
  )

  it.effect("keeps nobody who had a session here, and nobody whom an operator wants to go", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.server.facts = { ...recommendedFacts, authMethod: "internal" }
      stage.addSession(1)
      stage.move(1, { type: "ended", reason: "never_ready" })
      stage.connect(1)
      stage.connect(2)
      yield* running(stage)
      yield* later(2_000)
      assert.deepStrictEqual([...stage.connections.keys()], ["source-2"])
      stage.policy.enforce = true
      yield* later(2_000)
      assert.strictEqual(stage.connections.size, 0)
    })
  )
})

describe("admitted publishers that never appear", () => {
  it.effect("are a warning from the third of eight on: strangers are left alone until publishers appear again", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { reconciler } = yield* running(stage)
      const kinds = () => Effect.map(reconciler.warnings, (all) => all.map(({ kind }) => kind))
      for (const n of [1, 2]) {
        stage.addSession(n, 0)
        yield* later(2_000)
        assert.strictEqual(stage.reason(n), "never_ready")
      }
      assert.deepStrictEqual(yield* kinds(), [])
      stage.addSession(3, 0)
      yield* later(2_000)
      assert.deepStrictEqual(yield* kinds(), ["another_media_server_asks"])
      stage.connect(50)
      yield* later(5_000)
      assert.isTrue(stage.connections.has("source-50"))

      for (const n of [11, 12, 13, 14, 15, 16]) {
        stage.addSession(n, 0)
        stage.connect(n)
        yield* later(1_000)
      }
      yield* later(1_000)
      assert.deepStrictEqual(yield* kinds(), [])
      assert.isFalse(stage.connections.has("source-50"))
    })
  )

  it.effect("count for ten minutes after the last of them", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { reconciler } = yield* running(stage)
      const kinds = () => Effect.map(reconciler.warnings, (all) => all.map(({ kind }) => kind))
      for (const n of [1, 2, 3]) {
        stage.addSession(n, 0)
        yield* later(2_000)
      }
      stage.connect(50)
      yield* later(9 * 60_000)
      assert.deepStrictEqual(yield* kinds(), ["another_media_server_asks"])
      assert.isTrue(stage.connections.has("source-50"))
      yield* later(60_000)
      assert.deepStrictEqual(yield* kinds(), [])
      assert.isFalse(stage.connections.has("source-50"))
    })
  )

  it.effect("are not those that left while the lead changed: the leader before may have seen them", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const first = yield* running(stage)
      for (const n of [1, 2, 3]) {
        stage.addSession(n, 0)
        stage.connect(n, { onPath: "no" })
      }
      yield* later(1_000)
      yield* Scope.close(first.scope, Exit.void)
      stage.connections.clear()
      const { reconciler } = yield* running(stage)
      yield* later(5_000)
      assert.deepStrictEqual([1, 2, 3].map(stage.state), ["Inactive", "Inactive", "Inactive"])
      assert.deepStrictEqual(yield* reconciler.warnings, [])
    })
  )

  it.effect("are not those that left while no snapshot could be taken", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { reconciler } = yield* running(stage)
      stage.before["MediaServer.snapshot"] = () => mediaServerDown
      for (const n of [1, 2, 3]) stage.addSession(n, 0)
      yield* later(5_000)
      delete stage.before["MediaServer.snapshot"]
      yield* later(5_000)
      assert.deepStrictEqual([1, 2, 3].map(stage.state), ["Inactive", "Inactive", "Inactive"])
      assert.deepStrictEqual(yield* reconciler.warnings, [])
    })
  )

  it.effect("are none when they were there, however short, and none when the media server was started anew", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { reconciler } = yield* running(stage)
      for (const n of [1, 2, 3, 4]) {
        stage.addSession(n, 0)
        stage.connect(n, { onPath: "no", state: "idle" })
        yield* later(1_000)
        stage.connections.clear()
        yield* later(1_000)
      }
      for (const n of [5, 6, 7, 8]) {
        stage.addSession(n, 0)
        stage.server.started = `${n}`
        yield* later(1_000)
      }
      assert.deepStrictEqual(yield* reconciler.warnings, [])
    })
  )
})

it.effect(
  "the instance that leads next goes on to hold back: a restart of Greenroom does not forget that another one asks",
  () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const first = yield* running(stage)
      for (const n of [1, 2, 3]) {
        stage.addSession(n, 0)
        yield* later(2_000)
      }
      yield* Scope.close(first.scope, Exit.void)
      stage.connect(50)
      const { reconciler } = yield* running(stage)
      yield* later(5_000)
      assert.isTrue(stage.connections.has("source-50"))
      assert.deepStrictEqual(
        (yield* reconciler.warnings).map(({ kind }) => kind),
        ["another_media_server_asks"]
      )
    })
)

it.effect("a publisher in no list that had a session loses its path, also where others are only reported", () =>
  Effect.gen(function* () {
    const stage = makeStage()
    stage.policy.unauthorized = "report"
    stage.addSession(1)
    stage.move(1, { type: "stop_requested", reason: "revoked" })
    stage.move(1, { type: "ended", reason: "revoked" })
    stage.connect(1, { protocol: "moq", listed: false })
    yield* running(stage)
    yield* later(5_000)
    assert.strictEqual(stage.connections.size, 0)
  })
)

it.effect("an instance that stands by warns of the configuration as well, and not of what the leader sees", () =>
  Effect.gen(function* () {
    const stage = makeStage()
    stage.server.facts = { ...recommendedFacts, rtspOverUdp: true }
    Object.assign(stage.lease, { holder: "another", until: Number.POSITIVE_INFINITY })
    const { reconciler } = yield* running(stage)
    yield* later(1_000)
    assert.deepStrictEqual(
      (yield* reconciler.warnings).map(({ kind }) => kind),
      ["rtsp_over_udp"]
    )
  })
)

it.effect(
  "a publisher over MoQ is refused where its sessions are not listed, whatever its key, and admitted elsewhere",
  () =>
    Effect.gen(function* () {
      const { stage, told, ask } = backstage()
      stage.server.facts = { ...recommendedFacts, moq: "on, but not listed" }
      const decision = yield* ask({ protocol: "moq" })
      assert.isTrue(decision._tag === "Refuse" && decision.reason === "protocol_not_supported")
      assert.deepStrictEqual([stage.called(), told.wakes], [[], 0])
      for (const facts of [{ ...recommendedFacts, moq: "on" } as const, null]) {
        stage.server.facts = facts
        stage.rows.clear()
        assert.strictEqual((yield* ask({ protocol: "moq" }))._tag, "AllowPublisher")
      }
    })
)
