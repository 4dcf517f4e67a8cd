/** The laws of `Streams`. */

import {
  type BroadcasterId,
  Broadcasters,
  type LiveStream,
  type Repositories,
  Sessions,
  type StoreVersion,
  type StreamFilter,
  type StreamId,
  type StreamKeyId,
  type StreamStatus,
  Streams,
  statusOf,
  streamStatuses
} from "@greenroom/core"
import { DateTime, Effect, Option } from "effect"
import * as assert from "../assert.ts"
import {
  aBroadcaster,
  aKey,
  aSession,
  details,
  eventsOf,
  eventTypes,
  newId,
  newPath,
  type Session
} from "../fixtures.ts"
import { contract, elapse, plain, type StoreUnderTest } from "./contract.ts"

const everything = { limit: null, after: null }

/** The ids of the whole list, which the store counts as it lists it. */
const idsOf = Effect.fnUntraced(function* (filter: StreamFilter) {
  const streams = yield* Streams
  const { items } = yield* streams.list(filter, everything)
  assert.strictEqual(yield* streams.count(filter), items.length)
  return items.map(({ id }) => id)
})

/** A session that has come to the status. */
const aSessionThatIs = Effect.fnUntraced(function* (status: StreamStatus, ...of: Parameters<typeof aSession>) {
  const sessions = yield* Sessions
  const session = yield* aSession(...of)
  if (status !== "connecting") yield* sessions.markReady([{ streamId: session.id, sourceType: "rtmpConn" }], null)
  if (status === "inactive") yield* sessions.end([session.id], "left", null)
  return session
})

interface Kept {
  readonly version: StoreVersion
  readonly streams: ReadonlyMap<StreamId, LiveStream>
}

/** The list, made of what has changed and of what was kept. */
const refreshed = Effect.fnUntraced(function* (filter: StreamFilter, kept: Kept | null) {
  const streams = yield* Streams
  const { items, version } = yield* streams.listSince(filter, everything, kept?.version ?? null)
  const same = items.filter(({ stream }) => stream === null).length
  const now = new Map(items.map(({ id, stream }) => [id, stream ?? kept?.streams.get(id) ?? assert.fail(`${id}?`)]))
  const list: Kept = { version, streams: now }
  return { list, same }
})

