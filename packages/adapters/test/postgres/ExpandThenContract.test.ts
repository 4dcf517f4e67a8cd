/**
 * Instances of the former release run beside the first of the next one, and are what an operator goes back to. So a migration only adds: whatever the former
 * release reads, writes and calls is there after it, as it was. The former release is known by the statements that it runs (`npm run record-statements`)
 * and by its migrations.
 */
import { readFileSync } from "node:fs"
import type { PgClient } from "@effect/sql-pg/PgClient"
import { assert, it } from "@effect/vitest"
import { Broadcasters, Events, StreamKeys, Streams } from "@greenroom/core"
import { Effect, Layer, Result } from "effect"
import { usePostgres, withClient } from "../../../../verification/worlds/postgres.ts"
import { migrations } from "../../src/postgres/migrationList.ts"
import { namesIn } from "../../src/postgres/names.ts"
import * as Postgres from "../../src/postgres/Postgres.ts"
import type { PostgresAddress } from "../../src/postgres/PostgresAddress.ts"
import * as PostgresMigrations from "../../src/postgres/PostgresMigrations.ts"
import { unhurried } from "../fixtures/postgresWorld.ts"

/** Of the former release: its statements were recorded on this schema. */
const FORMER = 19

const recorded: ReadonlyArray<string> = JSON.parse(
  readFileSync(new URL("../fixtures/releaseStatements.json", import.meta.url), "utf8")
)

const freshDatabase = usePostgres()

/** An installation that the former release made, with a broadcaster, a key and a session. */
const former = Effect.gen(function* () {
  const address = yield* freshDatabase
  const n = namesIn()
  yield* withClient(address, (sql) =>
    sql.withTransaction(
      Effect.gen(function* () {
        const run = (statement: string) => sql.unsafe(statement).unprepared
        yield* run(`create schema ${n.quotedSchema}`)
        yield* run(
          `create table ${n.greenroom_migrations} (migration_id integer primary key, created_at timestamptz not null default now(), name text not null)`
        )
        for (const { id, name, statements } of migrations.filter((one) => one.id <= FORMER)) {
          for (const statement of statements(n)) yield* run(statement)
          yield* run(`insert into ${n.greenroom_migrations} (migration_id, name) values (${id}, '${name}')`)
        }
        yield* run(`insert into ${n.broadcasters} (id, display_name) values ('${OWNER}', 'Studio One')`)
        yield* run(
          `insert into ${n.stream_keys} (id, broadcaster_id, hash, key_prefix, label) values ('${KEY}', '${OWNER}', sha256('key'), 'sk_abcd', 'camera')`
        )
        yield* run(
          `with new as (
            insert into ${n.streams} (id, stream_key_id, broadcaster_id, media_server, path, source_id, protocol, started_at)
            values ('${STREAM}', '${KEY}', '${OWNER}', 'main', 'live/one', 'a source', 'rtmp', clock_timestamp()) returning id, started_at
          ) insert into ${n.stream_events} (stream_id, seq, type, at) select id, 1, 'admitted', started_at from new`
        )
      })
    )
  )
  return address
})

const OWNER = "0b9f3c2e-0000-4000-8000-000000000001"
const KEY = "0b9f3c2e-0000-4000-8000-000000000002"
const STREAM = "0b9f3c2e-0000-4000-8000-000000000003"

interface Column {
  readonly name: string
  readonly type: string
  readonly required: boolean
  readonly filled: boolean
}

const columnsOf = (sql: PgClient) => sql<Column>`
  select c.relname || '.' || a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as required,
    a.atthasdef or a.attidentity <> '' or a.attgenerated <> '' as filled
  from pg_attribute a join pg_class c on c.oid = a.attrelid
  where c.relnamespace = 'greenroom'::regnamespace and c.relkind in ('r', 'v') and a.attnum > 0 and not a.attisdropped order by 1`

const routinesOf = (sql: PgClient) => sql<{ line: string }>`
  select p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ') ' || coalesce(pg_get_function_result(p.oid), '') as line
  from pg_proc p where p.pronamespace = 'greenroom'::regnamespace order by 1`

