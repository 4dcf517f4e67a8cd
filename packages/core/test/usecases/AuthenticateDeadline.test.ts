/** The deadline of an auth call, and what it leaves behind when its answer is lost; viewers, operators and everybody else. */
import { assert, describe, it } from "@effect/vitest"
import { authenticate, type PlaybackAction } from "@greenroom/core"
import { sameHash } from "@greenroom/core/internal"
import { Effect, Exit, Fiber, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import type { ViewRequest } from "../../src/domain/access/AuthRequest.ts"
import { cases, element } from "../support/arbitraries.ts"
import { backstage } from "../support/backstage.ts"
import { collector, metered } from "../support/logs.ts"
import { assertNoKey } from "../support/refusals.ts"
import { keyValue, OPERATOR_SECRET, storeDown, storeRefuses } from "../support/stage.ts"

const later = (ms: number) => TestClock.adjust(ms)

describe("authenticate keeps its deadline", () => {
  const hanging = ["Admissions.admit", "Admissions.facts", "MediaServer.find", "Admissions.endGone"]
  it.effect.each(hanging)("when %s hangs, and regrets what may have come to be", (name) =>
    Effect.gen(function* () {
      const { stage, told, ask } = backstage()
      stage.addSession(1, -60_000)
      stage.before[name] = () => Effect.never
      const fiber = yield* Effect.forkChild(Effect.exit(ask()))
      yield* later(800 - 1)
      assert.isUndefined(fiber.pollUnsafe())
      assert.deepStrictEqual(told.regrets, [])
      yield* later(1)
      const exit = yield* Fiber.join(fiber)
      assert.isTrue(Exit.isFailure(exit) && String(exit.cause).includes("StoreUnavailable"))
      const asked = stage.calls[0]!.args[0] as { readonly streamId: string }
      assert.deepStrictEqual(told, { wakes: 0, regrets: [asked.streamId], failures: 1 })
    })
  )

  it.effect("of which each call has what is left, not all of it", () =>
    Effect.gen(function* () {
      const { stage, ask } = backstage()
      stage.addSession(1, -60_000)
      for (const name of hanging) stage.before[name] = () => Effect.sleep(250)
      const fiber = yield* Effect.forkChild(Effect.exit(ask()))
      yield* later(800)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(fiber)))
    })
  )

  it.effect.each(["Admissions.admit", "Admissions.facts", "Admissions.endGone"])("fails with the store: %s", (name) =>
    Effect.gen(function* () {
      const { stage, told, ask } = backstage()
      stage.addSession(1, -60_000)
      stage.before[name] = () => storeDown
      const exit = yield* Effect.exit(ask())
      assert.isTrue(Exit.isFailure(exit) && String(exit.cause).includes("StoreUnavailable"))
      assert.strictEqual(told.regrets.length, 1)
    })
  )

  it.effect("fails with the store, and regrets nothing, when the store itself said that it did nothing", () =>
    Effect.gen(function* () {
      const { stage, told, ask } = backstage()
      stage.before["Admissions.admit"] = () => storeRefuses
      assert.isTrue(Exit.isFailure(yield* Effect.exit(ask())))
      assert.deepStrictEqual(told, { wakes: 0, regrets: [], failures: 1 })
    })
  )

  it.effect("refuses who asks again for an admission that is regretted: it was told no, and its session ends", () =>
    Effect.gen(function* () {
      const { stage, told, ask } = backstage()
      const admitted = yield* ask()
      assert.isTrue(admitted._tag === "AllowPublisher")
      assert.isTrue((yield* ask())._tag === "AllowPublisher", "again, while nothing is regretted")
      if (admitted._tag === "AllowPublisher") told.regrets.push(admitted.streamId)
      const again = yield* ask()
      assert.isTrue(again._tag === "Refuse" && again.reason === "stream_key_in_use")
      assert.strictEqual(stage.called("Admissions.admit").length, 3)
      assert.notStrictEqual((yield* ask({ n: 2, path: "live/2", sourceId: "other" }))._tag, "Refuse")
    })
  )

  it.effect("regrets, too, when the media server hangs up before it has its answer", () =>
    Effect.gen(function* () {
      const { stage, told, ask } = backstage()
      stage.before["Admissions.admit"] = () => Effect.never
      const fiber = yield* Effect.forkChild(ask())
      yield* later(10)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(told.regrets.length, 1)
    })
  )
})

const view = (action: PlaybackAction): ViewRequest => ({
  _tag: "View",
  action,
  path: "live/1",
  protocol: "hls",
  sourceId: "viewer",
  ip: null,
  userAgent: null,
  token: null,
  workerKey: null,
  claimsWorker: false,
  names: []
})

