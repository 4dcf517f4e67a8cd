/**
 * What the event log in PostgreSQL has to show beside the laws: transactions that stay open, other processes that write and place, a lost
 * connection for notifications, a restored database, and what its triggers refuse.
 */
import { assert, layer } from "@effect/vitest"
import { Broadcasters, Events, type LoggedEvent, Repositories, Streams } from "@greenroom/core"
import { aBroadcaster, aSession, newId } from "@greenroom/testing/fixtures"
import { Context, Effect, Fiber, Layer, Logger, References, Stream } from "effect"
import { withClient } from "../../../../verification/worlds/postgres.ts"
import * as Postgres from "../../src/postgres/Postgres.ts"
import { Address, aClient, unhurried, usePostgresWorld } from "../fixtures/postgresWorld.ts"

const placeAll = Effect.gen(function* () {
  const events = yield* Events
  while (true) {
    const { placed, ...head } = yield* events.place(100)
    if (placed === 0) return head
  }
})

const since = Effect.fnUntraced(function* (position: number) {
  const events = yield* Events
  return (yield* events.read(position, {}, 500)).events
})

/** Another process over the same database. */
const another = Effect.gen(function* () {
  const address = yield* Address
  const context = yield* Layer.build(Layer.fresh(Layer.provide(Postgres.layer(address), unhurried)))
  return Context.get(context, Repositories)
})

const idsOf = (events: ReadonlyArray<LoggedEvent>) => events.map(({ id }) => id)

