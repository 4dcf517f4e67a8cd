/** The check agrees with `/auth` in whatever state the store and the media server are, changes nothing, and shows no key. */
import { assert, describe, it } from "@effect/vitest"
import {
  type AuthCall,
  type AuthCheck,
  accessChecks,
  authenticate,
  checkAuth,
  InvalidArgument,
  type KeyFacts,
  MayPublish,
  type PublishAnswer,
  readAuthCall,
  recommendedFacts,
  StoreUnavailable,
  type StreamKeyId,
  WorkersOn
} from "@greenroom/core"
import { Arbitrary, DateTime, Effect, Exit, Layer, Redacted } from "effect"
import { at, boolean, broadcasterId, cases, element, keyId, uuid } from "../support/arbitraries.ts"
import { backstage } from "../support/backstage.ts"
import { assertNoKey, assertSentence } from "../support/refusals.ts"
import { keyValue, mediaServerDown, storeDown } from "../support/stage.ts"

const KEY = keyValue(1)

const standings: ReadonlyArray<Partial<KeyFacts>> = [
  {},
  {},
  {},
  { path: "live/*" as KeyFacts["path"] },
  { path: "other/*" as KeyFacts["path"] },
  { revokedAt: at(0) },
  { enabled: false },
  { expiresAt: DateTime.makeUnsafe(0) },
  { ticket: { admitsUntil: DateTime.makeUnsafe(0), spent: false } },
  { rotatedFrom: keyId(2) },
  { block: { path: "live/1", until: at(1_000_000) } }
]

/** How the key is sent. */
const sent: ReadonlyArray<Partial<Record<"user" | "password" | "token" | "query", string>>> = [
  { user: "any", password: KEY, token: KEY },
  { user: "any", password: KEY, token: KEY },
  { token: KEY },
  { query: `token=${KEY}` },
  { query: `stream=${KEY}` },
  { user: KEY },
  { password: ` ${KEY} ` },
  { password: keyValue(9) },
  { password: "hunter2" },
  { password: `${KEY} ${keyValue(2)}` },
  { query: `user=x&pass=${KEY}/live` },
  { password: "", token: "", query: "" },
  {}
]

const worlds = Arbitrary.all({
  standing: element(standings),
  credentials: element(sent),
  action: element(["publish", "publish", "publish", "publish", "publish", "read", "playback", "dance"]),
  path: element(["live/1", "live/1", "live/1", "live/2", "live/x/out", "live//1", `live/${KEY}`, ""]),
  protocol: element(["rtmp", "rtsp", "srt", "webrtc", "moq", "", "carrier-pigeon"]),
  id: element(["new", "new", "new", null] as ReadonlyArray<string | null>),
  policy: element(["refuse", "takeover"] as const),
  /** Another session of the key, and of another key on the path: none, one, or one that is being stopped. */
  ofKey: element(["none", "none", "there", "gone", "stopping"]),
  onPath: element(["none", "none", "there", "gone"]),
  mediaServerAnswers: element([true, true, true, false]),
  owned: element([false, false, true]),
  host: element<null | PublishAnswer>([null, null, true, { refuse: "Not before 18:00" }]),
  workers: boolean,
  listsMoq: boolean
})
type World = typeof worlds extends Arbitrary.Arbitrary<infer A> ? A : never

type Call = Pick<World, "credentials" | "protocol" | "id"> & { readonly action: string; readonly path: string }

const callOf = ({ credentials, action, path, protocol, id }: Call): AuthCall => {
  const secret = (name: keyof typeof credentials) =>
    credentials[name] === undefined ? undefined : Redacted.make(credentials[name])
  return {
    action,
    path,
    protocol,
    id,
    user: secret("user"),
    password: secret("password"),
    token: secret("token"),
    query: secret("query")
  }
}

const stageOf = (world: World) => {
  const { policy, standing, ofKey, onPath, mediaServerAnswers, owned, host, workers, listsMoq } = world
  const { stage, told, layer } = backstage(policy)
  if (!listsMoq) stage.server.facts = { ...recommendedFacts, moq: "on, but not listed" }
  stage.changeKey(1, standing)
  stage.addKey(2, { broadcasterId: broadcasterId(2), path: (owned ? "live/1" : null) as KeyFacts["path"] })
  if (ofKey !== "none") {
    stage.addSession(1, 0, { path: "live/z" })
    if (ofKey === "stopping") stage.move(1, { type: "stop_requested", reason: "stopped" })
    if (ofKey !== "gone") stage.connect(1)
  }
  if (onPath !== "none") {
    stage.addSession(2, 0, { path: "live/1" })
    if (onPath === "there") stage.connect(2)
  }
  if (!mediaServerAnswers) stage.before["MediaServer.find"] = () => mediaServerDown
  const rule = host === null ? Layer.empty : Layer.succeed(MayPublish, () => Effect.succeed(host))
  return { stage, told, layer: Layer.mergeAll(layer, rule, Layer.succeed(WorkersOn, workers)) }
}

const assertSound = (check: AuthCheck): void => {
  assertNoKey(JSON.stringify(check), KEY, "a check")
  const order = check.checks.map(({ check }) => accessChecks.indexOf(check))
  assert.deepStrictEqual(
    order,
    order.toSorted((a, b) => a - b)
  )
  assert.strictEqual(new Set(order).size, order.length)
  const failures = check.checks.filter(({ outcome }) => outcome === "failed")
  assert.strictEqual(failures.length, check.decision === "refuse" ? 1 : 0)
  for (const { detail, remedy } of failures) assert.deepStrictEqual([detail, remedy], [check.detail, check.remedy])
  for (const { detail } of check.checks) assert.match(detail, /^\S.*\S$/u)
}