describe("authenticate", () => {
  it.effect.prop(
    "lets everybody watch what is public, without a session",
    [element(["read", "playback"] as const)],
    ([action]) =>
      Effect.gen(function* () {
        const { stage, told, layer } = backstage()
        const decision = yield* authenticate(view(action)).pipe(Effect.provide(layer))
        assert.strictEqual(decision._tag, "AllowViewer")
        assert.deepStrictEqual([stage.called(), told.wakes], [[], 0])
      }),
    cases(10)
  )

  const secret = element([OPERATOR_SECRET, "wrong", `${OPERATOR_SECRET} `, OPERATOR_SECRET.slice(1), keyValue(1)])
  it.effect.prop(
    "lets the operator in with the secret, as password or token, and nobody else; quietly when nothing was sent",
    [element(["api", "metrics", "pprof"]), element([0, 1, 2]), secret, secret],
    ([action, count, first, second]) =>
      Effect.gen(function* () {
        const { stage, told, layer } = backstage()
        const sent = [first, second].slice(0, count)
        const secrets = sent.map((text) => Redacted.make(text))
        const decision = yield* authenticate({ _tag: "Operate", action, secrets }).pipe(Effect.provide(layer))
        if (sent.includes(OPERATOR_SECRET)) assert.strictEqual(decision._tag, "Allow")
        else {
          assert.isTrue(decision._tag === "Refuse" && decision.reason === "unauthorized")
          assert.strictEqual(decision._tag === "Refuse" && decision.quiet, count === 0)
        }
        assert.deepStrictEqual([stage.called(), told.wakes], [[], 0])
      }),
    cases(100)
  )

  it.effect("allows no action that it does not know, and repeats nothing of it", () =>
    Effect.gen(function* () {
      const { layer } = backstage()
      for (const action of ["", "record", keyValue(1)]) {
        const decision = yield* authenticate({ _tag: "Other", action }).pipe(Effect.provide(layer))
        assert.isTrue(decision._tag === "Refuse" && decision.reason === "unauthorized" && !decision.quiet)
        assert.notInclude(JSON.stringify(decision), keyValue(1))
      }
    })
  )

  it.effect("gives the store a hash, and no key to anybody: not in calls, decisions or logs", () =>
    Effect.gen(function* () {
      const { stage, layer, ask } = backstage()
      const log = collector()
      const decisions = [
        yield* ask().pipe(Effect.provide(log.layer)),
        yield* ask({ sourceId: "other" }).pipe(Effect.provide(log.layer)),
        yield* ask({ path: `live/${keyValue(1)}`, n: 3 }).pipe(Effect.provide(log.layer)),
        yield* ask({ n: 3 }).pipe(Effect.provide(log.layer)),
        yield* authenticate({ _tag: "Operate", action: "api", secrets: [Redacted.make(keyValue(1))] }).pipe(
          Effect.provide(Layer.merge(layer, log.layer))
        )
      ]
      assert.strictEqual((stage.calls[0]!.args[0] as { readonly hash: Uint8Array }).hash.length, 32)
      const everything = JSON.stringify([decisions, stage.calls, log.lines])
      for (const n of [1, 3]) assertNoKey(everything, keyValue(n), "what came out")
    })
  )

  it.effect("counts its decisions by action and answer", () =>
    Effect.gen(function* () {
      const { layer, ask } = backstage()
      const { counts } = yield* metered(
        Effect.gen(function* () {
          yield* ask()
          yield* ask({ n: 3 })
          yield* ask({ n: 3 })
          yield* authenticate(view("playback"))
          yield* authenticate({ _tag: "Other", action: "whatever a client sent" })
        }).pipe(Effect.provide(layer))
      )
      assert.deepStrictEqual(counts, {
        "greenroom_auth_decisions_total action=publish,decision=allow": 1,
        "greenroom_auth_decisions_total action=publish,decision=invalid_stream_key": 2,
        "greenroom_auth_decisions_total action=playback,decision=allow": 1,
        "greenroom_auth_decisions_total action=other,decision=unauthorized": 1
      })
    })
  )
})

describe("sameHash", () => {
  it.prop(
    "is equality of bytes",
    [element([0, 1, 31]), element([0, 1, 128, 255]), element([0, 1, 128, 255])],
    ([where, a, b]) => {
      const one = new Uint8Array(32).fill(7)
      const other = new Uint8Array(32).fill(7)
      one[where] = a
      other[where] = b
      assert.strictEqual(sameHash(one, other), a === b)
    },
    cases(50)
  )

  it("needs equal lengths", () => {
    assert.isFalse(sameHash(new Uint8Array(32), new Uint8Array(31)))
    assert.isFalse(sameHash(new Uint8Array(0), new Uint8Array(32)))
  })
})
