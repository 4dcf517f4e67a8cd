/** One pass: what it asks, in which order; what it writes, and in whose name; and whom it ends. */
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Exit } from "effect"
import { TestClock } from "effect/testing"
import { initialState } from "../../src/domain/reconciliation/ReconcileState.ts"
import type { StreamId } from "../../src/domain/values/Ids.ts"
import { follower, type Role } from "../../src/reconciler/Role.ts"
import { runPass } from "../../src/reconciler/runPass.ts"
import { streamId } from "../support/arbitraries.ts"
import { metered } from "../support/logs.ts"
import { complete, eventsOf, run } from "../support/passes.ts"
import { running } from "../support/running.ts"
import { makeStage, mediaServerDown, type Stage, storeDown } from "../support/stage.ts"

const looks = [
  "Leases.acquire",
  "Sessions.requestStopsForInvalidKeys",
  "Sessions.open",
  "MediaServer.snapshot",
  "Sessions.after"
]
const writes = ["Sessions.markReady", "Sessions.observe", "Sessions.requestStop", "Sessions.end", "Sessions.markKicked"]
const aMinuteLater = TestClock.adjust("1 minute")

describe("a pass", () => {
  it.effect("looks at the store, the media server and the store again, and touches nothing when all is well", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { snapshot, sessions, memory, found, left, renewed, snapshotAt, ...outcome } = yield* complete(stage)
      assert.deepStrictEqual([snapshot.paths, sessions], [[], []])
      const isOfSessions = (name: string) => name === "Sessions.requestStopsForInvalidKeys"
      assert.deepStrictEqual(stage.called(), [...looks.filter((name) => !isOfSessions(name)), "Leases.recordPass"])
      assert.isTrue(renewed?.lease.held)
      assert.isAtMost(snapshotAt.monotonic, renewed!.sent.monotonic)
      assert.deepStrictEqual(stage.calls[0]!.args, ["me", 3_000])
      assert.deepStrictEqual(outcome, {
        _tag: "Complete",
        reconcile: memory,
        enforcedKicks: 0,
        markedReady: new Map<StreamId, number>(),
        unlisted: 0,
        unlistedLeft: 0,
        open: 0,
        staying: 0,
        unsettled: false,
        expecting: false
      })
      assert.deepStrictEqual(memory, {
        ...initialState,
        started: "1",
        restartsSeen: 0,
        settled: [],
        onAir: new Set<StreamId>(),
        continuous: true
      })
      const nothing = { publishers: 0, unauthorized: 0, kicked: 0, reported: 0, heldBack: 0, enforced: false }
      assert.deepStrictEqual(found, nothing)
      assert.deepStrictEqual(left, {
        reported: new Map(),
        held: null,
        unlisted: new Map(),
        unwritten: new Set<StreamId>()
      })
    })
  )

  /** After a pass that found one publisher with its session, both well. */
  const settled = Effect.gen(function* () {
    const stage = makeStage()
    stage.addSession(1)
    stage.connect(1)
    let role: Role = follower
    const pass = Effect.gen(function* () {
      const before = stage.server.rechecks.length
      role = (yield* runPass(role).pipe(Effect.provide(stage.layer))).role
      return stage.server.rechecks.length === before ? "snapshot" : stage.server.rechecks.at(-1)
    })
    assert.strictEqual(yield* pass, "snapshot", "the pass is the first")
    assert.deepStrictEqual(yield* pass, ["rtmp", "rtmps"], "the session was connecting in the pass before")
    assert.deepStrictEqual(yield* pass, [])
    return { stage, pass }
  })

  it.effect("asks for the list of paths while nothing is to be done, and nothing has changed in the store", () =>
    Effect.gen(function* () {
      const { pass } = yield* settled
      assert.deepStrictEqual(yield* pass, [])
    })
  )

  const others: ReadonlyArray<readonly [string, (stage: Stage) => void]> = [
    ["connects", (stage) => void stage.addSession(2, 0, { source: { protocol: "srt", id: "source-2" } })],
    [
      "connects, and is in its list",
      (stage) => {
        stage.addSession(2, 0, { source: { protocol: "srt", id: "source-2" } })
        stage.connect(2, { protocol: "srt", state: "idle", onPath: "no" })
      }
    ]
  ]
  it.effect.each(others)("asks for the lists of a protocol, too, while a session of it %s", ([, happens]) =>
    Effect.gen(function* () {
      const { stage, pass } = yield* settled
      happens(stage)
      assert.deepStrictEqual(yield* pass, ["srt"])
    })
  )

  it.effect.each(["no", "waiting"] as const)(
    "asks for its lists after a pass that found a session with its path: %s",
    (onPath) =>
      Effect.gen(function* () {
        const { stage, pass } = yield* settled
        stage.connect(1, { onPath })
        yield* pass
        assert.deepStrictEqual(yield* pass, ["rtmp", "rtmps"])
      })
  )

  const reasons: ReadonlyArray<readonly [string, (stage: Stage) => void]> = [
    ["a session is to stop", (stage) => stage.move(1, { type: "stop_requested", reason: "stopped" })],
    ["enforcement is requested", (stage) => void Object.assign(stage.policy, { enforce: true })]
  ]
  it.effect.each(reasons)("asks for a snapshot when %s", ([, happens]) =>
    Effect.gen(function* () {
      const { stage, pass } = yield* settled
      happens(stage)
      assert.strictEqual(yield* pass, "snapshot")
    })
  )

  const findings: ReadonlyArray<readonly [string, (stage: Stage) => void]> = [
    [
      "a publisher that is only reported",
      (stage) => {
        Object.assign(stage.policy, { unauthorized: "report" })
        stage.connect(2)
      }
    ],
    ["a publisher that was kicked", (stage) => void stage.connect(2)],
    ["a publisher on its path whose list was read before that", (stage) => void stage.connect(2, { state: "idle" })],
    ["a path without its publisher in a list", (stage) => void stage.connect(2, { listed: false })]
  ]
  it.effect.each(findings)("asks for a snapshot after a pass that found %s", ([, happens]) =>
    Effect.gen(function* () {
      const { stage, pass } = yield* settled
      happens(stage)
      yield* pass
      assert.strictEqual(yield* pass, "snapshot")
    })
  )

  it.effect("writes an observation down when it has changed, and every ten seconds", () =>
    Effect.gen(function* () {
      const { stage, pass } = yield* settled
      const written = Effect.gen(function* () {
        const before = stage.called("Sessions.observe").length
        yield* pass
        return stage.called("Sessions.observe").length - before
      })
      assert.strictEqual(yield* written, 0)
      stage.server.inboundBytes++
      assert.strictEqual(yield* written, 1)
      assert.strictEqual(yield* written, 0)
      yield* TestClock.adjust("9900 millis")
      assert.strictEqual(yield* written, 0)
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(yield* written, 1)
    })
  )

  it.effect("writes an observation down again when it is not known whether it was written", () =>
    Effect.gen(function* () {
      const { stage, pass } = yield* settled
      stage.server.inboundBytes++
      stage.before["Leases.recordPass"] = () => storeDown
      yield* pass
      delete stage.before["Leases.recordPass"]
      const before = stage.called("Sessions.observe").length
      yield* pass
      assert.strictEqual(stage.called("Sessions.observe").length - before, 1)
    })
  )

  it.effect("renews the lease at its end, and the next one reads it anew when it has grown old", () =>
    Effect.gen(function* () {
      const { stage, pass } = yield* settled
      const acquired = Effect.gen(function* () {
        const before = stage.called("Leases.acquire").length
        yield* pass
        return stage.called("Leases.acquire").length - before
      })
      assert.strictEqual(yield* acquired, 0)
      yield* TestClock.adjust("1499 millis")
      assert.strictEqual(yield* acquired, 0)
      yield* TestClock.adjust("1500 millis")
      assert.strictEqual(yield* acquired, 1)
    })
  )

  it.effect("reads the lease anew after a pass that failed, or that did not hold it at its end", () =>
    Effect.gen(function* () {
      const { stage, pass } = yield* settled
      const before = stage.called("Leases.acquire").length
      stage.before["Sessions.open"] = () => storeDown
      yield* pass
      delete stage.before["Sessions.open"]
      yield* pass
      assert.strictEqual(stage.called("Leases.acquire").length - before, 1)
      stage.before["Leases.recordPass"] = () =>
        Effect.sync(() => void Object.assign(stage.lease, { holder: "another", until: Number.POSITIVE_INFINITY }))
      yield* pass
      delete stage.before["Leases.recordPass"]
      yield* pass
      assert.strictEqual(stage.called("Leases.acquire").length - before, 2)
    })
  )

  it.effect("asks for a snapshot after a pass that failed", () =>
    Effect.gen(function* () {
      const { stage, pass } = yield* settled
      stage.before["Sessions.open"] = () => storeDown
      yield* pass
      delete stage.before["Sessions.open"]
      assert.strictEqual(yield* pass, "snapshot")
    })
  )

  it.effect("of one who does not lead looks at nothing and touches nothing", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.addSession(1)
      stage.connect(2)
      yield* aMinuteLater
      Object.assign(stage.lease, { holder: "another", until: Number.POSITIVE_INFINITY })
      assert.deepStrictEqual(yield* run(stage), { _tag: "NotLeading", freeInMillis: Number.POSITIVE_INFINITY })
      assert.deepStrictEqual(stage.called(), ["Leases.acquire"])
      assert.strictEqual(stage.state(1), "Connecting")
    })
  )

  it.effect.each([...looks])("that cannot look everywhere does nothing: %s", (name) =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.addKey(1, { enabled: false })
      stage.addSession(1)
      stage.addSession(2)
      stage.connect(1)
      stage.connect(3)
      yield* aMinuteLater
      stage.before[name] = () => (name === "MediaServer.snapshot" ? mediaServerDown : storeDown)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(run(stage))))
      for (const call of [...writes, "MediaServer.kick", "MediaServer.resetPath", "Leases.recordPass"]) {
        assert.notInclude(stage.called(), call)
      }
      assert.isTrue(stage.connections.has("source-1") && stage.connections.has("source-3"))
    })
  )

  it.effect("asks after the snapshot for the ids that were listed or stood on a path", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.connect(1)
      stage.connect(2, { state: "read" })
      stage.connect(3, { listed: false, protocol: "srt" })
      yield* complete(stage)
      assert.deepStrictEqual(stage.calls.find(({ name }) => name === "Sessions.after")!.args, [
        ["source-1", "source-2", "source-3"]
      ])
    })
  )

  it.effect("writes in the name of its holder, and what it saw is in the store", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.addKey(2, { enabled: false })
      for (const n of [1, 2, 3, 4]) stage.addSession(n)
      stage.connect(1)
      stage.connect(2)
      stage.connect(4, { protocol: "rtsp", onPath: "no" })
      yield* aMinuteLater
      const outcome = yield* complete(stage)
      assert.deepStrictEqual([1, 2, 3, 4].map(stage.state), ["Active", "Active", "Inactive", "Connecting"])
      assert.deepStrictEqual(
        [stage.reason(2), stage.reason(3), stage.reason(4)],
        ["disabled", "never_ready", "never_ready"]
      )
      assert.deepStrictEqual(eventsOf(stage, 2), ["admitted", "stop_requested", "ready", "kicked"])
      assert.isFalse(stage.connections.has("source-2"))
      assert.strictEqual(stage.rows.get(streamId(1))!.observation!.inboundBytes, 9)
      assert.isTrue(outcome.unsettled)
      assert.strictEqual(outcome.open, 4)
      assert.deepStrictEqual(
        outcome.sessions.map((session) => session.streamId),
        [1, 2, 4].map(streamId),
        "without the one that has ended"
      )
      for (const { name, args } of stage.calls) if (writes.includes(name)) assert.strictEqual(args.at(-1), "me", name)
      assert.deepStrictEqual(
        writes.filter((name) => !stage.called().includes(name)),
        []
      )
    })
  )

  it.effect("writes what it saw of a stream before it marks it ready: who sees it become active finds its tracks", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.addSession(1)
      stage.connect(1)
      let tracks: ReadonlyArray<unknown> | undefined
      stage.before["Sessions.markReady"] = () =>
        Effect.sync(() => {
          tracks = stage.rows.get(streamId(1))!.observation?.tracks
        })
      yield* complete(stage)
      assert.deepStrictEqual(tracks, [{ codec: "H264" }])
    })
  )

  it.effect("writes nothing once its lease is lost on the way", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.addSession(1)
      stage.addSession(2)
      stage.connect(1)
      yield* aMinuteLater
      stage.before["Sessions.after"] = () => Effect.sync(() => Object.assign(stage.lease, { holder: "another" }))
      yield* complete(stage)
      assert.deepStrictEqual([stage.state(1), stage.state(2)], ["Connecting", "Connecting"])
      assert.isNull(stage.lease.started)
    })
  )

  it.effect("is soon followed by another while something was started that must be seen to be done", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.addSession(1)
      stage.connect(1)
      yield* aMinuteLater
      assert.isFalse((yield* complete(stage)).unsettled, "ready")
      stage.connect(2)
      assert.isTrue((yield* complete(stage)).unsettled, "kicked")
      assert.isFalse((yield* complete(stage)).unsettled, "settled")
    })
  )

  it.effect("counts what it sees and whom it kicks", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      for (const n of [1, 2]) stage.addSession(n)
      stage.connect(1)
      stage.move(1, { type: "stop_requested", reason: "stopped" })
      stage.move(2, { type: "ended", reason: "never_ready" })
      stage.connect(2)
      stage.connect(3)
      yield* aMinuteLater
      const { counts } = yield* metered(running(stage))
      const expected = {
        "greenroom_kicks_total why=stopping": 1,
        "greenroom_kicks_total why=former": 1,
        "greenroom_kicks_total why=unauthorized": 1,
        greenroom_streams_unended: 1,
        greenroom_publishers_told_to_go: 0,
        greenroom_unauthorized_publishers: 0,
        greenroom_unlisted_publishers: 0
      }
      const shown = Object.keys(expected).map((name) => [name, counts[name]])
      assert.deepStrictEqual(Object.fromEntries(shown), expected)
    })
  )
})

