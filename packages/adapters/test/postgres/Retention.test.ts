/** Pruning in PostgreSQL: what the triggers refuse even then, what it reads, and that it waits for nobody. */
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { clientOf, usePostgres } from "../../../../verification/worlds/postgres.ts"
import * as Database from "../../src/postgres/Database.ts"
import * as PostgresMigrations from "../../src/postgres/PostgresMigrations.ts"
import * as PostgresRetention from "../../src/postgres/PostgresRetention.ts"
import type { Row } from "../../src/postgres/rows.ts"
import { insertStreams } from "../fixtures/oldStreams.ts"

const freshDatabase = usePostgres()

const OLD = 3_000
const RECENT = 3_000

const scene = Effect.gen(function* () {
  const address = yield* Effect.tap(freshDatabase, PostgresMigrations.migrate)
  const sql = yield* clientOf(address)
  yield* insertStreams(sql, OLD, RECENT)
  const retention = yield* Effect.provideContext(PostgresRetention.make, yield* Layer.build(Database.layer(address)))
  const [first] = yield* sql`select id from streams order by started_at, id limit 1`
  const [newest] = yield* sql`select id from streams order by started_at desc, id desc limit 1`
  const run = (statement: string) => sql.unsafe<Row>(statement).unprepared
  return { address, sql, run, retention, first: String(first!.id), newest: String(newest!.id) }
})

it.live("also while it is pruned, history is kept that ended today, and events whose stream is there", () =>
  Effect.gen(function* () {
    const { sql, run, first, newest } = yield* scene
    const refused = Effect.fnUntraced(function* (statement: string) {
      const outcome = yield* Effect.result(
        sql.withTransaction(Effect.andThen(run("set local greenroom.pruning = 'on'"), run(statement)))
      )
      if (outcome._tag === "Success") return assert.fail(`allowed: ${statement}`)
      assert.match(String((outcome.failure.reason.cause as { readonly code?: string }).code), /^23/)
    })
    yield* run(`
      with new as (
        insert into streams (id, stream_key_id, broadcaster_id, path, source_id)
        select gen_random_uuid(), id, broadcaster_id, 'live/now', 'now' from stream_keys limit 1 returning *
      )
      insert into stream_events (stream_id, seq, type, at) select id, 1, 'admitted', started_at from new`)
    yield* refused("delete from streams where ended_at is null")
    yield* refused(`delete from streams where id = '${newest}'`)
    yield* refused(`delete from stream_events where stream_id = '${first}'`)
    yield* refused(`update stream_events set data = '{}' where stream_id = '${first}'`)
    yield* refused("truncate stream_events")
    yield* refused("truncate streams")
    // Without the setting not even the oldest.
    const outcome = yield* Effect.result(run(`delete from streams where id = '${first}'`))
    assert.strictEqual(outcome._tag, "Failure")
    yield* run("select * from prune_history(400, 10)")
    assert.strictEqual((yield* Effect.result(run(`delete from streams where id = '${first}'`)))._tag, "Success")
    const [rest] = yield* run("select count(*)::integer as rest from streams")
    assert.strictEqual(rest?.rest, OLD - 10 + RECENT + 1)
  })
)

it.live("one prunes at a time; what somebody writes on is left for later, without waiting for it", () =>
  Effect.gen(function* () {
    const { address, sql, run, retention, first } = yield* scene
    yield* sql.withTransaction(
      Effect.gen(function* () {
        yield* run("select * from prune_history(400, 1)")
        assert.deepStrictEqual(yield* retention.prune(400, 10), { _tag: "Busy" })
      })
    )
    const other = yield* clientOf(address)
    const [next] = yield* other`select id from streams order by started_at, id limit 1`
    assert.notStrictEqual(next!.id, first)
    yield* other.withTransaction(
      Effect.gen(function* () {
        yield* other`update streams set title = 'now' where id = ${String(next!.id)}`
        assert.deepStrictEqual(yield* retention.prune(400, 10), { _tag: "Pruned", streams: 10, keys: 0 })
      })
    )
    const [left] = yield* other`select title from streams order by started_at, id limit 1`
    assert.strictEqual(left?.title, "now")
  })
)

