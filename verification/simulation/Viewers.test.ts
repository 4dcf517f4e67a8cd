/** Viewers in schedules of a few steps: while the store is down, and with each of the deliberate bugs, which the same schedule catches. */
import { assert, describe, it } from "@effect/vitest"
import { StoreUnavailable } from "@greenroom/core"
import { Effect } from "effect"
import type { Bug } from "./bugs/Bug.ts"
import { bugNamed } from "./bugs/index.ts"
import { play } from "./Simulation.ts"
import type { IssueToken, Schedule, Setting, Step, Watch } from "./Step.ts"

const setting: Setting = {
  version: "1.20.1",
  publishers: 1,
  clocks: [0, 0],
  distance: 1,
  protocols: ["rtmp"],
  unauthorized: "kick",
  massKickLimit: 10,
  onDuplicate: "refuse",
  hooks: { lost: 100, twice: 0, late: 0 },
  persistence: 0,
  hookSecret: true,
  controlApi: "there",
  viewers: 2,
  playback: { streams: "token", unknownPaths: "public" }
}

const comes: Step = { at: 1_000, _tag: "Connect", who: 0, protocol: "rtmp", guise: "itself", readyAfter: null }
const watch = (at: number, viewer: number, more: Partial<Watch> = {}): Step => ({
  at,
  _tag: "Watch",
  viewer,
  who: 0,
  protocol: "srt",
  shows: "good",
  place: "password",
  ...more
})
const issue = (at: number, more: Partial<IssueToken> = {}): Step => ({
  at,
  _tag: "IssueToken",
  who: 0,
  instance: 0,
  by: "greenroom",
  covers: "Path",
  viewerId: null,
  maxSessions: null,
  expiresIn: 60,
  ...more
})
/** A step that does nothing: until then the schedule goes on. */
const until = (at: number): Step => ({ at, _tag: "StopWatching", viewer: 1 })

/** One comes before the store stops and one after; their token ends while it is down. */
const storeDown: Schedule = {
  seed: 1,
  setting,
  steps: [
    comes,
    issue(5_000, { by: "application", expiresIn: 15 }),
    watch(5_100, 0),
    { at: 10_000, _tag: "StoreStops", for: 40_000 },
    watch(12_000, 1),
    until(45_000)
  ]
}

const tenSeeds = Array.from({ length: 10 }, (_, index) => index + 1)

/** No bug: a fault of the store. */
const firstUnanswered: Bug = {
  name: "the first record of viewers is not answered",
  what: "it is written all the same",
  change: (ports) => {
    let isFirst = true
    return {
      ...ports,
      viewers: {
        ...ports.viewers,
        record: (changes, holder) =>
          Effect.flatMap(ports.viewers.record(changes, holder), (written) => {
            if (!isFirst) return Effect.succeed(written)
            isFirst = false
            return Effect.fail(new StoreUnavailable({ operation: "Viewers.record", cause: new Error("no answer") }))
          })
      }
    }
  }
}

/** No bug: events get no positions for a while, so no instance learns that a key was made public. */
const unplaced: Bug = {
  name: "no positions for 6 s",
  what: "nothing is told of changes",
  change: (ports, { clock }) => ({
    ...ports,
    events: {
      ...ports.events,
      place: (most) =>
        Effect.suspend(() => {
          const second = new Date(clock.currentTimeMillisUnsafe()).getUTCSeconds()
          return second >= 8 && second < 14
            ? Effect.fail(new StoreUnavailable({ operation: "Events.place", cause: new Error("no answer") }))
            : ports.events.place(most)
        })
    }
  })
}

const unkicked: Bug = {
  name: "a kick that is not sent",
  what: "viewers are not kicked",
  change: (ports) => ({
    ...ports,
    mediaServer: { ...ports.mediaServer, kickViewer: () => Effect.succeed("kicked" as const) }
  })
}

describe("while the store is down", () => {
  it("a viewer is let in by its token, and those whose token has ended are kicked", () => {
    const { violation, tally } = play(storeDown)
    assert.isNull(violation)
    assert.isAtLeast(tally.faults["viewer let in while the store was down"] ?? 0, 1)
    assert.strictEqual(tally.faults["viewer kicked that may not watch"], 2)
  })

  it("it is noticed when they are not", () => {
    const { violation } = play(storeDown, { bug: unkicked })
    assert.strictEqual(violation?.invariant, "watch")
    assert.include(violation?.what, "its right has ended")
  })
})

const revoked: ReadonlyArray<Step> = [
  comes,
  issue(5_000),
  watch(6_000, 0),
  { at: 9_000, _tag: "RevokeToken", viewer: 0, instance: 0 },
  issue(9_500),
  watch(10_000, 0),
  { at: 12_000, _tag: "RevokeToken", viewer: 0, instance: 1 },
  until(20_000)
]

const idle: ReadonlyArray<Step> = [comes, watch(5_000, 0, { protocol: "hls", place: "query" }), until(9_000)]

