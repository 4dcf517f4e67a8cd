/** The schema: how it comes to be when several instances start at once, and what it refuses, whoever writes. */
import { randomBytes, randomUUID } from "node:crypto"
import type { PgClient } from "@effect/sql-pg/PgClient"
import { assert, it } from "@effect/vitest"
import {
  ingestPath,
  occupiesKeyAndPath,
  parseLimit,
  type SessionState,
  StopReason,
  whyInvalid,
  within
} from "@greenroom/core"
import { Arbitrary, DateTime, Effect, Schema } from "effect"
import { clientOf, usePostgres, withClient } from "../../../../verification/worlds/postgres.ts"
import { migrations, titleOf } from "../../src/postgres/migrationList.ts"
import { namesIn } from "../../src/postgres/names.ts"
import * as PostgresMigrations from "../../src/postgres/PostgresMigrations.ts"
import type { Row } from "../../src/postgres/rows.ts"

const freshDatabase = usePostgres()

const migrated = Effect.tap(freshDatabase, PostgresMigrations.migrate)

const client = Effect.flatMap(migrated, clientOf)

it.live("of instances that start at once, one makes the schema and the others find it made", () =>
  Effect.gen(function* () {
    const all = migrations.map(titleOf)
    for (let round = 0; round < 3; round++) {
      const address = yield* freshDatabase
      const runs = yield* Effect.all(
        Array.from({ length: 5 }, () => PostgresMigrations.migrate(address)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        runs.map((run) => run.length).toSorted((a, b) => a - b),
        [0, 0, 0, 0, all.length]
      )
      assert.deepStrictEqual(yield* PostgresMigrations.migrate(address), [])
      const tables = yield* withClient(
        address,
        (sql) => sql`select table_name from information_schema.tables where table_schema = 'greenroom' order by 1`
      )
      assert.deepStrictEqual(
        tables.map(({ table_name }) => table_name),
        [
          "api_tokens",
          "audit_log",
          "auth_decisions",
          "broadcasters",
          "event_head",
          "event_log",
          "greenroom_migrations",
          "leases",
          "playback_tokens",
          "pruned_key_uses",
          "pruned_usage",
          "signing_keys",
          "stream_events",
          "stream_keys",
          "streams",
          "usage_by_day",
          "viewer_revocations",
          "viewers",
          "webhook_deliveries",
          "webhook_endpoints",
          "webhook_held_subjects",
          "workers"
        ]
      )
    }
  })
)

/** All migrations up to this one. */
const migrateBefore = Effect.fnUntraced(function* (id: number, sql: PgClient) {
  const { greenroom_migrations, quotedSchema } = namesIn()
  yield* sql.unsafe(`create schema ${quotedSchema}`)
  yield* sql.unsafe(`create table ${greenroom_migrations} (migration_id integer primary key, name text not null)`)
  for (const migration of migrations.filter((each) => each.id < id)) {
    for (const statement of migration.statements(namesIn())) yield* sql.unsafe(statement).unprepared
    yield* sql`insert into ${greenroom_migrations} values (${migration.id}, ${migration.name})`
  }
})

it.live("streams that were there before they said whose they are say it then", () =>
  Effect.gen(function* () {
    const address = yield* freshDatabase
    const sql = yield* clientOf(address)
    yield* migrateBefore(5, sql)
    const run = (statement: string) => sql.unsafe<Row>(statement).unprepared
    yield* run(
      "insert into broadcasters (id, display_name) select gen_random_uuid(), 'Studio' from generate_series(1, 3)"
    )
    yield* run(`
      insert into stream_keys (id, broadcaster_id, hash, key_prefix)
      select gen_random_uuid(), id, sha256(id::text::bytea), 'sk_abcd' from broadcasters`)
    yield* run(`
      with new as (
        insert into streams (id, stream_key_id, path, source_id)
        select gen_random_uuid(), id, 'live/' || id, id from stream_keys returning *
      )
      insert into stream_events (stream_id, seq, type, at) select id, 1, 'admitted', started_at from new`)
    assert.isNotEmpty(yield* PostgresMigrations.migrate(address))
    const streams = yield* run(`
      select s.broadcaster_id, k.broadcaster_id as of_key from streams s join stream_keys k on k.id = s.stream_key_id`)
    assert.strictEqual(new Set(streams.map(({ broadcaster_id }) => broadcaster_id)).size, 3)
    for (const stream of streams) assert.strictEqual(stream.broadcaster_id, stream.of_key)
  })
)

/** A key as it was written before ingest paths were owned: the beginning of its id, its broadcaster, its limit. */
const oldKeys: ReadonlyArray<readonly [begins: string, broadcaster: number, limit: string | null, owns: boolean]> = [
  ["11111111", 1, null, true],
  ["22222222", 1, "live/**", true],
  ["33333333", 1, "live/studio", true],
  ["44444444", 2, "live/studio-2", true],
  // Another broadcaster is limited to its default path, and stays on the air.
  ["55555555", 1, null, false],
  ["66666666", 2, "live/55555555", true],
  // Two that have one default path keep it as it was.
  ["77777777", 1, null, false],
  ["77777777", 2, "live/*", false],
  // Those of one broadcaster are no rivals.
  ["88888888", 1, null, true],
  ["99999999", 1, "live/88888888", true]
]

it.live("keys that were there before ingest paths were owned own theirs, and nobody loses a path", () =>
  Effect.gen(function* () {
    const address = yield* freshDatabase
    const sql = yield* clientOf(address)
    yield* migrateBefore(10, sql)
    const run = (statement: string) => sql.unsafe<Row>(statement).unprepared
    yield* run(
      `insert into broadcasters (id, display_name) select ('00000000-0000-4000-8000-00000000000' || n)::uuid, 'S' from generate_series(1, 2) n`
    )
    for (const [index, [begins, broadcaster, limit]] of oldKeys.entries())
      yield* run(`
        insert into stream_keys (id, broadcaster_id, hash, key_prefix, path) values (
          '${begins}-0000-4000-8000-00000000000${index}', '00000000-0000-4000-8000-00000000000${broadcaster}',
          sha256('${index}'), 'sk_abcd', ${limit === null ? "null" : `'${limit}'`})`)
    assert.isNotEmpty(yield* PostgresMigrations.migrate(address))
    const keys = yield* run("select owns_ingest_path from stream_keys order by right(id::text, 1)")
    assert.deepStrictEqual(
      keys.map(({ owns_ingest_path }) => owns_ingest_path),
      oldKeys.map(([, , , owns]) => owns)
    )
  })
)

/** A stream of a new key, as an admission writes it. */
const aStream = Effect.fnUntraced(function* (sql: PgClient) {
  const [broadcaster, key, id] = [randomUUID(), randomUUID(), randomUUID()]
  yield* sql`insert into broadcasters (id, display_name) values (${broadcaster}, 'Studio')`
  yield* sql`
    insert into stream_keys (id, broadcaster_id, hash, key_prefix)
    values (${key}, ${broadcaster}, ${new Uint8Array(randomBytes(32))}, 'sk_abcd')`
  yield* sql`
    with new as (
      insert into streams (id, stream_key_id, broadcaster_id, path, source_id)
      values (${id}, ${key}, ${broadcaster}, ${`live/${id}`}, ${id}) returning *
    )
    insert into stream_events (stream_id, seq, type, at) select id, 1, 'admitted', started_at from new`
  return { id, key }
})

/** A stream's row alone. */
const begun = (key: string, values: string, columns = "") => `
  insert into streams (id, stream_key_id, broadcaster_id, path, source_id${columns})
  select '${randomUUID()}', id, broadcaster_id, ${values} from stream_keys where id = '${key}'`

const moved = (id: string, set: string, type: string, at: string, data = "'{}'") => `
  with moved as (update streams set ${set}, last_seq = last_seq + 1 where id = '${id}' returning *)
  insert into stream_events (stream_id, seq, type, at, data) select id, last_seq, '${type}', ${at}, ${data} from moved`

const now = "clock_timestamp()"
const ready = (id: string) =>
  moved(id, `ready_at = ${now}, source_type = 'rtmpConn'`, "ready", "ready_at", `'{"source_type":"rtmpConn"}'`)
const stopped = (id: string, reason = "stopped") =>
  moved(
    id,
    `stop_reason = '${reason}', stop_requested_at = ${now}`,
    "stop_requested",
    "stop_requested_at",
    `'{"reason":"${reason}"}'`
  )
const ended = (id: string, reason: string) =>
  moved(id, `ended_at = ${now}, end_reason = '${reason}'`, "ended", "ended_at", `'{"reason":"${reason}"}'`)

/** What is done first to a stream, and what the database then refuses to do. */
const refusals: ReadonlyArray<{
  readonly what: string
  readonly first?: (id: string) => ReadonlyArray<string>
  readonly refused: (id: string, key: string) => string
}> = [
  { what: "rewriting an event", refused: (id) => `update stream_events set data = '{}' where stream_id = '${id}'` },
  { what: "deleting an event", refused: (id) => `delete from stream_events where stream_id = '${id}'` },
  { what: "emptying the history", refused: () => "truncate stream_events" },
  { what: "deleting a stream", refused: (id) => `delete from streams where id = '${id}'` },
  { what: "emptying the streams", refused: () => "truncate streams cascade" },
  {
    what: "a change without an event",
    refused: (id) => `update streams set ended_at = ${now}, end_reason = 'never_ready' where id = '${id}'`
  },
  {
    what: "a numbered change without an event",
    refused: (id) => `update streams set ended_at = ${now}, end_reason = 'never_ready', last_seq = 2 where id = '${id}'`
  },
  { what: "a number without a change", refused: (id) => `update streams set last_seq = 2 where id = '${id}'` },
  {
    what: "an event without a change",
    refused: (id) => `insert into stream_events values ('${id}', 2, 'kicked', ${now}, '{}')`
  },
  {
    what: "an event of nobody",
    refused: () => `insert into stream_events values ('${randomUUID()}', 1, 'admitted', ${now}, '{}')`
  },
  { what: "an event that says something else", refused: (id) => ready(id).replace(`"rtmpConn"}'`, `"srtConn"}'`) },
  {
    what: "an event at another time",
    refused: (id) => ready(id).replace("'ready', ready_at", "'ready', ready_at - interval '1 ms'")
  },
  { what: "a gap", refused: (id) => ready(id).replace("last_seq + 1", "last_seq + 2") },
  {
    what: "an end without a reason",
    refused: (id) => `update streams set ended_at = ${now}, last_seq = 2 where id = '${id}'`
  },
  { what: "an end for a reason that is none", refused: (id) => ended(id, "boredom") },
  { what: "disconnecting what was never ready", refused: (id) => ended(id, "disconnected") },
  { what: "never having been ready", first: (id) => [ready(id)], refused: (id) => ended(id, "never_ready") },
  { what: "another end than the stop's", first: (id) => [stopped(id)], refused: (id) => ended(id, "never_ready") },
  { what: "a kick without a stop", refused: (id) => moved(id, `kicked_at = ${now}`, "kicked", "kicked_at") },
  { what: "a second stop", first: (id) => [stopped(id)], refused: (id) => stopped(id, "revoked") },
  { what: "being ready twice", first: (id) => [ready(id)], refused: (id) => ready(id).replace("rtmpConn", "srtConn") },
  {
    what: "living again",
    first: (id) => [ended(id, "never_ready")],
    refused: (id) => moved(id, "ended_at = null, end_reason = null", "ready", now)
  },
  { what: "a stop after the end", first: (id) => [ended(id, "never_ready")], refused: (id) => stopped(id) },
  { what: "another path", refused: (id) => `update streams set path = 'elsewhere' where id = '${id}'` },
  { what: "another source", refused: (id) => `update streams set source_id = 'x' where id = '${id}'` },
  {
    what: "another broadcaster than its key's",
    refused: (id) => `
      with other as (insert into broadcasters (id, display_name) values ('${randomUUID()}', 'Other') returning id)
      update streams set broadcaster_id = other.id from other where streams.id = '${id}'`
  },
  {
    what: "a key that goes to another broadcaster",
    refused: (_, key) => `
      with other as (insert into broadcasters (id, display_name) values ('${randomUUID()}', 'Other') returning id)
      update stream_keys set broadcaster_id = other.id from other where stream_keys.id = '${key}'`
  },
  {
    what: "a second session of the key",
    refused: (_, key) => begun(key, `'other', 'other'`)
  },
  {
    what: "a source that comes again",
    first: (id) => [ended(id, "never_ready")],
    refused: (id, key) => begun(key, `'other', '${id}'`)
  },
  {
    what: "a stream without its first event",
    first: (id) => [ended(id, "never_ready")],
    refused: (_, key) => begun(key, `'p', 's'`)
  },
  {
    what: "a stream that begins in the middle",
    first: (id) => [ended(id, "never_ready")],
    refused: (_, key) => `
      with new as (
        ${begun(key, `'p', 's', ${now}, 'rtmpConn'`, ", ready_at, source_type")} returning *
      )
      insert into stream_events (stream_id, seq, type, at) select id, 1, 'admitted', started_at from new`
  },
  {
    what: "a stream key in a path",
    first: (id) => [ended(id, "never_ready")],
    refused: (_, key) => `
      with new as (
        ${begun(key, `'live/sk_${"a".repeat(43)}', 's'`)} returning *
      )
      insert into stream_events (stream_id, seq, type, at) select id, 1, 'admitted', started_at from new`
  },
  {
    what: "a key's value for its prefix",
    refused: (_, key) => `update stream_keys set key_prefix = 'sk_${"a".repeat(43)}' where id = '${key}'`
  },
  {
    what: "a key's value for its hash",
    refused: (_, key) => `update stream_keys set hash = 'sk_${"a".repeat(43)}' where id = '${key}'`
  },
  { what: "deleting a key that was used", refused: (_, key) => `delete from stream_keys where id = '${key}'` }
]

it.live("the database refuses what must never be, and takes what may be", () =>
  Effect.gen(function* () {
    const sql = yield* client
    const run = (statement: string) => sql.unsafe<Row>(statement).unprepared
    for (const { what, first, refused } of refusals) {
      const { id, key } = yield* aStream(sql)
      for (const statement of first?.(id) ?? []) yield* run(statement)
      const outcome = yield* Effect.result(run(refused(id, key)))
      if (outcome._tag === "Success") return assert.fail(`allowed: ${what}`)
      const { code } = outcome.failure.reason.cause as { readonly code?: string }
      assert.match(String(code), /^23/, `${what}: ${outcome.failure.reason.cause}`)
    }
    const { id } = yield* aStream(sql)
    for (const statement of [ready(id), stopped(id), ended(id, "stopped")]) yield* run(statement)
    yield* run(`update streams set title = 'After the end', viewer_count = 0 where id = '${id}'`)
    const events = yield* run(`select seq, type from stream_events where stream_id = '${id}' order by seq`)
    assert.deepStrictEqual(
      events.map(({ seq, type }) => `${seq} ${type}`),
      ["1 admitted", "2 ready", "3 stop_requested", "4 ended"]
    )
  })
)

const Piece = Schema.Literals(["a", "b", "live", "/", "/", "*", "**", "/*", "/**", ".", "%", "_", "\\", "é", "🎬"])
const Base = Arbitrary.map(Arbitrary.array(Arbitrary.schema(Piece), { maxLength: 5 }), (pieces) => pieces.join(""))
const limitEnds = ["", "/", "/*", "/**", "*", "**", "/*/*", "/**/*", "/a", "/a/*", "/a/**"]
const pathEnds = ["", "/", "//", "/*", "/**", "a", "ab", "/a", "/a/", "/a/b", "/ab", "/é", "/a/b/c", "%"]
/** Every limit and every path that begin alike, and end in all the ways that make the difference. */
const pairsOf = (base: string) =>
  limitEnds.flatMap((limitEnd) => pathEnds.map((pathEnd) => ({ limit: base + limitEnd, path: base + pathEnd })))

it.live("ingest_path says what the domain's ingestPath says", () =>
  Effect.gen(function* () {
    const sql = yield* client
    const checked = yield* Arbitrary.checkEffect(
      Base,
      Effect.fnUntraced(function* (base) {
        const limits = limitEnds.map((end) => base + end)
        const ids = limits.map(() => randomUUID())
        const answers = yield* sql`
          select ingest_path(path_limit, id) as answer
          from unnest(${limits}::text[], ${ids}::uuid[]) with ordinality as key (path_limit, id, number)
          order by number`
        for (const [index, limit] of limits.entries())
          assert.strictEqual(answers[index]?.answer, ingestPath(parseLimit(limit), ids[index]!), limit)
        return true
      }),
      { runs: 200 }
    )
    assert.isUndefined(Arbitrary.formatCheckFailure(checked))
    const id = randomUUID()
    const [unlimited] = yield* sql`select ingest_path(null, ${id}::uuid) as answer`
    assert.strictEqual(unlimited?.answer, ingestPath(null, id))
  })
)

it.live("path_within says what the domain's within says", () =>
  Effect.gen(function* () {
    const sql = yield* client
    let inside = 0
    const checked = yield* Arbitrary.checkEffect(
      Base,
      Effect.fnUntraced(function* (base) {
        const pairs = pairsOf(base)
        const answers = yield* sql`
          select path_within(path_limit, path) as answer
          from unnest(${pairs.map(({ limit }) => limit)}::text[], ${pairs.map(({ path }) => path)}::text[])
            with ordinality as pair (path_limit, path, number)
          order by number`
        for (const [index, { limit, path }] of pairs.entries()) {
          const expected = within(parseLimit(limit), path)
          if (expected) inside++
          assert.strictEqual(answers[index]?.answer, expected, JSON.stringify({ limit, path }))
        }
        return true
      }),
      { runs: 200 }
    )
    assert.isUndefined(Arbitrary.formatCheckFailure(checked))
    assert.isAbove(inside, 2_000)
    const [unlimited] = yield* sql`select path_within(null, 'anything') as answer`
    assert.strictEqual(unlimited?.answer, true)
  })
)

it.live(
  "why_key_invalid says what the domain's whyInvalid says, and why_invalid does of keys that are not rotated",
  () =>
    Effect.gen(function* () {
      const sql = yield* client
      const at = "2026-01-01T00:00:00.000Z"
      const times = [null, "2025-12-31T23:59:59.999Z", at, "2026-01-01T00:00:00.001Z"]
      const keys = [null, at].flatMap((revokedAt) =>
        times.flatMap((revokesAt) =>
          times.flatMap((expiresAt) => [true, false].map((enabled) => ({ revokedAt, revokesAt, expiresAt, enabled })))
        )
      )
      const time = (text: string | null) => (text === null ? null : DateTime.makeUnsafe(text))
      const seen = new Set<string | null>()
      for (const { revokedAt, revokesAt, expiresAt, enabled } of keys) {
        const [row] = yield* sql`
        select why_key_invalid(
            ${revokedAt}::timestamptz, ${revokesAt}::timestamptz, ${expiresAt}::timestamptz, ${enabled}::boolean, ${at}::timestamptz
          ) as answer,
          why_invalid(${revokedAt}::timestamptz, ${expiresAt}::timestamptz, ${enabled}::boolean, ${at}::timestamptz) as former`
        const expected = whyInvalid(
          { revokedAt: time(revokedAt), revokesAt: time(revokesAt), expiresAt: time(expiresAt), enabled },
          DateTime.makeUnsafe(at)
        )
        seen.add(expected)
        assert.strictEqual(row?.answer, expected, JSON.stringify({ revokedAt, revokesAt, expiresAt, enabled }))
        if (revokesAt === null) assert.strictEqual(row?.former, expected)
      }
      assert.strictEqual(seen.size, 4)
    })
)

it.live("occupies_key_and_path says what the domain's occupiesKeyAndPath says", () =>
  Effect.gen(function* () {
    const sql = yield* client
    const at = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
    for (const reason of [null, ...StopReason.literals]) {
      const ending = reason === null ? null : { reason, requestedAt: at, kickedAt: null }
      const open: SessionState = { _tag: "Connecting", startedAt: at, ending }
      const over: SessionState = {
        ...open,
        _tag: "Inactive",
        readyAt: null,
        sourceType: null,
        endedAt: at,
        reason: reason ?? "never_ready"
      }
      for (const state of [open, over]) {
        const endedAt = state._tag === "Inactive" ? DateTime.toDateUtc(state.endedAt) : null
        const [row] = yield* sql`select occupies_key_and_path(${endedAt}::timestamptz, ${reason}::text) as answer`
        assert.strictEqual(row?.answer, occupiesKeyAndPath(state), `${state._tag} ${reason}`)
      }
    }
  })
)
