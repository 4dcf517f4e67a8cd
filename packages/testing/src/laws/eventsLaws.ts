/** The laws of `Events`: that every change is exactly one event, and that a reader by position sees each event once and in order. */
import { randomUUID } from "node:crypto"
import {
  Broadcasters,
  Events,
  type EventType,
  type ExternalId,
  foldEvents,
  isStreamEvent,
  Leases,
  type LoggedEvent,
  MEDIA_SERVER_BROADCASTER,
  type PassSummary,
  READ_AT_MOST,
  type Repositories,
  Retention,
  Sessions,
  StreamKeys,
  Streams,
  streamEventName,
  Workers
} from "@greenroom/core"
import { Effect, Exit, Fiber, Option, Result } from "effect"
import * as assert from "../assert.ts"
import {
  aBroadcaster,
  admit,
  aKey,
  anAsk,
  anOrder,
  aSession,
  aSuccessor,
  details,
  eventsOf,
  expire,
  later,
  leading,
  newId,
  newPath,
  now,
  type Session,
  takeOver
} from "../fixtures.ts"
import { BackDoor, contract, elapse, Passing, plain, type StoreUnderTest } from "./contract.ts"

const MOST = 1_000

const placeAll = Effect.gen(function* () {
  const events = yield* Events
  while (true) {
    const { placed, ...head } = yield* events.place(MOST)
    if (placed === 0) return head
  }
})

/** Everything after the position, read in parts of so many. */
const readAll = Effect.fnUntraced(function* (after: number, limit = 50) {
  const events = yield* Events
  const found: Array<LoggedEvent> = []
  let at = after
  while (true) {
    const slice = yield* events.read(at, {}, limit)
    found.push(...slice.events)
    at = slice.lookedTo
    if (at >= slice.newest) return found
  }
})

/** The events that the changes lead to, placed and in order. */
export const eventsFrom = Effect.fnUntraced(function* (
  changes: Effect.Effect<unknown, unknown, Repositories | Passing>
) {
  const { newest } = yield* placeAll
  yield* changes
  yield* placeAll
  return yield* readAll(newest)
})

const typesOf = (events: ReadonlyArray<LoggedEvent>): ReadonlyArray<EventType> => events.map(({ type }) => type)
const ofSubject = (events: ReadonlyArray<LoggedEvent>, subject: string) =>
  events.filter((event) => event.subject === subject)

/** From the admission to the end. */
const live = Effect.fnUntraced(function* ({ id }: Session) {
  const sessions = yield* Sessions
  yield* sessions.markReady([{ streamId: id, sourceType: "rtmpConn" }], null)
  yield* sessions.requestStop(id, "stopped", null)
  yield* sessions.markKicked([id], null)
  yield* sessions.end([id], "left", null)
})

const found: PassSummary = { publishers: 0, unauthorized: 0, kicked: 0, reported: 0, heldBack: 0, enforced: false }

type AddLaw = Parameters<Parameters<typeof contract>[2]>[0]

