/**
 * An installation that a former release made comes into a schema of its own: with all of its data, without touching what is the
 * host's, and never by halves. What the former release made is a frozen copy of its statements.
 */
import { randomBytes } from "node:crypto"
import { assert, it } from "@effect/vitest"
import { Broadcasters, Sessions, type StreamId, StreamKeys, Streams } from "@greenroom/core"
import { aKey, aSession } from "@greenroom/testing/fixtures"
import { Effect, Latch, Layer, Option, Result } from "effect"
import * as Migrator from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import { clientOf, usePostgres, withClient } from "../../../../verification/worlds/postgres.ts"
import { migrations, titleOf } from "../../src/postgres/migrationList.ts"
import { namesIn } from "../../src/postgres/names.ts"
import * as Postgres from "../../src/postgres/Postgres.ts"
import type { PostgresAddress } from "../../src/postgres/PostgresAddress.ts"
import * as PostgresMigrations from "../../src/postgres/PostgresMigrations.ts"
import type { Row } from "../../src/postgres/rows.ts"
import { catalogOf } from "../fixtures/catalog.ts"
import { fillFormer, formerAdmission, formerKey, formerStatements, installFormer } from "../fixtures/formerRelease.ts"
import { unhurried } from "../fixtures/postgresWorld.ts"
import { runScript } from "../fixtures/runScript.ts"

const freshDatabase = usePostgres()

const storeOf = (address: PostgresAddress, schema: string) =>
  Layer.build(Layer.provide(Postgres.layer(address, { schema }), unhurried))

/** A plain connection, whose search path is PostgreSQL's own. */
const plainly = (address: PostgresAddress) => clientOf(address, null)

/** Of migrations after the move. */
const LATER_COLUMNS = [
  "log_id",
  "position",
  "expired_event_at",
  "reachable",
  "revokes_at",
  "rotated_to",
  "rotated_from",
  "blocked_path",
  "blocked_until",
  "playback",
  "source_key_id"
]
const sinceSchemas = migrations.filter(({ id }) => id >= 16).map(titleOf)

/** All rows, as far as a former release knew them. */
const allRows = Effect.fnUntraced(function* (
  sql: { readonly unsafe: (text: string) => Effect.Effect<ReadonlyArray<Row>, unknown> },
  schema: string
) {
  const tables = [
    "broadcasters",
    "stream_keys",
    "streams",
    "stream_events",
    "leases",
    "workers",
    "pruned_usage",
    "pruned_key_uses"
  ]
  const found = yield* Effect.forEach(tables, (table) =>
    sql.unsafe(
      `select (to_jsonb(t) - '{${LATER_COLUMNS.join(",")}}'::text[])::text as row from ${schema}.${table} t order by 1`
    )
  )
  return Object.fromEntries(tables.map((table, index) => [table, found[index]!.map(({ row }) => row)]))
})

/** Sessions in every state, and all that is beside them. */
const fill = Effect.gen(function* () {
  const [sessions, keys, broadcasters] = [yield* Sessions, yield* StreamKeys, yield* Broadcasters]
  const made = yield* Effect.forEach(Array.from({ length: 8 }), () => aSession())
  const ids = made.map(({ id }) => id)
  yield* sessions.markReady(
    ids.slice(0, 6).map((streamId) => ({ streamId, sourceType: "rtmpConn" })),
    null
  )
  for (const id of ids.slice(3, 5)) yield* sessions.requestStop(id, "stopped", null)
  yield* sessions.end(ids.slice(4, 7), "left", null)
  yield* keys.revoke(made[7]!.key.id)
  yield* broadcasters.remove(made[6]!.key.key.broadcasterId)
  return made
})

/** The former release's own installation, with data that its tables and triggers have accepted. */
const former = Effect.gen(function* () {
  const address = yield* freshDatabase
  const sql = yield* plainly(address)
  yield* installFormer(sql)
  const made = yield* fillFormer(sql)
  yield* sql`insert into workers (pipeline, state, attempt, holder, created_at, state_since, updated_at)
    values ('one', 'stopped', 0, 'h', now(), now(), now())`
  yield* sql`insert into leases (media_server, holder, until) values ('main', 'h', now())`
  yield* sql`insert into pruned_usage values (gen_random_uuid(), '2026-01-01', false, 1, 2, 3)`
  return { address, sql, made, before: yield* allRows(sql, "public") }
})