describe("an absent session", () => {
  const answers = [
    { title: "has gone: it ends", find: null, listed: false, state: "Inactive" },
    { title: "is there after all: it stays", find: null, listed: true, state: "Connecting" },
    { title: "cannot be asked for: it stays", find: mediaServerDown, listed: false, state: "Connecting" }
  ] as const
  it.effect.each(answers)("is asked for by its id, and $title", ({ find, listed, state }) =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.addSession(1)
      yield* aMinuteLater
      stage.before["MediaServer.find"] = () => find ?? Effect.sync(() => listed && stage.connect(1, { onPath: "no" }))
      yield* complete(stage)
      assert.strictEqual(stage.state(1), state)
      assert.deepStrictEqual(stage.called("MediaServer.find"), ["MediaServer.find"])
      assert.strictEqual(stage.called("Sessions.end").length, state === "Inactive" ? 1 : 0)
    })
  )

  it.effect("does not keep others from their end when nobody can say where it is", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      for (const n of [1, 2, 3]) stage.addSession(n)
      yield* aMinuteLater
      stage.before["MediaServer.find"] = (source) => (source.id === "source-2" ? mediaServerDown : Effect.void)
      yield* complete(stage)
      assert.deepStrictEqual([1, 2, 3].map(stage.state), ["Inactive", "Connecting", "Inactive"])
    })
  )

  it.effect(
    "of a media server that is another process now ends at once, with that reason, and the new one is remembered",
    () =>
      Effect.gen(function* () {
        const stage = makeStage()
        yield* complete(stage)
        stage.addSession(1)
        stage.server.started = "2"
        const outcome = yield* complete(stage)
        assert.strictEqual(stage.reason(1), "media_server_restarted")
        assert.deepStrictEqual(stage.called("MediaServer.find"), [])
        assert.strictEqual(stage.lease.started, "2")
        assert.strictEqual(outcome.memory.started, "2")
      })
  )

  it.effect(
    "ends for a restart that another instance would have seen: what was remembered counts, not one's own memory",
    () =>
      Effect.gen(function* () {
        const stage = makeStage()
        stage.lease.started = "1"
        stage.server.started = "2"
        stage.addSession(1)
        yield* complete(stage, { ...initialState, started: "2" })
        assert.strictEqual(stage.reason(1), "media_server_restarted")
      })
  )

  it.effect("of a restart is found again by the next pass when this one failed before its end", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      yield* complete(stage)
      stage.addSession(1)
      stage.server.started = "2"
      stage.before["Sessions.end"] = () => storeDown
      assert.isTrue(Exit.isFailure(yield* Effect.exit(run(stage))))
      assert.strictEqual(stage.lease.started, "1")
      delete stage.before["Sessions.end"]
      yield* complete(stage)
      assert.strictEqual(stage.reason(1), "media_server_restarted")
    })
  )

  it.effect("is remembered in every pass, with what it found and when it began", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.connect(1)
      stage.addSession(2)
      stage.connect(2)
      yield* aMinuteLater
      stage.before["MediaServer.snapshot"] = () => TestClock.adjust(100)
      for (let n = 0; n < 3; n++) yield* complete(stage)
      const remembered = stage.calls.filter(({ name }) => name === "Leases.recordPass")
      const first = { publishers: 2, unauthorized: 1, kicked: 1, reported: 0, heldBack: 0, enforced: false }
      assert.deepStrictEqual(
        remembered.map(({ args }) => args),
        [0, 1, 2].map((n) => [
          "me",
          {
            started: "1",
            lookedAt: DateTime.makeUnsafe(60_000 + n * 100),
            found: n === 0 ? first : { ...first, publishers: 1, unauthorized: 0, kicked: 0 },
            fulfilled: false
          },
          3_000
        ])
      )
    })
  )
})