const streamLaws = (law: AddLaw) => {
  const historyIsLogged = Effect.fnUntraced(function* (between: Effect.Effect<unknown, unknown, Repositories>) {
    const { newest } = yield* placeAll
    const sessions = yield* Sessions
    const { id } = yield* aSession()
    yield* between
    yield* sessions.markReady([{ streamId: id, sourceType: "rtmpConn" }], null)
    yield* between
    yield* sessions.markReady([{ streamId: id, sourceType: "rtspSession" }], null)
    yield* sessions.requestStop(id, "stopped", null)
    yield* sessions.requestStop(id, "revoked", null)
    yield* between
    yield* sessions.markKicked([id], null)
    yield* sessions.end([id], "left", null)
    yield* sessions.end([id], "left", null)
    yield* placeAll
    const events = ofSubject(yield* readAll(newest), `stream:${id}`)
    const transitions = yield* eventsOf(id)
    assert.deepStrictEqual(
      plain(events.map(({ type, at, streamSeq }) => ({ type, at, streamSeq }))),
      plain(transitions.map(({ type, at, seq }) => ({ type: streamEventName[type], at, streamSeq: seq })))
    )
    for (const event of events) {
      if (!isStreamEvent(event)) return assert.fail(event.type)
      const folded = Result.getOrThrow(foldEvents(transitions.slice(0, event.streamSeq)))
      assert.deepStrictEqual(plain(event.data.stream.state), plain(folded))
    }
  })

  law(
    "every transition of a stream is one event, in the order of its numbers, with the state that it has left",
    Effect.andThen(historyIsLogged(placeAll), historyIsLogged(Effect.void))
  )

  law(
    "the newest event of a quiet stream has the stream as it is",
    Effect.gen(function* () {
      const { newest } = yield* placeAll
      const sessions = yield* Sessions
      const { id } = yield* aSession()
      const observation = { tracks: [{ codec: "H264", width: 1920 }], viewerCount: 3, inboundBytes: 9_007_199_254 }
      // What is observed is no transition: a store may have taken the data of the last event already.
      const observe = sessions.observe([{ streamId: id, observation }], null)
      const changes: ReadonlyArray<Effect.Effect<unknown, unknown, Repositories>> = [
        Effect.void,
        Effect.andThen(observe, sessions.markReady([{ streamId: id, sourceType: "srtConn" }], null)),
        sessions.requestStop(id, "stopped", null),
        sessions.markKicked([id], null),
        sessions.end([id], "left", null)
      ]
      for (const change of changes) {
        yield* change
        yield* placeAll
        const last = ofSubject(yield* readAll(newest), `stream:${id}`).at(-1)
        if (last === undefined || !isStreamEvent(last)) return assert.fail("no event")
        const { now: _, ...shown } = yield* details(id)
        const { now: at, ...logged } = last.data
        assert.deepStrictEqual(plain(logged), plain(shown))
        assert.deepStrictEqual(plain(at), plain(last.at))
      }
    })
  )

  law(
    "a takeover is an event of each stream",
    Effect.gen(function* () {
      const session = yield* aSession()
      const again = { ...session.ask, sourceId: randomUUID(), streamId: newId<typeof session.id>() }
      const events = yield* eventsFrom(takeOver(again))
      assert.deepStrictEqual(typesOf(events), ["stream.stop_requested", "stream.connecting"])
    })
  )
}