it("the migrations that a former release ran are the same, apart from the schema", () => {
  const names = namesIn("greenroom")
  const now = migrations
    .filter(({ id }) => id <= 15)
    .flatMap((migration) => [
      ...migration.statements(names),
      `insert into greenroom_migrations (migration_id, name) values (${migration.id}, '${migration.name}')`
    ])
  const unqualified = now.map((statement) => statement.replaceAll('"greenroom".', "").trim())
  const then = formerStatements()
    .slice(1)
    .map((statement) => statement.replace(/^-- .*\n/, ""))
  assert.deepStrictEqual(unqualified, then)
})

it.live("all data is moved, what is there afterwards is what a new installation has, and it works", () =>
  Effect.gen(function* () {
    const { address, sql, made, before } = yield* former
    const done = yield* PostgresMigrations.migrate(address)
    assert.deepStrictEqual(done, ["move from the schema public to the schema greenroom", ...sinceSchemas])
    assert.deepStrictEqual(yield* allRows(sql, "greenroom"), before)
    assert.isNotEmpty(before.streams)
    assert.deepStrictEqual(yield* PostgresMigrations.migrate(address), [])

    const fresh = yield* freshDatabase
    yield* PostgresMigrations.migrate(fresh)
    const expected = yield* withClient(fresh, (other) => catalogOf(other, "greenroom"))
    assert.deepStrictEqual(yield* catalogOf(sql, "greenroom"), expected)

    // The host may have tables of these names now.
    for (const table of ["streams", "workers", "leases"]) yield* sql.unsafe(`create table ${table} (id integer)`)
    const store = yield* storeOf(address, "greenroom")
    yield* Effect.provide(fill, store)
    const streams = yield* Effect.provide(Streams, store)
    for (const id of made) assert.isTrue(Option.isSome(yield* streams.find(id)))
    assert.deepStrictEqual(yield* sql`select count(*)::integer as rows from streams`, [{ rows: 0 }])
  })
)

it.live("an installation that stays in public gets qualified functions, and is not moved later unasked", () =>
  Effect.gen(function* () {
    const { address, sql, before } = yield* former
    assert.deepStrictEqual(yield* PostgresMigrations.migrate(address, { schema: "public" }), sinceSchemas)
    assert.deepStrictEqual(yield* allRows(sql, "public"), before)
    const fresh = yield* freshDatabase
    yield* PostgresMigrations.migrate(fresh)
    const expected = yield* withClient(fresh, (other) => catalogOf(other, "greenroom"))
    assert.deepStrictEqual(yield* catalogOf(sql, "public"), expected)

    const refused = yield* Effect.flip(PostgresMigrations.migrate(address))
    assert.strictEqual(refused.kind, "elsewhere")
    assert.include(refused.message, "DATABASE_SCHEMA=public")
    // A second installation is wanted when its schema is there.
    yield* sql`create schema greenroom`
    yield* PostgresMigrations.migrate(address)
    assert.deepStrictEqual(yield* allRows(sql, "public"), before)
    assert.deepStrictEqual((yield* allRows(sql, "greenroom")).streams, [])
  })
)

it.live("what is printed changes nothing, and is what is run", () =>
  Effect.gen(function* () {
    const { address, sql, before } = yield* former
    const catalog = yield* catalogOf(sql, "public")
    const { sql: script, titles } = yield* PostgresMigrations.pending(address)
    assert.deepStrictEqual([yield* allRows(sql, "public"), yield* catalogOf(sql, "public")], [before, catalog])
    assert.deepStrictEqual(titles[0], "move from the schema public to the schema greenroom")

    yield* runScript(address, script)
    assert.deepStrictEqual(yield* allRows(sql, "greenroom"), before)
    assert.deepStrictEqual(yield* PostgresMigrations.pending(address), { titles: [], sql: "" })

    const fresh = yield* freshDatabase
    yield* runScript(fresh, PostgresMigrations.sql())
    assert.deepStrictEqual(yield* PostgresMigrations.pending(fresh), { titles: [], sql: "" })
    const expected = yield* withClient(fresh, (other) => catalogOf(other, "greenroom"))
    assert.deepStrictEqual(yield* catalogOf(sql, "greenroom"), expected)
  })
)