layer(usePostgresWorld(), { excludeTestServices: true, timeout: "2 minutes" })("the event log", (it) => {
  it.effect("an event whose transaction stays open gets a later position, and holds no other back", () =>
    Effect.gen(function* () {
      const { newest } = yield* placeAll
      const slow = yield* aClient
      const broadcasters = yield* Broadcasters
      const first = yield* aBroadcaster()
      yield* placeAll
      yield* slow`begin`
      yield* slow`update broadcasters set display_name = 'Late', updated_at = clock_timestamp() where id = ${first.id}`
      // An idle transaction of this database, and a reader that has a snapshot of before.
      const idle = yield* aClient
      yield* idle`begin isolation level repeatable read`
      yield* idle`select pg_current_xact_id()::text`
      const others = [yield* aBroadcaster(), yield* aBroadcaster()]
      yield* placeAll
      const seen = yield* since(newest)
      assert.deepStrictEqual(
        seen.map(({ broadcasterId }) => broadcasterId),
        [first.id, ...others.map(({ id }) => id)]
      )
      yield* slow`commit`
      yield* placeAll
      const all = yield* since(newest)
      assert.deepStrictEqual(idsOf(all).slice(0, seen.length), idsOf(seen))
      assert.deepStrictEqual(
        all.slice(seen.length).map(({ type, broadcasterId }) => ({ type, broadcasterId })),
        [{ type: "broadcaster.changed", broadcasterId: first.id }]
      )
      assert.isTrue((yield* broadcasters.find(first.id))._tag === "Some")
      yield* idle`commit`
    }).pipe(Effect.scoped)
  )

  it.effect("an event of a key that a former release wrote is read, with what that release did not know as null", () =>
    Effect.gen(function* () {
      const { newest } = yield* placeAll
      const sql = yield* aClient
      const { id, displayName } = yield* aBroadcaster()
      const key = newId()
      yield* sql`insert into event_log (type, at, subject, broadcaster_id, data) values ('key.changed', now(), ${`key:${key}`}, ${id}, ${JSON.stringify(
        {
          ...{ id: key, broadcaster_id: id, key_prefix: "sk_abcd", label: null, path: null, enabled: true },
          ...{ created_at: "2026-01-01T00:00:00Z", expires_at: null, revoked_at: null, last_used_at: null },
          active_stream_id: null
        }
      )}::jsonb)`
      yield* placeAll
      const event = (yield* since(newest)).at(-1)
      if (event?.type !== "key.changed") return assert.fail(event?.type)
      assert.deepStrictEqual(event.data.broadcaster, { displayName, deleted: false })
      assert.deepStrictEqual(
        [event.data.revokesAt, event.data.rotatedTo, event.data.block, event.data.playback],
        [null, null, null, null]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("a key that had expired before the log began has no event; one that expires later has one", () =>
    Effect.gen(function* () {
      const { newest } = yield* placeAll
      const sql = yield* aClient
      const { id } = yield* aBroadcaster()
      const [before, later] = [newId(), newId()]
      yield* sql`insert into stream_keys (id, broadcaster_id, hash, key_prefix, created_at, expires_at)
        select k.id, ${id}::uuid, sha256(convert_to(k.id::text, 'UTF8')), 'sk_test', h.expiries_after - interval '1 day', h.expiries_after + k.after
        from event_head h, (values (${before}::uuid, interval '-1 second'), (${later}::uuid, interval '1 millisecond')) k(id, after)`
      yield* placeAll
      const expired = (yield* since(newest)).filter(({ type }) => type === "key.expired")
      assert.deepStrictEqual(
        expired.map(({ subject }) => subject),
        [`key:${later}`]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("a transaction that is rolled back leaves no gap", () =>
    Effect.gen(function* () {
      const { newest } = yield* placeAll
      const sql = yield* aClient
      yield* sql`begin`
      yield* sql`insert into broadcasters (id, display_name) values (${newId()}, 'Never')`
      yield* aBroadcaster()
      yield* sql`rollback`
      yield* aBroadcaster()
      yield* placeAll
      assert.deepStrictEqual(
        (yield* since(newest)).map(({ position }) => position),
        [newest + 1, newest + 2]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("the positions that another process gives are announced, also after the connection was lost", () =>
    Effect.gen(function* () {
      const other = yield* another
      const events = yield* Events
      const sql = yield* aClient
      const heard: Array<number> = []
      const errors: Array<string> = []
      const logger = Logger.make(({ fiber }) => {
        const { error } = fiber.getRef(References.CurrentLogAnnotations)
        if (typeof error === "string") errors.push(error)
      })
      const listening = yield* Effect.forkChild(
        Stream.runForEach(events.newest, (position) => Effect.sync(() => heard.push(position))).pipe(
          Effect.provide(Logger.layer([logger]))
        )
      )
      const hears = Effect.gen(function* () {
        yield* aBroadcaster()
        const { newest } = yield* other.events.place(100)
        yield* Effect.repeat(Effect.sleep(20), { until: () => heard.includes(newest) })
      })
      // The first announcement: listening has begun.
      yield* Effect.repeat(Effect.sleep(20), { until: () => heard.length > 0 })
      yield* hears
      heard.length = 0
      yield* sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'greenroom-events'`
      yield* Effect.repeat(Effect.sleep(20), { until: () => heard.length > 0 })
      yield* hears
      assert.match(errors.join(), /terminating connection due to administrator command/)
      yield* Fiber.interrupt(listening)
    }).pipe(Effect.scoped)
  )

  it.effect("processes that write and place at once leave every event once, in the order of its stream", () =>
    Effect.gen(function* () {
      const { newest } = yield* placeAll
      const stores = [yield* another, yield* another, yield* another]
      let isOver = false
      const placers = yield* Effect.forkChild(
        Effect.forEach(
          stores,
          ({ events }) =>
            Effect.repeat(
              Effect.suspend(() => events.place(3)),
              { until: () => isOver }
            ),
          { concurrency: "unbounded" }
        )
      )
      const sessions = yield* Effect.forEach(
        Array.from({ length: 30 }, (_, index) => stores[index % stores.length]!),
        (store) =>
          Effect.gen(function* () {
            const session = yield* aSession()
            yield* store.sessions.markReady([{ streamId: session.id, sourceType: "rtmpConn" }], null)
            yield* store.sessions.end([session.id], "left", null)
            return session
          }).pipe(Effect.provideService(Repositories, store)),
        { concurrency: 10 }
      )
      isOver = true
      yield* Fiber.join(placers)
      yield* placeAll
      const all = yield* since(newest)
      assert.deepStrictEqual(
        all.map(({ position }) => position),
        all.map((_, index) => newest + 1 + index)
      )
      for (const { id } of sessions) {
        const own = all.filter(({ subject }) => subject === `stream:${id}`)
        assert.deepStrictEqual(
          own.map(({ streamSeq }) => streamSeq),
          [1, 2, 3]
        )
      }
    }).pipe(Effect.scoped)
  )

  it.effect("a log that was restored elsewhere gets another id before it gives a position", () =>
    Effect.gen(function* () {
      const before = yield* placeAll
      const sql = yield* aClient
      // As in a database that was restored from a dump: its table is another one.
      yield* sql`update event_head set origin = 'elsewhere'`
      assert.strictEqual((yield* placeAll).log, before.log)
      yield* aBroadcaster()
      const after = yield* placeAll
      assert.notStrictEqual(after.log, before.log)
      yield* aBroadcaster()
      assert.strictEqual((yield* placeAll).log, after.log)
    }).pipe(Effect.scoped)
  )

  it.effect("its origin is another one in a copy of the database, and for the schema of another installation", () =>
    Effect.gen(function* () {
      const sql = yield* aClient
      const [own] = yield* sql<{ readonly origin: string }>`select log_origin() as origin`
      assert.match(own!.origin, /^\d+\/[0-9A-F]{8}\/\d+\/\d+$/)
      const [stored] = yield* sql<{ readonly origin: string }>`select origin from event_head`
      yield* aBroadcaster()
      yield* placeAll
      const [again] = yield* sql<{ readonly origin: string }>`select origin from event_head`
      assert.strictEqual(again!.origin, own!.origin)
      assert.isNotEmpty(stored!.origin)
    }).pipe(Effect.scoped)
  )

  it.effect("events are neither changed nor deleted, and a transition moves only from no position to one", () =>
    Effect.gen(function* () {
      const session = yield* aSession()
      yield* placeAll
      const sql = yield* aClient
      const refused = (statement: string) =>
        Effect.map(Effect.flip(sql.unsafe(statement).unprepared), (error) =>
          assert.include(String(error.reason.cause), "is not allowed", statement)
        )
      yield* refused("update event_log set at = at + interval '1 second'")
      yield* refused("update event_log set position = position + 1000000")
      yield* refused("update event_log set data = '{}'")
      yield* refused("delete from event_log")
      yield* refused("truncate event_log")
      yield* refused(`update stream_events set position = null where stream_id = '${session.id}'`)
      yield* refused(`update stream_events set position = 1000000, type = 'ended' where stream_id = '${session.id}'`)
      yield* refused(`update stream_events set at = at + interval '1 second' where stream_id = '${session.id}'`)
    }).pipe(Effect.scoped)
  )

  it.effect("an event of a stream that was pruned is kept as long as events are", () =>
    Effect.gen(function* () {
      const { newest } = yield* placeAll
      const session = yield* aSession()
      yield* placeAll
      const [event] = (yield* since(newest)).filter(({ subject }) => subject === `stream:${session.id}`)
      const address = yield* Address
      yield* withClient(address, (sql) =>
        Effect.gen(function* () {
          yield* sql`set session_replication_role = replica`
          yield* sql`delete from stream_events where stream_id = ${session.id}`
          yield* sql`delete from streams where id = ${session.id}`
        })
      )
      assert.isTrue((yield* Effect.flatMap(Streams, (streams) => streams.find(session.id)))._tag === "None")
      const kept = (yield* since(newest)).find(({ subject }) => subject === `stream:${session.id}`)
      assert.deepStrictEqual(JSON.stringify(kept), JSON.stringify(event))
    }).pipe(Effect.scoped)
  )
})
