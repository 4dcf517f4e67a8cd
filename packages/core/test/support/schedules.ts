/**
 * Schedules: what happens on a stage, as plain data that one seed replays and that shrinks by itself. Connections arrive and knock,
 * leave, pause and turn into ghosts; people stop and revoke; processes restart; and any of it may happen in the middle of a pass.
 */

import { assert } from "@effect/vitest"
import {
  authenticate,
  DuplicatePolicy,
  foldEvents,
  LostAdmissions,
  type Protocol,
  protocols,
  Reconciler,
  type StopReason,
  StoreMonitor,
  saysPublishEarly
} from "@greenroom/core"
import { Arbitrary, Clock, DateTime, Effect, Layer, Redacted, Result, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import { follower, type Role } from "../../src/reconciler/Role.ts"
import { runPass } from "../../src/reconciler/runPass.ts"
import { boolean, element, oneOf } from "./arbitraries.ts"
import { type Connection, keyValue, makeStage, mediaServerDown, type Row, storeDown } from "./stage.ts"

const few = element([0, 1, 2, 3])
/** What may happen at any time, in the middle of a pass too. */
export type Deed =
  | { readonly _tag: "Arrive"; readonly protocol: Protocol }
  | { readonly _tag: "Knock"; readonly n: number; readonly key: number; readonly path: number }
  | { readonly _tag: "Sneak"; readonly protocol: Protocol; readonly path: number }
  | { readonly _tag: "Ready" | "Leave" | "Pause" | "Ghost" | "Establish" | "Return"; readonly n: number }
  | { readonly _tag: "Stop"; readonly n: number; readonly reason: StopReason }
  | { readonly _tag: "Revoke"; readonly key: number }
  | { readonly _tag: "Restart" | "LoseLease" }
export type Step =
  | Deed
  | { readonly _tag: "Wait"; readonly ms: number }
  | {
      readonly _tag: "Pass"
      readonly at: string
      readonly deed: Deed | null
      readonly fault: "none" | "fails" | "dies"
    }

const deeds: Arbitrary.Arbitrary<Deed> = oneOf<Deed>([
  Arbitrary.map(element(protocols), (protocol): Deed => ({ _tag: "Arrive", protocol })),
  Arbitrary.map(Arbitrary.all({ n: few, key: few, path: few }), (of): Deed => ({ _tag: "Knock", ...of })),
  Arbitrary.map(Arbitrary.all({ n: few, key: few, path: few }), (of): Deed => ({ _tag: "Knock", ...of })),
  Arbitrary.map(
    Arbitrary.all({
      _tag: element(["Ready", "Ready", "Ready", "Establish", "Leave", "Pause", "Ghost", "Return"]),
      n: few
    }),
    (deed): Deed => deed
  ),
  Arbitrary.map(
    Arbitrary.all({ n: few, reason: element(["stopped", "superseded"]) }),
    (of): Deed => ({ _tag: "Stop", ...of })
  ),
  Arbitrary.map(few, (key): Deed => ({ _tag: "Revoke", key })),
  Arbitrary.map(Arbitrary.all({ protocol: element(protocols), path: few }), (of): Deed => ({ _tag: "Sneak", ...of })),
  element([{ _tag: "Restart" }, { _tag: "LoseLease" }] as ReadonlyArray<Deed>)
])
const callsOfAPass = [
  "Sessions.open",
  "MediaServer.snapshot",
  "Sessions.after",
  "Sessions.markReady",
  "MediaServer.find",
  "Sessions.end",
  "Sessions.bySource",
  "MediaServer.kick",
  "MediaServer.resetPath",
  "Leases.recordPass"
]
const aPass: Arbitrary.Arbitrary<Step> = Arbitrary.map(
  Arbitrary.all({
    at: element(callsOfAPass),
    deed: oneOf<Deed | null>([element([null]), deeds]),
    fault: element(["none", "none", "none", "fails", "dies"])
  }),
  (of): Step => ({ _tag: "Pass", ...of })
)
export const schedules = Arbitrary.array(
  oneOf<Step>([
    deeds,
    deeds,
    deeds,
    aPass,
    aPass,
    Arbitrary.map(element([50, 999, 1_000, 1_001, 3_000, 11_000]), (ms): Step => ({ _tag: "Wait", ms }))
  ]),
  { minLength: 25, maxLength: 80 }
)
export const rules = Arbitrary.all({
  report: boolean,
  massKickLimit: element([10, 0, 2]),
  onDuplicate: element(["refuse", "takeover"])
})

class Crash extends Schema.TaggedError<Crash>()("Crash", {}) {}
const nth = <A>(all: ReadonlyArray<A>, n: number): A | undefined => all[n % Math.max(1, all.length)]
const isRtsp = (one: Connection) => one.protocol === "rtsp" || one.protocol === "rtsps"

/** A stage on which a schedule is played, with what must hold at every moment of it. */
export const makePlay = (rule: {
  readonly report: boolean
  readonly massKickLimit: number
  readonly onDuplicate: "refuse" | "takeover"
}) => {
  const stage = makeStage()
  Object.assign(stage.policy, { unauthorized: rule.report ? "report" : "kick", massKickLimit: rule.massKickLimit })
  for (const key of [0, 1, 2, 3]) stage.addKey(key)
  const pending = new Map<string, Connection>()
  const ended = new Set<string>()
  let sources = 0
  let role: Role = follower
  const reconciler = Layer.succeed(Reconciler)({
    wake: Effect.void,
    wakeSoon: Effect.void,
    nextPass: Effect.void,
    passes: Stream.empty,
    lastSnapshot: Effect.succeed(null),
    warnings: Effect.succeed([]),
    receiveHook: () => Effect.void
  })
  const shared = Layer.mergeAll(
    Layer.succeed(LostAdmissions)({
      add: () => Effect.void,
      has: () => Effect.succeed(false),
      end: Effect.void,
      areMany: Effect.succeed(false)
    }),
    Layer.succeed(StoreMonitor)({ reportFailure: Effect.void, isUp: Effect.succeed(true) })
  )
  const layer = Layer.mergeAll(stage.layer, reconciler, shared, Layer.succeed(DuplicatePolicy)(rule.onDuplicate))

  const sessionOf = (id: string): Row | undefined => [...stage.rows.values()].find((row) => row.source.id === id)
  const unended = () => [...stage.rows.values()].filter((row) => row.state._tag !== "Inactive")
  const publishers = () => [...stage.connections.values()].filter((one) => one.listed && !pending.has(one.id))
  const arrive = (protocol: Protocol, more: Partial<Connection>): Connection =>
    stage.connect(sources++, { protocol, established: !saysPublishEarly(protocol), onPath: "no", ...more })
  const now = Effect.map(Clock.currentTimeMillis, (millis) => DateTime.makeUnsafe(millis))

  const act = Effect.fnUntraced(function* (deed: Deed) {
    switch (deed._tag) {
      case "Arrive": {
        const one = arrive(deed.protocol, { state: saysPublishEarly(deed.protocol) ? "publish" : "idle" })
        pending.set(one.id, one)
        return
      }
      case "Knock": {
        const one = nth([...pending.values()], deed.n) ?? arrive(nth(protocols, deed.n + deed.key + deed.path)!, {})
        const path = `live/${deed.path}`
        const key = Redacted.make(keyValue(deed.key))
        const ask = { _tag: "Publish", path, key, protocol: one.protocol, sourceId: one.id } as const
        const decision = yield* Effect.orDie(authenticate(ask).pipe(Effect.provide(layer)))
        if (decision._tag === "AllowPublisher") {
          assert.isNull([...stage.keys.values()].find((known) => known.id === decision.key.id)!.revokedAt)
        }
        if (!stage.connections.has(one.id)) return
        pending.delete(one.id)
        if (decision._tag !== "AllowPublisher") stage.connections.delete(one.id)
        else stage.connections.set(one.id, { ...one, path, state: "publish" })
        return
      }
      case "Sneak":
        return void arrive(deed.protocol, { path: `live/${deed.path}`, onPath: "ready" })
      case "Ready": {
        const one = nth(
          publishers().filter((it) => it.established),
          deed.n
        )
        if (one !== undefined) one.onPath = "ready"
        return
      }
      case "Leave": {
        const one = nth([...stage.connections.values()], deed.n)
        if (one !== undefined) pending.delete(one.id)
        if (one !== undefined) stage.connections.delete(one.id)
        return
      }
      case "Pause": {
        const one = nth(publishers().filter(isRtsp), deed.n)
        if (one !== undefined) one.onPath = "no"
        return
      }
      case "Ghost": {
        const one = nth(publishers().filter(isRtsp), deed.n)
        if (one !== undefined) Object.assign(one, { listed: false, onPath: "ready" })
        return
      }
      case "Establish": {
        const one = nth(
          publishers().filter((it) => !it.established),
          deed.n
        )
        if (one !== undefined) one.established = true
        return
      }
      case "Return": {
        const row = nth(
          [...stage.rows.values()].filter((it) => it.state._tag === "Inactive"),
          deed.n
        )
        if (row === undefined || stage.connections.has(row.source.id)) return
        stage.connect(0, { id: row.source.id, protocol: row.source.protocol ?? "rtmp", path: row.path })
        return
      }
      case "Stop": {
        const row = nth(unended(), deed.n)
        if (row !== undefined && row.state.ending === null) {
          stage.moveRow(row, { type: "stop_requested", reason: deed.reason }, yield* now)
        }
        return
      }
      case "Revoke":
        return stage.changeKey(deed.key, { revokedAt: yield* now })
      case "Restart":
        stage.server.started += "+"
        stage.connections.clear()
        return pending.clear()
      case "LoseLease":
        return void Object.assign(stage.lease, { holder: "another", until: (yield* now).epochMilliseconds + 3_000 })
    }
  })

  const onePass = Effect.gen(function* () {
    const result = yield* runPass(role).pipe(Effect.provide(layer))
    role = result.role
    if (result.outcome._tag === "Failed") yield* Effect.failCause(result.outcome.cause)
  })
  const guard = (): void => {
    stage.before["MediaServer.kick"] = (source) =>
      Effect.sync(() => {
        const row = sessionOf(source.id)
        const innocent = row !== undefined && row.state._tag !== "Inactive" && row.state.ending === null
        assert.isFalse(innocent, `${source.id} was admitted and is not being stopped`)
        assert.isTrue(stage.connections.get(source.id)?.established !== false, `${source.id} does not stand yet`)
      })
  }
  const step = Effect.fnUntraced(function* (one: Step) {
    if (one._tag === "Wait") return yield* TestClock.adjust(one.ms)
    if (one._tag !== "Pass") return yield* act(one)
    guard()
    const { at, deed, fault } = one
    const guarded = stage.before[at]
    const fails = at.startsWith("MediaServer") ? mediaServerDown : storeDown
    stage.before[at] = (...args) => {
      delete stage.before[at]
      guard()
      return Effect.gen(function* () {
        if (deed !== null) yield* act(deed)
        yield* guarded?.(...args) ?? Effect.void
        if (fault === "fails") yield* fails
        if (fault === "dies") yield* Effect.die(new Crash())
      })
    }
    yield* onePass.pipe(
      Effect.ignore,
      Effect.catchDefect((defect) => (defect instanceof Crash ? Effect.void : Effect.die(defect)))
    )
    for (const name of Object.keys(stage.before)) delete stage.before[name]
    guard()
  })

  /** What must hold after every step. `free`: who has come back after his end may be listed. */
  const check = (free: boolean): void => {
    const claims = unended().filter((row) => row.state.ending?.reason !== "superseded")
    assert.strictEqual(new Set(claims.map((row) => row.streamKeyId)).size, claims.length, "one session a key")
    assert.strictEqual(new Set(claims.map((row) => row.path)).size, claims.length, "one session a path")
    for (const row of stage.rows.values()) {
      assert.deepStrictEqual(foldEvents(row.events), Result.succeed(row.state), "the row is the fold of its events")
      const over = row.state._tag === "Inactive"
      assert.isTrue(over || !ended.has(row.streamId), "an ended session lives again")
      if (over && !ended.has(row.streamId) && !free) {
        assert.isFalse(
          stage.connections.get(row.source.id)?.listed ?? false,
          `${row.source.id} ended while it was listed`
        )
      }
      if (over) ended.add(row.streamId)
    }
  }

  /** No more steps, no more faults: half-open handshakes run into the media server's own limit, and passes go on. */
  const settle = Effect.gen(function* () {
    for (let second = 0; second < 20; second++) {
      yield* TestClock.adjust(1_000)
      if (second === 5) {
        for (const one of stage.connections.values()) {
          if (!one.established || pending.has(one.id)) stage.connections.delete(one.id)
        }
        pending.clear()
      }
      yield* onePass
      check(false)
    }
  })
  /** The schedule, checked after each of its steps, and what comes after it. */
  const whole = Effect.fnUntraced(function* (schedule: ReadonlyArray<Step>) {
    for (const one of schedule) {
      yield* step(one)
      check(one._tag === "Return" || (one._tag === "Pass" && one.deed?._tag === "Return"))
    }
    yield* settle
  })
  return {
    stage,
    whole,
    onePass,
    unended,
    publishers,
    sessionOf,
    memory: () => (role._tag === "Leader" ? role.state.reconcile : null)
  }
}