it.live("of instances that start at once, one moves and the others find it done", () =>
  Effect.gen(function* () {
    const { address, sql, before } = yield* former
    const start = PostgresMigrations.migrate(address)
    const runs = yield* Effect.all(
      Array.from({ length: 5 }, () => start),
      { concurrency: "unbounded" }
    )
    assert.deepStrictEqual(runs.map((run) => run.length).toSorted(), [0, 0, 0, 0, 1 + sinceSchemas.length])
    assert.deepStrictEqual(yield* allRows(sql, "greenroom"), before)
  })
)

it.live(
  "an instance that runs during the move loses nothing: what it admitted is there, and its other calls fail",
  () =>
    Effect.gen(function* () {
      const { address, sql } = yield* former
      const old = yield* plainly(address)
      const keys = yield* Effect.forEach(Array.from({ length: 60 }), () => formerKey(old))
      const begun = yield* Latch.make()
      const ask = (key: (typeof keys)[number], index: number) =>
        Effect.andThen(index === 20 ? begun.open : Effect.void, Effect.result(formerAdmission(old, key)))
      const calls = Effect.forEach(keys, ask, { concurrency: 4 })
      const move = Effect.andThen(begun.await, PostgresMigrations.migrate(address))
      const [outcomes] = yield* Effect.all([calls, move], { concurrency: "unbounded" })
      const last = yield* Effect.flip(formerAdmission(old, keys[0]!))
      assert.strictEqual(last._tag, "SqlError")
      const admitted = outcomes.flatMap((outcome) => (Result.isSuccess(outcome) ? [outcome.success] : []))
      const rows = yield* sql<{ readonly id: StreamId }>`select id from greenroom.streams`
      const ids = new Set(rows.map(({ id }) => id))
      assert.isAtLeast(admitted.length, 16)
      for (const id of admitted) assert.isTrue(id !== undefined && ids.has(id))
    })
)

/** What the former release does at its start, with its search path. */
const formerStart = (sql: Effect.Success<ReturnType<typeof plainly>>) => {
  const former = migrations.filter(({ id }) => id <= 15).map((migration) => [titleOf(migration), Effect.void] as const)
  return Migrator.make({})({
    loader: Migrator.fromRecord(Object.fromEntries(former)),
    table: "greenroom_migrations"
  }).pipe(Effect.provideService(SqlClient, sql))
}

it.live("a former release that starts after the move ends with a sentence, and makes no new tables", () =>
  Effect.gen(function* () {
    const { address, sql } = yield* former
    yield* PostgresMigrations.migrate(address)
    const failure = yield* Effect.flip(formerStart(sql))
    assert.include(
      String((failure.cause as { cause?: unknown }).cause ?? failure.cause),
      "does not exist in the schema public any more"
    )
    // A role called like the schema has it in its search path, and goes on.
    assert.deepStrictEqual(yield* formerStart(yield* clientOf(address, "greenroom")), [])
    const back = yield* Effect.flip(PostgresMigrations.migrate(address, { schema: "public" }))
    assert.strictEqual(back.kind, "elsewhere")
    assert.include(back.message, "moved away")
  })
)

for (const last of [2, 6, 11, 14]) {
  it.live(
    `an installation of an older release, at migration ${last}, is moved and then brought up to date beside tables of a host`,
    () =>
      Effect.gen(function* () {
        const address = yield* freshDatabase
        const sql = yield* plainly(address)
        yield* installFormer(sql, { last })
        // A table that the older release did not have yet.
        if (last < 7) yield* sql`create table workers (of_the_host integer)`
        const done = yield* PostgresMigrations.migrate(address)
        assert.deepStrictEqual(done.slice(1), migrations.filter(({ id }) => id > last).map(titleOf))
        const fresh = yield* freshDatabase
        yield* PostgresMigrations.migrate(fresh)
        const expected = yield* withClient(fresh, (other) => catalogOf(other, "greenroom"))
        assert.deepStrictEqual(yield* catalogOf(sql, "greenroom"), expected)
        if (last < 7)
          assert.deepStrictEqual(yield* sql`select count(*)::integer as rows from public.workers`, [{ rows: 0 }])
      })
  )
}