describe("what the simulation has found", () => {
  it("who comes over SRT before MediaMTX 1.17, where no list shows users, is not kicked by an instance that has not let it in", () => {
    for (const seed of tenSeeds) {
      const old = { ...setting, version: "1.16.3" }
      const steps = [comes, issue(5_000, { by: "application" }), watch(5_100, 0), watch(5_400, 1), until(12_000)]
      const { violation, tally } = play({ seed, setting: old, steps })
      assert.isNull(violation, `seed ${seed}`)
      assert.isUndefined(tally.faults["viewer kicked that may not watch"])
    }
  })

  const notReread = bugNamed("a viewer's policy not read again before a kick")
  const revokedOncePublic: ReadonlyArray<Step> = [
    comes,
    issue(4_000),
    watch(5_000, 0),
    { at: 8_500, _tag: "SetPlayback", who: 0, instance: 0, of: "key", policy: "public" },
    { at: 12_000, _tag: "RevokeToken", viewer: 0, instance: 0 },
    until(16_000)
  ]
  it("whose token is revoked on a stream that was made public before is not kicked, though the instance has not learnt of that", () => {
    for (const seed of tenSeeds) {
      const alone = { ...setting, clocks: [0] }
      const { violation, tally } = play({ seed, setting: alone, steps: revokedOncePublic }, { bug: unplaced })
      assert.isNull(violation, `seed ${seed}`)
      assert.strictEqual(tally.faults["playback token revoked"], 1)
      const both: Bug = {
        ...notReread,
        change: (ports, bench) => notReread.change!(unplaced.change!(ports, bench), bench)
      }
      const { violation: caught } = play({ seed, setting: alone, steps: revokedOncePublic }, { bug: both })
      assert.strictEqual(caught?.invariant, "watch", `seed ${seed}`)
    }
  })

  it("who shows a token of a key that nobody knows, on a path that is not live, is answered in time while the store is frozen", () => {
    for (const seed of tenSeeds) {
      const steps: ReadonlyArray<Step> = [
        issue(5_000, { by: "application", expiresIn: 2 }),
        { at: 6_000, _tag: "RemoveSigningKey", instance: 0 },
        { at: 20_000, _tag: "StoreFreezes", for: 2_400 },
        watch(20_000 + 130 * seed, 0, { protocol: "hls", shows: "expired", place: "bearer" }),
        { at: 22_400, _tag: "QuietPeriod", revive: "all" }
      ]
      const alone: Setting = { ...setting, clocks: [0], playback: { streams: "public", unknownPaths: "token" } }
      assert.isNull(play({ seed, setting: alone, steps }).violation, `seed ${seed}`)
    }
  })

  it("who was written by another leader, while this one was frozen, keeps no row when it is gone", () => {
    const steps: ReadonlyArray<Step> = [
      { at: 29_786, _tag: "InstanceFrozen", instance: 0, inCalls: 8, for: 2_824 },
      { at: 33_483, _tag: "Connect", who: 0, protocol: "webrtc", guise: "itself", readyAfter: null },
      { at: 37_033, _tag: "InstanceFrozen", instance: 1, inCalls: 5, for: 9_092 },
      watch(38_249, 0, { protocol: "rtmps", place: "query" }),
      { at: 46_460, _tag: "MediaServerRestarts", by: "kill", downFor: 10_250, inCalls: 0 },
      { at: 47_323, _tag: "StoreFreezes", for: 3_916 },
      until(50_497)
    ]
    for (const seed of tenSeeds) assert.isNull(play({ seed, setting, steps }).violation, `seed ${seed}`)
  })

  it("who was written as a viewer without an answer, and leaves at once, keeps no row", () => {
    for (const seed of tenSeeds) {
      const leaves: Step = { at: 5_000 + 150 * seed, _tag: "StopWatching", viewer: 0 }
      const steps = [comes, watch(5_000, 0), leaves, until(12_000)]
      const alone = { ...setting, clocks: [0] }
      assert.isNull(play({ seed, setting: alone, steps }, { bug: firstUnanswered }).violation, `seed ${seed}`)
    }
  })
})

describe("a deliberate bug", () => {
  const known: ReadonlyArray<readonly [name: string, invariant: string, steps: ReadonlyArray<Step>]> = [
    ["revocations of other instances not applied", "watch", revoked],
    ["HLS sessions that never become idle", "count", idle]
  ]
  const ofSeed = (seed: number, steps: ReadonlyArray<Step>): Schedule => ({
    seed,
    setting: { ...setting, viewers: 8 },
    steps
  })
  for (const [name, invariant, steps] of known) {
    it(`is caught in a few steps by invariant ${invariant}, and without it they break nothing: ${name}`, () => {
      for (const seed of tenSeeds) assert.isNull(play(ofSeed(seed, steps)).violation, `seed ${seed}`)
      const bug = bugNamed(name)
      const violations = tenSeeds.map((seed) => play(ofSeed(seed, steps), { bug }).violation)
      assert.strictEqual(violations.find((violation) => violation !== null)?.invariant, invariant)
    })
  }
})