it.live("a key whose row is locked is left for later, without waiting for it", () =>
  Effect.gen(function* () {
    const { sql, run, retention } = yield* scene
    yield* run("set session_replication_role = replica")
    yield* run("delete from streams")
    // Two revoked keys and two of workers, all of them due.
    yield* run(`
      update stream_keys k set
        label = 'due ' || n, path = 'live/a/out',
        revoked_at = case when n <= 2 then created_at end, admits_until = case when n > 2 then created_at end
      from (select id, row_number() over () as n from stream_keys limit 4) due where k.id = due.id`)
    yield* run("set session_replication_role = origin")
    const due = Effect.map(run("select label from stream_keys where label is not null order by 1"), (rows) =>
      rows.map(({ label }) => label)
    )
    yield* sql.withTransaction(
      Effect.gen(function* () {
        // As revoking once more and deleting a broadcaster do.
        yield* run("select from stream_keys where label in ('due 1', 'due 3') for no key update")
        assert.deepStrictEqual(yield* retention.prune(400, 10), { _tag: "Pruned", streams: 0, keys: 2 })
      })
    )
    assert.deepStrictEqual(yield* due, ["due 1", "due 3"])
    assert.deepStrictEqual(yield* retention.prune(400, 10), { _tag: "Pruned", streams: 0, keys: 2 })
    assert.deepStrictEqual(yield* due, [])
  })
)

it.live("a batch finds what it deletes by indexes, also when nothing is old enough", () =>
  Effect.gen(function* () {
    const { sql, run } = yield* scene
    const counters = sql<{ readonly relname: string; readonly scans: number; readonly read: number }>`
      select relname, seq_scan::integer as scans, (seq_tup_read + coalesce(idx_tup_fetch, 0))::integer as read
      from pg_stat_xact_user_tables where relname in ('streams', 'stream_events', 'stream_keys') order by 1`
    /** The counters may hold what this connection did before, too: what counts is their difference. */
    const scansOf = (statement: string) =>
      sql.withTransaction(
        Effect.gen(function* () {
          const before = yield* counters
          yield* run(statement)
          return (yield* counters).map(({ relname, scans, read }, index) => ({
            relname,
            scans: scans - (before[index]?.scans ?? 0),
            read: read - (before[index]?.read ?? 0)
          }))
        })
      )
    for (const [keepDays, most] of [
      [400, 500],
      [499, 500],
      [501, 0]
    ] as const) {
      const [before] = yield* run("select count(*)::integer as streams from streams")
      const counted = yield* scansOf(`select * from prune_history(${keepDays}, 500)`)
      const [after] = yield* run("select count(*)::integer as streams from streams")
      assert.strictEqual(Number(before!.streams) - Number(after!.streams), most)
      for (const { relname, scans, read } of counted) {
        assert.strictEqual(scans, 0, `${relname} was scanned for ${keepDays} days`)
        // Each of its rows some times: to find it, to delete it, to look whether it is there still.
        assert.isAtMost(read, most * 3 * 5 + 5, `${relname} for ${keepDays} days`)
      }
    }
  })
)

it.live("what was used by broadcaster and day is the same before and after", () =>
  Effect.gen(function* () {
    const { sql, retention } = yield* scene
    const used = sql`
      select broadcaster_id, day::text, by_worker, streams::integer, seconds::float8, bytes::float8 from usage_by_day order by 1, 2, 3`
    const before = yield* used
    assert.strictEqual(
      before.reduce((sum, { streams }) => sum + Number(streams), 0),
      OLD + RECENT
    )
    assert.isAtLeast(before.length, 100)
    for (let batch = 0; batch < 4; batch++) {
      yield* retention.prune(400, 1_000)
      assert.deepStrictEqual(yield* used, before)
    }
    const [left] = yield* sql`select (select count(*) from streams)::integer as streams,
      (select count(*) from stream_events)::integer as events`
    assert.deepStrictEqual(left, { streams: RECENT, events: RECENT * 3 })
  })
)