export const streamsLaws = (store: StoreUnderTest) =>
  contract("Streams", store, (law) => {
    law(
      "with a time, a list has the streams that were admitted by then and had not ended by then",
      Effect.gen(function* () {
        const { id: broadcasterId } = yield* aBroadcaster()
        const made: Array<LiveStream> = []
        for (const status of ["inactive", "active", "inactive", "connecting"] as const) {
          const { id } = yield* aSessionThatIs(status, {}, yield* aKey({ broadcasterId }))
          made.push((yield* details(id)).stream)
          yield* elapse(5)
        }
        const times = made.flatMap(({ state }) => [
          state.startedAt,
          ...(state._tag === "Inactive" ? [state.endedAt] : [])
        ])
        for (const time of times) {
          for (const by of [-1, 0, 1]) {
            const at = DateTime.add(time, { milliseconds: by })
            const wasLive = made.filter(
              ({ state }) =>
                DateTime.isLessThanOrEqualTo(state.startedAt, at) &&
                (state._tag !== "Inactive" || DateTime.isGreaterThan(state.endedAt, at))
            )
            const listed = yield* idsOf({ status: streamStatuses, broadcasterId, at })
            assert.deepStrictEqual(new Set(listed), new Set(wasLive.map(({ id }) => id)))
            const ended = yield* idsOf({ status: ["inactive"], broadcasterId, at })
            assert.deepStrictEqual(ended.length, wasLive.filter(({ state }) => state._tag === "Inactive").length)
          }
        }
      })
    )

    law(
      "a write that changes a list changes the version, and what has not changed since an earlier one may be kept",
      Effect.gen(function* () {
        const streams = yield* Streams
        const sessions = yield* Sessions
        const broadcasters = yield* Broadcasters
        const { id: broadcasterId } = yield* aBroadcaster()
        const key = yield* aKey({ broadcasterId })
        const other = yield* aSessionThatIs("active", {}, yield* aKey({ broadcasterId }))
        const observation = { tracks: [{ codec: "H264" }], viewerCount: 1, inboundBytes: 2 }
        let id = newId<StreamId>()
        let renames = 0
        const writes: Readonly<Record<string, Effect.Effect<unknown, unknown, Repositories>>> = {
          admit: Effect.suspend(() => Effect.map(aSession({}, key), (session) => (id = session.id))),
          ready: Effect.suspend(() => sessions.markReady([{ streamId: id, sourceType: "rtmpConn" }], null)),
          observe: Effect.suspend(() => sessions.observe([{ streamId: id, observation }], null)),
          annotate: Effect.suspend(() => streams.annotate(id, { title: "Another" })),
          rename: Effect.suspend(() => broadcasters.change(broadcasterId, { displayName: `Renamed ${++renames}` })),
          stop: Effect.suspend(() => sessions.requestStop(id, "stopped", null)),
          kick: Effect.suspend(() => sessions.markKicked([id], null)),
          end: Effect.suspend(() => sessions.end([id], "left", null))
        }
        const filters = streamStatuses.map((status): StreamFilter => ({ status: [status], broadcasterId }))
        for (const filter of [...filters, { status: streamStatuses, broadcasterId }]) {
          let { list } = yield* refreshed(filter, null)
          for (const [name, write] of Object.entries(writes)) {
            const before = list
            yield* write
            list = (yield* refreshed(filter, before)).list
            const { items } = yield* streams.list(filter, everything)
            const isChanged = JSON.stringify(items) !== JSON.stringify([...before.streams.values()])
            if (isChanged) assert.notStrictEqual((yield* streams.version).version, before.version)
            assert.deepStrictEqual(plain([...list.streams.values()]), plain(items), name)
          }
          // While a transaction of other things is under way, more may count as changed than has.
          const size = list.streams.size
          const again = yield* Effect.repeat(
            Effect.suspend(() => refreshed(filter, list)),
            {
              until: (refresh) => {
                list = refresh.list
                return refresh.same === size
              }
            }
          )
          assert.deepStrictEqual(
            plain([...again.list.streams.values()]),
            plain((yield* streams.list(filter, everything)).items)
          )
          assert.isTrue((yield* idsOf({ status: ["active"], broadcasterId })).includes(other.id))
        }
      })
    )

    law(
      "pages of what has changed are the pages of the list",
      Effect.gen(function* () {
        const streams = yield* Streams
        const path = newPath()
        for (let index = 0; index < 5; index++) yield* aSessionThatIs("inactive", { path })
        const filter: StreamFilter = { status: ["inactive"], path }
        const { version, items: all } = yield* streams.listSince(filter, everything, null)
        assert.isTrue(all.every(({ stream }) => stream !== null))
        for (const since of [null, version]) {
          const first = yield* streams.listSince(filter, { limit: 3, after: null }, since)
          const second = yield* streams.listSince(filter, { limit: 3, after: first.next }, since)
          const ids = [...first.items, ...second.items].map(({ id }) => id)
          assert.deepStrictEqual(
            ids,
            all.map(({ id }) => id)
          )
          assert.isNull(second.next)
        }
      })
    )

    law(
      "the list gives the streams of a status, a broadcaster, a key, a path, and of all of these together",
      Effect.gen(function* () {
        const { id: broadcasterId } = yield* aBroadcaster({ displayName: "Mine" })
        const made: Array<Session & { readonly status: StreamStatus }> = []
        for (const status of streamStatuses) {
          for (let index = 0; index < 2; index++) {
            const key = yield* aKey({ broadcasterId })
            made.push({ ...(yield* aSessionThatIs(status, {}, key)), status })
            yield* aSessionThatIs(status)
          }
        }
        const of = (wanted: (session: (typeof made)[number]) => boolean) =>
          new Set(made.filter(wanted).map(({ id }) => id))
        for (const status of streamStatuses) {
          assert.deepStrictEqual(
            new Set(yield* idsOf({ status: [status], broadcasterId })),
            of((session) => session.status === status)
          )
          const all = yield* Effect.flatMap(Streams, (streams) => streams.list({ status: [status] }, everything))
          assert.isTrue(all.items.every(({ state }) => statusOf(state) === status))
          const those = of((session) => session.status === status)
          assert.isTrue([...those].every((id) => all.items.some((item) => item.id === id)))
        }
        assert.deepStrictEqual(
          new Set(yield* idsOf({ status: streamStatuses, broadcasterId })),
          of(() => true)
        )
        assert.deepStrictEqual(
          new Set(yield* idsOf({ status: ["connecting", "inactive"], broadcasterId })),
          of(({ status }) => status !== "active")
        )
        for (const { id, key, ask, status } of made) {
          assert.deepStrictEqual(yield* idsOf({ status: streamStatuses, streamKeyId: key.id }), [id])
          assert.deepStrictEqual(yield* idsOf({ status: streamStatuses, path: ask.path }), [id])
          const filter = { broadcasterId, streamKeyId: key.id, path: ask.path }
          assert.deepStrictEqual(yield* idsOf({ status: [status], ...filter }), [id])
          const others = streamStatuses.filter((other) => other !== status)
          assert.deepStrictEqual(yield* idsOf({ status: others, ...filter }), [])
        }
        assert.deepStrictEqual(yield* idsOf({ status: streamStatuses, broadcasterId: newId<BroadcasterId>() }), [])
      })
    )

    law(
      "pages run from the newest to the oldest and neither skip nor repeat, whatever begins or ends meanwhile",
      Effect.gen(function* () {
        const streams = yield* Streams
        const sessions = yield* Sessions
        const path = newPath()
        const mine: Array<StreamId> = []
        for (let index = 0; index < 17; index++) mine.unshift((yield* aSessionThatIs("inactive", { path })).id)
        const filter: StreamFilter = { status: streamStatuses, path }
        const whole = yield* streams.list(filter, everything)
        assert.deepStrictEqual(new Set(whole.items.map(({ id }) => id)), new Set(mine))
        for (const limit of [1, 4, 17, 18]) {
          const seen: Array<StreamId> = []
          let page = yield* streams.list(filter, { limit, after: null })
          while (true) {
            seen.push(...page.items.map(({ id }) => id).filter((id) => mine.includes(id)))
            if (page.next === null) break
            const newcomer = yield* aSession({ path })
            yield* sessions.end([newcomer.id], "left", null)
            page = yield* streams.list(filter, { limit, after: page.next })
          }
          assert.deepStrictEqual(
            seen,
            whole.items.map(({ id }) => id)
          )
        }
        const startedAt = whole.items.map(({ state }) => DateTime.toEpochMillis(state.startedAt))
        assert.deepStrictEqual(
          startedAt,
          startedAt.toSorted((a, b) => b - a)
        )
      })
    )

    law(
      "an annotation touches what is given, of streams live and past",
      Effect.gen(function* () {
        const streams = yield* Streams
        for (const status of streamStatuses) {
          const { id } = yield* aSessionThatIs(status, {}, yield* aKey({ label: "Label" }))
          const before = (yield* details(id)).stream
          const full = {
            title: "Title",
            description: "Two\nlines",
            metadata: { a: [1, null] },
            recordingRef: "s3://b/k"
          }
          const annotated = Option.getOrThrow(yield* streams.annotate(id, full))
          assert.deepStrictEqual(plain(annotated.stream), plain({ ...before, ...full }))
          const fewer = Option.getOrThrow(yield* streams.annotate(id, { title: null, metadata: {} }))
          assert.deepStrictEqual(plain(fewer.stream), plain({ ...before, ...full, title: null, metadata: {} }))
          const none = Option.getOrThrow(yield* streams.annotate(id, {}))
          assert.deepStrictEqual(plain(none.stream), plain(fewer.stream))
          assert.deepStrictEqual(plain((yield* details(id)).stream), plain(none.stream))
        }
        assert.isTrue(Option.isNone(yield* streams.annotate(newId<StreamId>(), { title: "Unknown" })))
        assert.isTrue(Option.isNone(yield* streams.find(newId<StreamId>())))
      })
    )

    law(
      "details bring the whole broadcaster and the store's clock",
      Effect.gen(function* () {
        const broadcaster = yield* aBroadcaster({ displayName: "Studio", contact: "a@b.example", metadata: { x: 1 } })
        const session = yield* aSession({}, yield* aKey({ broadcasterId: broadcaster.id }))
        yield* elapse(5)
        const found = yield* details(session.id)
        assert.deepStrictEqual(plain(found.broadcaster), plain(broadcaster))
        assert.isTrue(DateTime.isGreaterThan(found.now, found.stream.state.startedAt))
      })
    )

    law(
      "events come in order, after the one that is named, as many as are asked for",
      Effect.gen(function* () {
        const streams = yield* Streams
        const sessions = yield* Sessions
        const { id } = yield* aSession()
        yield* sessions.requestStop(id, "stopped", null)
        yield* sessions.markKicked([id], null)
        yield* sessions.end([id], "left", null)
        assert.deepStrictEqual(yield* eventTypes(id), ["admitted", "stop_requested", "kicked", "ended"])
        const all = yield* eventsOf(id)
        for (let after = 0; after <= 5; after++) {
          for (let limit = 1; limit <= 5; limit++) {
            assert.deepStrictEqual(
              plain(yield* streams.events(id, after, limit)),
              plain(all.slice(after, after + limit))
            )
          }
        }
        assert.deepStrictEqual(yield* streams.events(newId<StreamId>(), 0, 10), [])
      })
    )

    law(
      "the unended streams of a key and of a broadcaster are those that still have to leave, the superseded among them",
      Effect.gen(function* () {
        const streams = yield* Streams
        const sessions = yield* Sessions
        const { id: broadcasterId } = yield* aBroadcaster()
        const [one, other] = [yield* aKey({ broadcasterId }), yield* aKey({ broadcasterId })]
        yield* aSessionThatIs("inactive", {}, one)
        const superseded = yield* aSessionThatIs("active", {}, one)
        yield* sessions.requestStop(superseded.id, "superseded", null)
        const current = yield* aSession({}, one)
        const elsewhere = yield* aSessionThatIs("active", {}, other)
        yield* aSession()
        const ofKey = (streamKeyId: StreamKeyId) => streams.unendedOf({ streamKeyId })
        assert.deepStrictEqual(new Set(yield* ofKey(one.id)), new Set([superseded.id, current.id]))
        assert.deepStrictEqual(yield* ofKey(other.id), [elsewhere.id])
        assert.deepStrictEqual(
          new Set(yield* streams.unendedOf({ broadcasterId })),
          new Set([superseded.id, current.id, elsewhere.id])
        )
        assert.deepStrictEqual(yield* ofKey(newId<StreamKeyId>()), [])
      })
    )
  })