describe("the check", () => {
  it.effect.prop(
    "agrees with /auth, and has no effect",
    [worlds],
    ([world]) =>
      Effect.gen(function* () {
        const { stage, told, layer } = stageOf(world)
        const call = callOf(world)
        const before = JSON.stringify([...stage.rows.values()])
        const check = yield* checkAuth({ _tag: "Call", call }).pipe(Effect.provide(layer))
        assertSound(check)
        assert.strictEqual(JSON.stringify([...stage.rows.values()]), before)
        assert.deepStrictEqual(told, { wakes: 0, regrets: [], failures: 0 })
        for (const name of stage.called()) assert.include(["Admissions.facts", "MediaServer.find"], name)

        const ask = readAuthCall(call)
        if (ask._tag === "Incomplete") return assert.fail("incomplete")
        const decision = yield* authenticate(ask, call).pipe(Effect.provide(layer))
        if (decision._tag === "Refuse") {
          assertSentence(decision)
          const { reason, rule, detail } = decision
          assert.deepStrictEqual(
            [check.decision, check.reason, check.rule, check.detail],
            ["refuse", reason, rule, detail]
          )
        } else {
          assert.deepStrictEqual([check.decision, check.reason, check.rule], ["allow", null, null])
        }
      }),
    cases(1_500)
  )

  it.effect("agrees with /auth while encoders take the key from each other, until they are parted", () =>
    Effect.gen(function* () {
      const { stage, layer } = backstage("takeover")
      // None is known to be gone.
      stage.before["MediaServer.find"] = () => mediaServerDown
      const reasons: Array<string | null> = []
      for (let nth = 0; nth < 6; nth++) {
        const call = callOf({
          credentials: { password: KEY },
          action: "publish",
          path: "live/1",
          protocol: "rtmp",
          id: "new"
        })
        const own = { ...call, id: `encoder-${nth}` }
        const check = yield* checkAuth({ _tag: "Call", call: own }).pipe(Effect.provide(layer))
        const ask = readAuthCall(own)
        if (ask._tag === "Incomplete") return assert.fail("incomplete")
        const decision = yield* authenticate(ask, own).pipe(Effect.provide(layer))
        const reason = decision._tag === "Refuse" ? decision.reason : null
        assert.deepStrictEqual([nth, check.reason], [nth, reason])
        reasons.push(reason)
      }
      assert.deepStrictEqual([reasons[0], reasons[1], reasons.at(-1)], [null, null, "stream_key_contested"])
    })
  )

  it.effect("of a key and a path agrees with that of the key's value, and needs no value", () =>
    Effect.gen(function* () {
      for (const standing of standings) {
        for (const path of ["live/1", "elsewhere", "live/x/out"]) {
          const { stage, layer: without } = backstage()
          const layer = Layer.merge(without, Layer.succeed(WorkersOn, true))
          stage.changeKey(1, standing)
          const byId = yield* checkAuth({ _tag: "Key", streamKeyId: keyId(1), path }).pipe(Effect.provide(layer))
          const call = callOf({
            credentials: { password: KEY },
            action: "publish",
            path,
            protocol: "rtmp",
            id: "new"
          })
          const byValue = yield* checkAuth({ _tag: "Call", call }).pipe(Effect.provide(layer))
          assertSound(byId)
          const compared = ({ decision, rule, detail, streamKeyId, facts }: AuthCheck) => ({
            decision,
            rule,
            detail,
            streamKeyId,
            facts: JSON.stringify(facts)
          })
          assert.deepStrictEqual(compared(byId), compared(byValue))
          assert.strictEqual(byId.parsed.credential.keyPrefix, "sk_kkk1")
        }
      }
    })
  )

  it.effect("refuses the id of no key, the API secret, and settings that lead nowhere, by the argument's name", () =>
    Effect.gen(function* () {
      const { layer } = backstage()
      const fault = Effect.fnUntraced(function* (question: Parameters<typeof checkAuth>[0]) {
        const exit = yield* Effect.exit(checkAuth(question).pipe(Effect.provide(layer)))
        const error = Exit.isFailure(exit) ? exit.cause.reasons[0] : undefined
        const failure = error !== undefined && "error" in error ? error.error : undefined
        return failure instanceof InvalidArgument ? failure.faults[0]?.path[0] : exit
      })
      const world = { credentials: { password: KEY }, path: "live/1", protocol: "rtmp", id: "new" } as const
      assert.strictEqual(
        yield* fault({ _tag: "Key", streamKeyId: uuid(77) as StreamKeyId, path: "live/1" }),
        "streamKeyId"
      )
      assert.strictEqual(yield* fault({ _tag: "Call", call: callOf({ ...world, action: "api" }) }), "action")
      assert.strictEqual(
        yield* fault({ _tag: "Call", call: callOf({ ...world, action: "publish", id: `x ${KEY}` } as never) }),
        "id"
      )
      assert.strictEqual(yield* fault({ _tag: "Url", url: Redacted.make(`ftp://${KEY}`), bearer: null }), "url")
    })
  )

  it.effect("fails as /auth does while the store is away", () =>
    Effect.gen(function* () {
      const { stage, store, layer } = backstage()
      const ask = checkAuth({ _tag: "Key", streamKeyId: keyId(1), path: "live/1" }).pipe(Effect.provide(layer))
      stage.before["Admissions.facts"] = () => storeDown
      assert.instanceOf(yield* Effect.flip(ask), StoreUnavailable)
      store.answers = false
      const call = callOf({
        credentials: { password: KEY },
        action: "publish",
        path: "live/1",
        protocol: "rtmp",
        id: "new"
      })
      assert.instanceOf(
        yield* Effect.flip(checkAuth({ _tag: "Call", call }).pipe(Effect.provide(layer))),
        StoreUnavailable
      )
    })
  )
})