const resourceLaws = (law: AddLaw) => {
  law(
    "a rotation is a change of the old key and the creation of the new one; the end of the overlap is the old key's revocation, of that moment",
    Effect.gen(function* () {
      const keys = yield* StreamKeys
      const { newest } = yield* placeAll
      const old = yield* aKey()
      const successor = aSuccessor(old.id, 1)
      yield* keys.rotate(old.id, successor)
      const { revokesAt } = (yield* Effect.flatMap(keys.find(old.id), Effect.fromOption)).key
      yield* elapse(1_000)
      yield* placeAll
      yield* keys.revoke(old.id)
      yield* placeAll
      const at = (yield* Effect.flatMap(keys.find(old.id), Effect.fromOption)).key
      const all = yield* readAll(newest)
      const ofOld = ofSubject(all, `key:${old.id}`)
      assert.deepStrictEqual(typesOf(ofOld), ["key.created", "key.changed", "key.revoked"])
      assert.deepStrictEqual(plain(ofOld[1]!.data), plain({ ...old.key, rotatedTo: successor.id, revokesAt }))
      assert.deepStrictEqual(plain([ofOld[2]!.at, ofOld[2]!.data]), plain([revokesAt, at]))
      const ofNew = ofSubject(all, `key:${successor.id}`)
      assert.deepStrictEqual(typesOf(ofNew), ["key.created"])
      const fresh = (yield* Effect.flatMap(keys.find(successor.id), Effect.fromOption)).key
      assert.deepStrictEqual(plain(ofNew[0]!.data), plain(fresh))
      yield* keys.rotate(successor.id, aSuccessor(successor.id, 0))
      yield* placeAll
      assert.deepStrictEqual(typesOf(ofSubject(yield* readAll(newest), `key:${successor.id}`)), [
        "key.created",
        "key.revoked"
      ])
    })
  )

  law(
    "a block is a change of its key, and so is its end by hand",
    Effect.gen(function* () {
      const keys = yield* StreamKeys
      const { newest } = yield* placeAll
      const { id } = yield* aKey()
      yield* keys.block(id, newPath(), 60)
      const { key } = yield* Effect.flatMap(keys.find(id), Effect.fromOption)
      yield* keys.change(id, { block: null })
      yield* keys.change(id, { block: null })
      yield* placeAll
      const events = ofSubject(yield* readAll(newest), `key:${id}`)
      assert.deepStrictEqual(typesOf(events), ["key.created", "key.changed", "key.changed"])
      assert.deepStrictEqual(plain(events[1]!.data), plain(key))
      assert.deepStrictEqual(plain(events[2]!.data), plain({ ...key, block: null }))
    })
  )

  law(
    "a key's events are its creation, each change, its expiry and its revocation, once each",
    Effect.gen(function* () {
      const keys = yield* StreamKeys
      const { newest } = yield* placeAll
      const { id, key } = yield* aKey({ label: "One" })
      yield* keys.change(id, { label: "Two" })
      yield* keys.change(id, { label: "Two", enabled: true })
      yield* keys.change(id, { enabled: false })
      yield* expire(id)
      const { expiresAt } = (yield* Effect.flatMap(keys.find(id), Effect.fromOption)).key
      yield* placeAll
      yield* placeAll
      yield* keys.change(id, { expiresAt: later(yield* now, 60_000) })
      yield* expire(id)
      yield* placeAll
      yield* keys.revoke(id)
      yield* keys.revoke(id)
      yield* placeAll
      const events = ofSubject(yield* readAll(newest), `key:${id}`)
      const types = typesOf(events).filter((type, index, all) => type !== "key.changed" || all[index - 1] !== type)
      assert.deepStrictEqual(types, [
        "key.created",
        "key.changed",
        "key.expired",
        "key.changed",
        "key.expired",
        "key.revoked"
      ])
      assert.deepStrictEqual(plain(events[0]!.data), plain(key))
      assert.deepStrictEqual(plain(events.find(({ type }) => type === "key.expired")?.at), plain(expiresAt))
      const revoked = (yield* Effect.flatMap(keys.find(id), Effect.fromOption)).key
      assert.deepStrictEqual(plain(events.at(-1)?.data), plain(revoked))
      assert.isTrue(
        events.every(({ broadcasterId, streamSeq }) => broadcasterId === key.broadcasterId && streamSeq === null)
      )
    })
  )

  law(
    "no event has a key's hash",
    Effect.gen(function* () {
      const hash = new Uint8Array(32).fill(0xab)
      const events = yield* eventsFrom(aKey({ hash: crypto.getRandomValues(hash) }))
      const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")
      const text = JSON.stringify(events)
      assert.isFalse(text.includes(hex) || text.includes(Buffer.from(hash).toString("base64")) || text.includes("hash"))
    })
  )

  law(
    "a broadcaster's events are its creation, each change, and its removal with the revocation of its keys",
    Effect.gen(function* () {
      const broadcasters = yield* Broadcasters
      const { newest } = yield* placeAll
      const created = yield* aBroadcaster()
      const { id } = created
      const key = yield* aKey({ broadcasterId: id })
      yield* broadcasters.change(id, { displayName: "Another" })
      const changed = yield* Effect.flatMap(broadcasters.find(id), Effect.fromOption)
      yield* broadcasters.remove(id)
      yield* broadcasters.remove(id)
      yield* placeAll
      const events = yield* readAll(newest)
      const own = ofSubject(events, `broadcaster:${id}`)
      assert.deepStrictEqual(typesOf(own), ["broadcaster.created", "broadcaster.changed", "broadcaster.deleted"])
      assert.deepStrictEqual(plain(own.map(({ data }) => data)), plain([created, changed, changed]))
      assert.deepStrictEqual(typesOf(ofSubject(events, `key:${key.id}`)), ["key.created", "key.revoked"])
    })
  )

  law(
    "what is refused, and what changes nothing, has no event",
    Effect.gen(function* () {
      const broadcasters = yield* Broadcasters
      const keys = yield* StreamKeys
      const sessions = yield* Sessions
      const externalId = randomUUID() as ExternalId
      const owner = yield* aBroadcaster({ externalId })
      const path = newPath()
      const session = yield* aSession({ path }, yield* aKey({ broadcasterId: owner.id, path }))
      yield* sessions.requestStop(session.id, "stopped", null)
      const revoked = yield* aKey()
      yield* keys.revoke(revoked.id)
      const other = yield* aBroadcaster()
      const events = yield* eventsFrom(
        Effect.gen(function* () {
          assert.isTrue(Exit.isFailure(yield* Effect.exit(aBroadcaster({ externalId }))))
          assert.isTrue(Exit.isFailure(yield* Effect.exit(broadcasters.change(other.id, { externalId }))))
          yield* broadcasters.upsert(newId(), externalId, { displayName: owner.displayName })
          assert.isFalse(yield* broadcasters.remove(newId()))
          assert.strictEqual((yield* keys.issue(anOrder(other.id, { path })))._tag, "PathTaken")
          assert.strictEqual((yield* keys.change(revoked.id, { label: "Late" }))._tag, "Revoked")
          assert.isTrue(Option.isNone(yield* admit(anAsk(revoked))))
          yield* sessions.requestStop(session.id, "stopped", null)
          yield* sessions.markReady([{ streamId: session.id, sourceType: "rtmpConn" }], "not the holder")
          yield* sessions.end([session.id], "left", "not the holder")
        })
      )
      assert.deepStrictEqual(typesOf(events), [])
    })
  )

  law(
    "workers' keys have no events; the media server's broadcaster has those of its coming and going",
    leading(
      Effect.fnUntraced(function* (holder) {
        const workers = yield* Workers
        const broadcasters = yield* Broadcasters
        const { id } = MEDIA_SERVER_BROADCASTER
        const issueKey = Effect.gen(function* () {
          const { id: keyId, hash, keyPrefix } = anOrder(id)
          const order = { keyId, hash, keyPrefix, label: "Worker", source: null, admitWithinMillis: 60_000 }
          assert.isTrue(yield* workers.issueKey({ ...order, path: newPath(), inputPath: newPath() }, holder))
        })
        // Whatever other laws have left of it.
        yield* broadcasters.remove(id)
        const changes = [issueKey, issueKey, broadcasters.remove(id), issueKey, broadcasters.remove(id)]
        const events = yield* eventsFrom(Effect.all(changes, { discard: true }))
        assert.deepStrictEqual(
          plain(events.map(({ type, subject }) => ({ type, subject }))),
          ["created", "deleted", "created", "deleted"].map((what) => ({
            type: `broadcaster.${what}`,
            subject: `broadcaster:${id}`
          }))
        )
      })
    )
  )

  law(
    "a worker's events are those of its states that people wait for",
    leading(
      Effect.fnUntraced(function* (holder) {
        const workers = yield* Workers
        const { newest } = yield* placeAll
        const id = `p${randomUUID().replaceAll("-", "")}` as Parameters<typeof workers.find>[0]
        const change = {
          id,
          reason: null,
          attempt: 1,
          inputStreamId: null,
          outputStreamId: null,
          retryInMillis: null,
          mark: null
        }
        const states = [
          "connecting",
          "running",
          "running",
          "retrying",
          "connecting",
          "running",
          "failed",
          "stopped"
        ] as const
        for (const state of states) yield* workers.save([{ ...change, state }], holder)
        yield* placeAll
        const events = ofSubject(yield* readAll(newest), `worker:${id}`)
        assert.deepStrictEqual(typesOf(events), [
          "worker.started",
          "worker.retrying",
          "worker.started",
          "worker.failed",
          "worker.stopped"
        ])
        const record = yield* Effect.flatMap(workers.find(id), Effect.fromOption)
        assert.deepStrictEqual(plain(events.at(-1)?.data), plain(record))
      })
    )
  )

  law(
    "the media server's events are its coming, its going and its restart, as the leader sees them",
    Effect.gen(function* () {
      const leases = yield* Leases
      const recordIn = (holder: string, started: string) =>
        Effect.gen(function* () {
          yield* leases.recordPass(holder, { started, lookedAt: yield* now, found, fulfilled: false }, 60_000)
        })
      const types = (events: ReadonlyArray<LoggedEvent>) => typesOf(ofSubject(events, "media_server:main"))
      // Whatever other laws have left of it.
      yield* leading((holder) => recordIn(holder, "first"))
      const events = yield* eventsFrom(
        leading(
          Effect.fnUntraced(function* (holder) {
            yield* recordIn(holder, "first")
            yield* leases.recordUnreachable(holder)
            yield* leases.recordUnreachable(holder)
            yield* recordIn(holder, "first")
            yield* recordIn(holder, "second")
          })
        )
      )
      assert.deepStrictEqual(types(events), [
        "media_server.unreachable",
        "media_server.reachable",
        "media_server.restarted"
      ])
      assert.deepStrictEqual(plain(events.at(-1)?.data), { id: "main", reachable: true, started: "second" })
      const others = yield* eventsFrom(leases.recordUnreachable("not the holder"))
      assert.deepStrictEqual(types(others), [])
    })
  )
}