it.live(
  "an installation that a former release found by the search path is moved, and the host's tables in public stay",
  () =>
    Effect.gen(function* () {
      const address = yield* freshDatabase
      const sql = yield* plainly(address)
      yield* sql`create schema control`
      yield* installFormer(sql, { schema: "control" })
      for (const table of ["streams", "workers", "leases", "greenroom_migrations"]) {
        yield* sql.unsafe(`create table public.${table} (of_the_host integer)`)
        yield* sql.unsafe(`insert into public.${table} values (1)`)
      }
      const [found] = yield* sql<{ readonly database: string }>`select current_database() as database`
      yield* sql.unsafe(`alter database ${found!.database} set search_path = control, public`)
      const done = yield* PostgresMigrations.migrate(address)
      assert.strictEqual(done[0], "move from the schema control to the schema greenroom")
      yield* Effect.provide(fill, yield* storeOf(address, "greenroom"))
      for (const table of ["streams", "workers", "leases", "greenroom_migrations"])
        assert.deepStrictEqual(yield* sql.unsafe(`select * from public.${table}`), [{ of_the_host: 1 }])
    })
)

it.live("a host's tables in public are not taken for an installation", () =>
  Effect.gen(function* () {
    const address = yield* freshDatabase
    const sql = yield* plainly(address)
    yield* sql`create table greenroom_migrations (migration_id integer, name text)`
    yield* sql`insert into greenroom_migrations values (1, 'of the host')`
    yield* sql`create table streams (of_the_host integer)`
    const done = yield* PostgresMigrations.migrate(address)
    assert.deepStrictEqual(done, migrations.map(titleOf))
    assert.deepStrictEqual(yield* sql`select name from greenroom_migrations`, [{ name: "of the host" }])
    assert.deepStrictEqual(yield* sql`select * from streams`, [])
  })
)

it.live("nothing is moved when a table is not as Greenroom made it", () =>
  Effect.gen(function* () {
    const { address, sql } = yield* former
    yield* sql`alter table leases rename to old_leases`
    yield* sql`create table leases (of_the_host integer)`
    const refused = yield* Effect.flip(PostgresMigrations.migrate(address))
    assert.include(refused.message, "nothing was moved")
    assert.deepStrictEqual(yield* sql`select to_regnamespace('greenroom') as schema`, [{ schema: null }])
    assert.deepStrictEqual(yield* sql`select * from leases`, [])
  })
)

/** Every session in the database has the rights of this role only. */
const asRole = Effect.fnUntraced(function* (sql: Effect.Success<ReturnType<typeof plainly>>, role: string) {
  const [found] = yield* sql<{ readonly database: string }>`select current_database() as database`
  yield* sql.unsafe(`create role ${role}`)
  yield* sql.unsafe(`alter database ${found!.database} set role = ${role}`)
  yield* Effect.addFinalizer(() =>
    Effect.forEach(
      [
        "reset role",
        `alter database ${found!.database} reset role`,
        `drop owned by ${role} cascade`,
        `drop role ${role}`
      ],
      (statement) => sql.unsafe(statement)
    ).pipe(Effect.orDie)
  )
})

it.live(
  "a role that may not create the schema is refused with the statement that helps, and then uses the schema",
  () =>
    Effect.gen(function* () {
      const address = yield* freshDatabase
      const sql = yield* plainly(address)
      const role = `limited_${randomBytes(4).toString("hex")}`
      yield* asRole(sql, role)
      const refused = yield* Effect.flip(PostgresMigrations.migrate(address))
      assert.strictEqual(refused.kind, "not_permitted")
      const [, statement] = /(create schema "greenroom" authorization "\w+")/.exec(refused.message) ?? []
      yield* sql`create schema greenroom`
      const refusedAgain = yield* Effect.flip(PostgresMigrations.migrate(address))
      assert.strictEqual(refusedAgain.kind, "not_permitted")
      assert.include(refusedAgain.message, `grant create on schema "greenroom" to "${role}"`)
      yield* sql`drop schema greenroom`
      yield* sql.unsafe(statement!)
      assert.deepStrictEqual(yield* PostgresMigrations.migrate(address), migrations.map(titleOf))
      yield* Effect.provide(fill, yield* storeOf(address, "greenroom"))
    })
)

it.live("a check fails while something is pending, with its names, and changes nothing", () =>
  Effect.gen(function* () {
    const address = yield* freshDatabase
    const checked = Layer.build(Postgres.layer(address, { migrate: "check" }))
    const refused = yield* Effect.flip(checked)
    assert.strictEqual(refused.kind, "pending")
    assert.include(refused.message, "0016_functions_are_qualified")
    assert.isNotEmpty((yield* PostgresMigrations.pending(address)).titles)
    const store = yield* Layer.build(Layer.provide(Postgres.layer(address, { migrate: "auto" }), unhurried))
    yield* Effect.provide(aKey(), store)
    yield* checked
  })
)