/** Rules on rows, with the columns that they are about. A looser one under the name of an old one is no new rule. */
const rulesOf = (sql: PgClient) => sql<{ name: string; columns: ReadonlyArray<string> }>`
  select c.relname || ' ' || r.name as name, array(
    select c.relname || '.' || a.attname from pg_attribute a where a.attrelid = r.relation and a.attnum = any(r.keys) order by 1
  ) as columns
  from (
    select conname::text as name, conrelid as relation, conkey::integer[] as keys from pg_constraint
    where connamespace = 'greenroom'::regnamespace and contype in ('c', 'u', 'f', 'x')
    union all select i.relname::text, x.indrelid, string_to_array(x.indkey::text, ' ')::integer[]
    from pg_index x join pg_class i on i.oid = x.indexrelid
    where i.relnamespace = 'greenroom'::regnamespace and x.indisunique and not x.indisprimary
  ) r join pg_class c on c.oid = r.relation order by 1`

const described = (address: PostgresAddress) =>
  withClient(address, (sql) => Effect.all({ columns: columnsOf(sql), routines: routinesOf(sql), rules: rulesOf(sql) }))

it.effect("what the former release reads, writes and calls is there after the migrations, as it was", () =>
  Effect.gen(function* () {
    const address = yield* former
    const before = yield* described(address)
    const done = yield* PostgresMigrations.migrate(address)
    assert.deepStrictEqual(
      done.map((title) => Number.parseInt(title, 10)),
      migrations.filter(({ id }) => id > FORMER).map(({ id }) => id)
    )
    const after = yield* described(address)
    const now = new Map(after.columns.map((column) => [column.name, column]))
    for (const { name, type, required } of before.columns) {
      assert.strictEqual(now.get(name)?.type, type, `${name} keeps its type`)
      assert.isFalse(!required && now.get(name)?.required === true, `${name} is not required now`)
    }
    const old = new Set(before.columns.map(({ name }) => name))
    const oldTables = new Set(before.columns.map(({ name }) => name.split(".")[0]))
    for (const { name, required, filled } of after.columns)
      if (!old.has(name) && oldTables.has(name.split(".")[0]))
        assert.isTrue(!required || filled, `${name}, which the former release does not write, may be left out`)
    const routines = new Set(after.routines.map(({ line }) => line))
    assert.deepStrictEqual(
      before.routines.filter(({ line }) => !routines.has(line)),
      [],
      "functions keep their parameters and results"
    )
    const known = new Set(before.rules.map(({ name }) => name))
    assert.deepStrictEqual(
      after.rules.filter(({ name, columns }) => !known.has(name) && columns.every((column) => old.has(column))),
      [],
      "no new rule is about what the former release writes alone"
    )
  })
)

it.effect("every statement of the former release is one on the new schema", () =>
  Effect.gen(function* () {
    const address = yield* former
    const prepared = (when: string) =>
      withClient(address, (sql) =>
        Effect.forEach(recorded, (statement, index) =>
          Effect.map(Effect.result(sql.unsafe(`prepare ${when}_${index} as ${statement}`).unprepared), (result) =>
            Result.isFailure(result)
              ? [`${(result.failure.reason.cause as Error).message}: ${statement.slice(0, 200)}`]
              : []
          )
        )
      ).pipe(Effect.map((all) => all.flat()))
    assert.isAbove(recorded.length, 100)
    assert.deepStrictEqual(yield* prepared("before"), [])
    yield* PostgresMigrations.migrate(address)
    assert.deepStrictEqual(yield* prepared("after"), [])
    yield* withClient(
      address,
      (sql) => sql.unsafe("alter table greenroom.streams rename column path to place").unprepared
    )
    assert.isAbove((yield* prepared("broken")).length, 5, "the check notices a column that is gone")
  })
)

it.effect("what the former release has stored is what the new one shows", () =>
  Effect.gen(function* () {
    const address = yield* former
    const store = yield* Layer.build(Layer.provide(Postgres.layer(address, { migrate: "auto" }), unhurried))
    yield* Effect.gen(function* () {
      const [broadcasters, keys, streams, events] = [
        yield* Broadcasters,
        yield* StreamKeys,
        yield* Streams,
        yield* Events
      ]
      const page = { limit: 10, after: null }
      assert.deepStrictEqual(
        (yield* broadcasters.list(page)).items.map(({ displayName }) => displayName),
        ["Studio One"]
      )
      assert.deepStrictEqual(
        (yield* keys.list({}, page)).items.map(({ label }) => label),
        ["camera"]
      )
      const live = yield* streams.list({ status: ["connecting"] }, page)
      assert.deepStrictEqual(
        live.items.map(({ id }) => id as string),
        [STREAM]
      )
      yield* events.place(100)
    }).pipe(Effect.provide(store))
  }).pipe(Effect.scoped)
)