const readingLaws = (law: AddLaw) => {
  law(
    "each filter gives the events that it describes, in order",
    Effect.gen(function* () {
      const events = yield* Events
      const { newest } = yield* placeAll
      const path = newPath()
      const session = yield* aSession({ path })
      yield* live(session)
      const other = yield* aSession()
      yield* live(other)
      yield* placeAll
      const all = yield* readAll(newest)
      const broadcasterId = session.key.key.broadcasterId
      const filters = [
        {
          filter: { types: ["stream.ended", "key.created"] as const },
          wants: (e: LoggedEvent) => e.type === "stream.ended" || e.type === "key.created"
        },
        { filter: { broadcasterId }, wants: (e: LoggedEvent) => e.broadcasterId === broadcasterId },
        { filter: { streamId: other.id }, wants: (e: LoggedEvent) => e.subject === `stream:${other.id}` },
        {
          filter: { subject: `key:${session.key.id}`, types: ["key.created", "key.changed"] as const },
          wants: (e: LoggedEvent) => e.subject === `key:${session.key.id}`
        },
        {
          filter: { subject: `stream:${other.id}`, types: ["stream.active"] as const },
          wants: (e: LoggedEvent) => e.subject === `stream:${other.id}` && e.type === "stream.active"
        },
        { filter: { path }, wants: (e: LoggedEvent) => isStreamEvent(e) && e.data.stream.path === path },
        { filter: { path, types: ["key.created"] as const }, wants: () => false }
      ]
      for (const { filter, wants } of filters) {
        const slice = yield* events.read(newest, filter, MOST)
        assert.deepStrictEqual(plain(slice.events), plain(all.filter(wants)))
        assert.strictEqual(slice.lookedTo, slice.newest)
      }
    })
  )

  law(
    "a page ends at its last event, or at the last position that it looked at",
    Effect.gen(function* () {
      const events = yield* Events
      const { newest } = yield* placeAll
      yield* Effect.forEach(Array.from({ length: 5 }), () => aBroadcaster(), { discard: true })
      yield* placeAll
      const first = yield* events.read(newest, {}, 2)
      assert.strictEqual(first.lookedTo, first.events[1]?.position)
      assert.isTrue(first.newest >= first.lookedTo + 3)
      const none = yield* events.read(newest, { streamId: newId() }, 2)
      assert.deepStrictEqual(none.events, [])
      assert.strictEqual(none.lookedTo, Math.min(none.newest, newest + READ_AT_MOST))
      const end = yield* events.read(none.newest, {}, 2)
      assert.strictEqual(end.lookedTo, end.newest)
    })
  )

  law(
    "positions have no gap, and a reader among writers and placers sees every event once, in order",
    Effect.gen(function* () {
      const events = yield* Events
      const { newest } = yield* placeAll
      const seen: Array<LoggedEvent> = []
      let isOver = false
      const reader = Effect.gen(function* () {
        let at = newest
        while (true) {
          const last = isOver
          const slice = yield* events.read(at, {}, 7)
          seen.push(...slice.events)
          at = slice.lookedTo
          if (last && at >= slice.newest) return
          yield* Effect.yieldNow
        }
      })
      const placer = Effect.gen(function* () {
        while (!isOver) {
          yield* events.place(5)
          yield* Effect.yieldNow
        }
      })
      const reading = yield* Effect.forkChild(reader)
      const placing = yield* Effect.forkChild(Effect.all([placer, placer, placer], { concurrency: 3 }))
      const sessions = yield* Effect.forEach(Array.from({ length: 12 }), () => Effect.tap(aSession(), live), {
        concurrency: 6
      })
      // The reader goes on until it has seen what is placed last.
      yield* placeAll
      isOver = true
      yield* Fiber.join(placing)
      yield* placeAll
      yield* Fiber.join(reading)
      const complete = yield* readAll(newest, MOST)
      assert.deepStrictEqual(plain(seen.map(({ id }) => id)), plain(complete.slice(0, seen.length).map(({ id }) => id)))
      assert.isTrue(seen.length >= sessions.length * 5)
      for (const [index, { position }] of complete.entries()) assert.strictEqual(position, newest + 1 + index)
      assert.strictEqual(new Set(complete.map(({ id }) => id)).size, complete.length)
      for (const { id } of sessions) {
        const seqs = ofSubject(complete, `stream:${id}`).map(({ streamSeq }) => streamSeq)
        assert.deepStrictEqual(seqs, [1, 2, 3, 4, 5])
      }
    })
  )

  law(
    "what this process writes is a reason to place",
    Effect.gen(function* () {
      const events = yield* Events
      const written = yield* Effect.forkChild(Effect.forever(events.written))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(written)
      const waiting = yield* Effect.forkChild(events.written)
      yield* aBroadcaster()
      yield* Fiber.join(waiting)
    })
  )
}

