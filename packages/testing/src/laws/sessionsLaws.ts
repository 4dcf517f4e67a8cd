/** The laws of `Sessions`: what one caller sees, and what holds when many move the same sessions at once. */
import { randomUUID } from "node:crypto"
import {
  Broadcasters,
  endReasonOf,
  Leases,
  type Observation,
  Sessions,
  type StopReason,
  type StoredSession,
  type StreamId,
  StreamKeys
} from "@greenroom/core"
import { DateTime, Effect } from "effect"
import * as assert from "../assert.ts"
import { aBroadcaster, aKey, aSession, details, eventsOf, eventTypes, expire, newId, stateOf } from "../fixtures.ts"
import { contract, elapse, plain, type StoreUnderTest } from "./contract.ts"

/** More than the store has connections for, and few enough that none waits past a deadline on a busy machine. */
const atOnce = { concurrency: 10 } as const

const ready = (id: StreamId) => [{ streamId: id, sourceType: "rtmpConn" }]

const observation: Observation = {
  tracks: [{ codec: "H264", codecProps: { width: 1920, height: 1080 } }, { codec: "MPEG-4 Audio" }],
  viewerCount: 3,
  inboundBytes: 5_000_000_000
}

export const sessionsLaws = (store: StoreUnderTest) =>
  contract("Sessions", store, (law) => {
    law(
      "a session goes from connecting over active to inactive, and each step is one event",
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const { id } = yield* aSession()
        assert.strictEqual((yield* stateOf(id))._tag, "Connecting")
        yield* sessions.markReady(ready(id), null)
        const active = yield* stateOf(id)
        assert.strictEqual(active._tag === "Active" ? active.sourceType : active._tag, "rtmpConn")
        assert.isTrue(yield* sessions.requestStop(id, "stopped", null))
        yield* sessions.markKicked([id], null)
        assert.isNotNull((yield* stateOf(id)).ending?.kickedAt)
        assert.deepStrictEqual(yield* sessions.end([id], "left", null), [id])
        const ended = yield* stateOf(id)
        assert.strictEqual(ended._tag === "Inactive" ? ended.reason : ended._tag, "stopped")
        assert.deepStrictEqual(
          (yield* eventsOf(id)).map(({ at: _, ...event }) => event),
          [
            { seq: 1, type: "admitted" },
            { seq: 2, type: "ready", sourceType: "rtmpConn" },
            { seq: 3, type: "stop_requested", reason: "stopped" },
            { seq: 4, type: "kicked" },
            { seq: 5, type: "ended", reason: "stopped" }
          ]
        )
      })
    )

    law(
      "a move that the state does not allow writes nothing, and the result shows it",
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const { id } = yield* aSession()
        yield* sessions.markKicked([id], null)
        assert.deepStrictEqual(yield* eventTypes(id), ["admitted"])
        yield* sessions.markReady([...ready(id), { streamId: id, sourceType: "other" }], null)
        yield* sessions.markReady([{ streamId: id, sourceType: "another" }], null)
        assert.isTrue(yield* sessions.requestStop(id, "revoked", null))
        assert.isFalse(yield* sessions.requestStop(id, "stopped", null))
        yield* sessions.markKicked([id, id], null)
        yield* sessions.markKicked([id], null)
        assert.deepStrictEqual(yield* sessions.end([id, id], "left", null), [id])
        const before = yield* details(id)
        assert.deepStrictEqual(yield* sessions.end([id], "media_server_restarted", null), [])
        assert.isFalse(yield* sessions.requestStop(id, "stopped", null))
        yield* sessions.markReady(ready(id), null)
        yield* sessions.markKicked([id], null)
        yield* sessions.observe([{ streamId: id, observation }], null)
        assert.deepStrictEqual(plain((yield* details(id)).stream), plain(before.stream))
        assert.deepStrictEqual(yield* eventTypes(id), ["admitted", "ready", "stop_requested", "kicked", "ended"])
        const unknown = newId<StreamId>()
        assert.isFalse(yield* sessions.requestStop(unknown, "stopped", null))
        assert.deepStrictEqual(yield* sessions.end([unknown], "left", null), [])
        yield* sessions.markReady(ready(unknown), null)
        for (const nothing of [
          sessions.markReady([], null),
          sessions.markKicked([], null),
          sessions.observe([], null)
        ]) {
          yield* nothing
        }
        assert.deepStrictEqual(yield* sessions.end([], "left", null), [])
      })
    )

    law(
      "a session ends with the reason that the domain gives",
      Effect.gen(function* () {
        const sessions = yield* Sessions
        for (const isReady of [false, true]) {
          for (const stop of [null, "expired", "superseded"] as const) {
            for (const cause of ["left", "media_server_restarted"] as const) {
              const { id } = yield* aSession()
              if (isReady) yield* sessions.markReady(ready(id), null)
              if (stop !== null) yield* sessions.requestStop(id, stop, null)
              const state = yield* stateOf(id)
              if (state._tag === "Inactive") return assert.fail("ended by itself")
              yield* sessions.end([id], cause, null)
              const ended = yield* stateOf(id)
              assert.strictEqual(ended._tag === "Inactive" ? ended.reason : ended._tag, endReasonOf(state, cause))
            }
          }
        }
      })
    )

    law(
      "the snapshots hold every unended session as it is, and the one after a look those listed that have ended",
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const [connecting, active, stopping, ended, superseded] = [
          yield* aSession({ protocol: null }),
          yield* aSession({ protocol: "webrtc" }),
          yield* aSession(),
          yield* aSession(),
          yield* aSession()
        ]
        yield* sessions.markReady(ready(active.id), null)
        yield* sessions.requestStop(stopping.id, "disabled", null)
        yield* sessions.requestStop(superseded.id, "superseded", null)
        yield* sessions.end([ended.id], "left", null)
        const listed = [connecting, active, ended].map(({ ask }) => ask.sourceId)
        const after = yield* sessions.after([...listed, randomUUID()])
        assert.deepStrictEqual(after.formerlyAdmitted, new Set([ended.ask.sourceId]))
        for (const snapshot of [yield* sessions.open, after]) {
          const byId = new Map(snapshot.open.map((session) => [session.streamId, session]))
          assert.isFalse(byId.has(ended.id))
          for (const session of [connecting, active, stopping, superseded]) {
            assert.deepStrictEqual(
              plain(byId.get(session.id)),
              plain({
                streamId: session.id,
                streamKeyId: session.key.id,
                path: session.ask.path,
                source: { protocol: session.ask.protocol, id: session.ask.sourceId },
                state: yield* stateOf(session.id)
              })
            )
            assert.isTrue(DateTime.isGreaterThanOrEqualTo(snapshot.now, byId.get(session.id)!.state.startedAt))
          }
        }
        assert.deepStrictEqual((yield* sessions.after([])).formerlyAdmitted, new Set())
        const ids = (found: ReadonlyArray<{ readonly streamId: StreamId }>) =>
          new Set(found.map(({ streamId }) => streamId))
        assert.deepStrictEqual(
          ids(yield* sessions.stillOpen([active.id, ended.id, newId<StreamId>(), superseded.id])),
          new Set([active.id, superseded.id])
        )
        assert.deepStrictEqual(
          ids(yield* sessions.bySource([...listed, randomUUID()])),
          new Set([connecting.id, active.id])
        )
        assert.deepStrictEqual([yield* sessions.stillOpen([]), yield* sessions.bySource([])], [[], []])
      })
    )

    law(
      "each change of a session is in the next reading, and sessions without a change are the same values",
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const { id, ask } = yield* aSession()
        const stays = yield* aSession()
        const listed = [ask.sourceId, stays.ask.sourceId]
        const moves: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
          sessions.markReady(ready(id), null),
          sessions.requestStop(id, "stopped", null),
          sessions.markKicked([id], null)
        ]
        const stateIn = (open: ReadonlyArray<StoredSession>) => open.find(({ streamId }) => streamId === id)?.state
        for (const move of moves) {
          yield* sessions.open
          yield* move
          const after = yield* sessions.after(listed)
          const state = yield* stateOf(id)
          assert.deepStrictEqual(plain(stateIn(after.open)), plain(state))
          assert.deepStrictEqual(after.formerlyAdmitted, new Set())
          const again = yield* sessions.open
          for (const [index, session] of after.open.entries())
            assert.strictEqual(again.open[index]?.state, session.state)
          assert.deepStrictEqual(plain(stateIn(again.open)), plain(state))
        }
        yield* sessions.open
        yield* sessions.end([id], "left", null)
        const after = yield* sessions.after(listed)
        assert.isUndefined(stateIn(after.open))
        assert.deepStrictEqual(after.formerlyAdmitted, new Set([ask.sourceId]))
        assert.deepStrictEqual((yield* sessions.after(listed)).formerlyAdmitted, new Set([ask.sourceId]))
      })
    )

    law(
      "who must go is found from the keys and the broadcasters: the first reason that holds, once",
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const keys = yield* StreamKeys
        const broadcasters = yield* Broadcasters
        yield* sessions.requestStopsForInvalidKeys
        const expected = new Map<StreamId, StopReason | null>()
        for (let facts = 0; facts < 16; facts++) {
          const [deleted, revoked, expired, disabled] = [facts & 8, facts & 4, facts & 2, facts & 1].map(
            (bit) => bit > 0
          )
          const { id: broadcasterId } = yield* aBroadcaster()
          const key = yield* aKey({ broadcasterId })
          const { id } = yield* aSession({}, key)
          if (expired) yield* expire(key.id)
          if (disabled) yield* keys.change(key.id, { enabled: false })
          if (revoked) yield* keys.revoke(key.id)
          if (deleted) yield* broadcasters.remove(broadcasterId)
          expected.set(
            id,
            deleted ? "broadcaster_deleted" : revoked ? "revoked" : expired ? "expired" : disabled ? "disabled" : null
          )
        }
        const earlier = yield* aSession()
        yield* sessions.requestStop(earlier.id, "stopped", null)
        yield* keys.revoke(earlier.key.id)
        assert.strictEqual(yield* sessions.requestStopsForInvalidKeys, 15)
        assert.strictEqual(yield* sessions.requestStopsForInvalidKeys, 0)
        for (const [id, reason] of expected) assert.strictEqual((yield* stateOf(id)).ending?.reason ?? null, reason)
        assert.strictEqual((yield* stateOf(earlier.id)).ending?.reason, "stopped")
      })
    )

    law(
      "what the media server shows is kept with its time, and is no event",
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const { id } = yield* aSession()
        const before = (yield* details(id)).stream
        yield* sessions.observe([{ streamId: id, observation }], null)
        const first = (yield* details(id)).stream
        assert.deepStrictEqual(plain({ ...first, stateAsOf: null }), plain({ ...before, observation }))
        assert.isNotNull(first.stateAsOf)
        yield* elapse(5)
        yield* sessions.observe([{ streamId: id, observation: { tracks: [], viewerCount: 0, inboundBytes: 1 } }], null)
        const second = (yield* details(id)).stream
        assert.strictEqual(second.observation.inboundBytes, 1)
        assert.isTrue(DateTime.isGreaterThan(second.stateAsOf!, first.stateAsOf!))
        assert.deepStrictEqual(yield* eventTypes(id), ["admitted"])
      })
    )

    law(
      "moves under a lease are made while it is held, by its holder alone",
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const leases = yield* Leases
        const holder = randomUUID()
        const { id } = yield* aSession()
        const stopping = yield* aSession()
        yield* sessions.requestStop(stopping.id, "stopped", null)
        const moves = Effect.fnUntraced(function* (by: string) {
          yield* sessions.observe([{ streamId: id, observation }], by)
          yield* sessions.markReady(ready(id), by)
          yield* sessions.markKicked([stopping.id], by)
          const stopped = yield* sessions.requestStop(id, "never_ready", by)
          return [stopped, yield* sessions.end([id], "left", by)] as const
        })
        const untouched = Effect.gen(function* () {
          assert.isNull((yield* details(id)).stream.stateAsOf)
          assert.deepStrictEqual(yield* eventTypes(id), ["admitted"])
          assert.deepStrictEqual(yield* eventTypes(stopping.id), ["admitted", "stop_requested"])
        })
        assert.deepStrictEqual(yield* moves(holder), [false, []])
        yield* untouched
        yield* leases.acquire(holder, 100)
        assert.deepStrictEqual(yield* moves(randomUUID()), [false, []])
        yield* elapse(150)
        assert.deepStrictEqual(yield* moves(holder), [false, []])
        yield* untouched
        yield* leases.acquire(holder, 60_000)
        assert.deepStrictEqual(yield* moves(holder), [true, [id]])
        assert.deepStrictEqual(yield* eventTypes(id), ["admitted", "ready", "stop_requested", "ended"])
        assert.deepStrictEqual(yield* eventTypes(stopping.id), ["admitted", "stop_requested", "kicked"])
        yield* leases.release(holder)
      })
    )

    law(
      "a hundred who make the same move at once make it once",
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const { id } = yield* aSession()
        const hundred = <A, E>(move: Effect.Effect<A, E>) =>
          Effect.all(
            Array.from({ length: 100 }, () => move),
            atOnce
          )
        yield* hundred(sessions.markReady(ready(id), null))
        const stops = yield* hundred(sessions.requestStop(id, "stopped", null))
        assert.strictEqual(stops.filter((marked) => marked).length, 1)
        yield* hundred(sessions.markKicked([id], null))
        const ends = yield* hundred(sessions.end([id], "left", null))
        assert.deepStrictEqual(ends.flat(), [id])
        assert.deepStrictEqual(yield* eventTypes(id), ["admitted", "ready", "stop_requested", "kicked", "ended"])
      })
    )

    law(
      "all moves at once, over the same sessions in every order, lock no caller out and leave whole histories",
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const keys = yield* StreamKeys
        const made = yield* Effect.forEach(Array.from({ length: 30 }), () => aSession(), { concurrency: 8 })
        const shuffled = () =>
          made
            .map(({ id }) => ({ id, at: Math.random() }))
            .sort((a, b) => a.at - b.at)
            .map(({ id }) => id)
        const readies = () => shuffled().map((streamId) => ({ streamId, sourceType: "srtConn" }))
        yield* Effect.all(
          Array.from(
            { length: 8 },
            (_, index): ReadonlyArray<Effect.Effect<unknown, unknown>> => [
              sessions.markReady(readies(), null),
              sessions.observe(
                shuffled().map((streamId) => ({ streamId, observation })),
                null
              ),
              keys.revoke(made[index]!.key.id),
              sessions.requestStopsForInvalidKeys,
              sessions.requestStop(made[index + 8]!.id, "stopped", null),
              sessions.markKicked(shuffled(), null),
              sessions.end(shuffled().slice(0, 5), "left", null)
            ]
          ).flat(),
          atOnce
        )
        yield* sessions.end(shuffled(), "media_server_restarted", null)
        assert.deepStrictEqual(yield* sessions.stillOpen(shuffled()), [])
      })
    )
  })