const keepingLaws = (law: AddLaw) => {
  law(
    "events are deleted from the oldest on, and none that is younger",
    Effect.gen(function* () {
      const events = yield* Events
      const backDoor = yield* BackDoor
      yield* aBroadcaster()
      yield* placeAll
      yield* backDoor.age(10)
      const young = yield* eventsFrom(aBroadcaster())
      const before = yield* events.head
      assert.strictEqual(yield* events.prune(11, MOST), 0)
      assert.strictEqual(yield* events.prune(9, 1), 1)
      const one = yield* events.head
      assert.strictEqual(one.oldest, before.oldest + 1)
      let gone = 1
      while (gone > 0) gone = yield* events.prune(9, 100)
      const after = yield* events.head
      assert.deepStrictEqual(after, { ...before, oldest: young[0]!.position })
      assert.deepStrictEqual(plain(yield* readAll(after.oldest - 1)), plain(young))
    })
  )

  law(
    "events outlast the history that they are of",
    Effect.gen(function* () {
      const backDoor = yield* BackDoor
      const streams = yield* Streams
      const retention = yield* Retention
      const { newest } = yield* placeAll
      const session = yield* aSession()
      yield* live(session)
      yield* placeAll
      const own = Effect.map(readAll(newest), (events) =>
        ofSubject(events, `stream:${session.id}`).map(({ id, position, type }) => ({ id, position, type }))
      )
      const before = yield* own
      yield* backDoor.age(10)
      yield* retention.prune(9, MOST)
      assert.isTrue(Option.isNone(yield* streams.find(session.id)))
      ;(yield* Passing).admitted.delete(session.id)
      assert.strictEqual(before.length, 5)
      assert.deepStrictEqual(yield* own, before)
    })
  )

  law(
    "a renewed log has another id and goes on with its positions",
    Effect.gen(function* () {
      const events = yield* Events
      const before = yield* placeAll
      const renewed = yield* events.renew
      assert.notStrictEqual(renewed.log, before.log)
      assert.deepStrictEqual({ ...renewed, log: "" }, { ...before, log: "" })
      yield* aBroadcaster()
      const after = yield* placeAll
      assert.strictEqual(after.log, renewed.log)
      assert.strictEqual(after.newest, before.newest + 1)
      assert.match(after.log, /^[0-9a-f]{16}$/)
    })
  )
}

export const eventsLaws = (store: StoreUnderTest) =>
  contract("Events", store, (law) => {
    streamLaws(law)
    resourceLaws(law)
    readingLaws(law)
    keepingLaws(law)
  })
