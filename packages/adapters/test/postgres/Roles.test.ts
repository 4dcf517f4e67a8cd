/**
 * The role that serves can do what serving takes and nothing else: every law of the repositories holds for it, and it can neither change the schema nor
 * what is only appended to. The role that owns the schema runs migrations. `scripts/sql/roles.sql` makes both.
 */
import { randomBytes } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { registerLaws, repositoriesLaws } from "@greenroom/testing"
import { Effect, Layer, Redacted, Result } from "effect"
import { afterAll, describe as plainDescribe, it as plainIt } from "vitest"
import { clientOf, usePostgres, withClient } from "../../../../verification/worlds/postgres.ts"
import * as Postgres from "../../src/postgres/Postgres.ts"
import type { PostgresAddress } from "../../src/postgres/PostgresAddress.ts"
import * as PostgresMigrations from "../../src/postgres/PostgresMigrations.ts"
import { backDoor } from "../fixtures/postgresStore.ts"
import { unhurried } from "../fixtures/postgresWorld.ts"
import { runScript } from "../fixtures/runScript.ts"

const script = readFileSync(new URL("../../../../scripts/sql/roles.sql", import.meta.url), "utf8")
const freshDatabase = usePostgres()
const password = randomBytes(12).toString("hex")

type Role = "greenroom_owner" | "greenroom_runtime"

const asRole = (address: PostgresAddress, role: Role): PostgresAddress => {
  if (!("url" in address)) return { ...address, username: role, password: Redacted.make(password) }
  const url = new URL(Redacted.value(address.url))
  Object.assign(url, { username: role, password })
  return { url: Redacted.make(url.href) }
}

/** The private server admits its owner alone; these two without a password. */
const admitRoles = (admin: PostgresAddress) =>
  withClient(admin, (sql) =>
    Effect.gen(function* () {
      const [{ file }] = (yield* sql<{ file: string }>`select current_setting('hba_file') as file`) as [
        { file: string }
      ]
      const line = "local all greenroom_owner,greenroom_runtime trust\n"
      const text = readFileSync(file, "utf8")
      if (text.startsWith(line)) return
      writeFileSync(file, line + text)
      yield* sql`select pg_reload_conf()`
    })
  )

/** As the page says: an administrator makes the roles, the owner migrates and gives the rights. */
const installed = Effect.gen(function* () {
  const admin = yield* freshDatabase
  yield* runScript(admin, script)
  yield* withClient(admin, (sql) =>
    Effect.forEach(["greenroom_owner", "greenroom_runtime"], (role) =>
      sql.unsafe(`alter role ${role} password '${password}'`)
    )
  )
  if (!("url" in admin)) yield* admitRoles(admin)
  const [owner, runtime] = [asRole(admin, "greenroom_owner"), asRole(admin, "greenroom_runtime")]
  yield* PostgresMigrations.migrate(owner)
  yield* runScript(owner, script)
  return { admin, owner, runtime }
})

const layer = Layer.unwrap(
  Effect.map(installed, ({ admin, runtime }) =>
    Layer.merge(Layer.provide(Postgres.layer(runtime, { migrate: "check" }), unhurried), backDoor(admin, "greenroom"))
  ).pipe(Effect.orDie)
)

registerLaws(repositoriesLaws({ name: "PostgreSQL, as the role that serves", layer, clock: "real" }), {
  describe: plainDescribe,
  it: plainIt,
  afterAll
})

/** Why PostgreSQL refuses a statement to a role. */
const refusal = (address: PostgresAddress, statement: string) =>
  withClient(address, (sql) =>
    Effect.result(
      sql.withTransaction(
        Effect.andThen(
          sql`select set_config('greenroom.pruning', 'on', true)`.unprepared,
          sql.unsafe(statement).unprepared
        )
      )
    )
  ).pipe(
    Effect.map((result) => (Result.isFailure(result) ? String((result.failure.reason.cause as Error).message) : "done"))
  )

describe("an installation that another role owns", () => {
  it.effect("is given to the owner whole, and serves as one that was made so", () =>
    Effect.gen(function* () {
      const admin = yield* freshDatabase
      yield* PostgresMigrations.migrate(admin)
      yield* runScript(admin, script)
      const owners = yield* withClient(
        admin,
        (sql) => sql<{ owner: string }>`
          select distinct owner from (
            select pg_get_userbyid(relowner) as owner from pg_class where relnamespace = 'greenroom'::regnamespace
            union all select pg_get_userbyid(proowner) from pg_proc where pronamespace = 'greenroom'::regnamespace
            union all select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'greenroom'
          ) all_of_it`
      )
      assert.deepStrictEqual(owners, [{ owner: "greenroom_owner" }])
    })
  )
})

const appendOnly = ["stream_events", "event_log", "audit_log"]

describe("the role that serves", () => {
  it.effect("may neither define, drop, truncate nor switch off anything", () =>
    Effect.gen(function* () {
      const { admin, runtime } = yield* installed
      const tables = yield* withClient(
        admin,
        (sql) => sql<{ name: string }>`select relname::text as name from pg_class
          where relnamespace = 'greenroom'::regnamespace and relkind = 'r' order by 1`
      )
      assert.isAbove(tables.length, 12)
      const statements = [
        "create table greenroom.mine (id integer)",
        "create schema mine",
        "create function greenroom.mine() returns integer language sql as 'select 1'",
        "create or replace function greenroom.history_is_kept() returns trigger language plpgsql as 'begin return null; end'",
        "drop function greenroom.history_is_kept() cascade",
        "drop trigger stream_events_are_kept on greenroom.stream_events",
        "alter function greenroom.prune_events(integer, integer) security invoker",
        "set session_replication_role = replica",
        "alter role greenroom_runtime createrole",
        ...tables.flatMap(({ name }) => [
          `truncate greenroom.${name} cascade`,
          `drop table greenroom.${name} cascade`,
          `alter table greenroom.${name} disable trigger user`,
          `alter table greenroom.${name} add column mine integer`,
          `create index mine on greenroom.${name} ((1))`
        ])
      ]
      for (const statement of statements)
        assert.match(yield* refusal(runtime, statement), /permission denied|must be owner|must be able/, statement)
    })
  )

  it.effect("may change nothing that is only appended to, also where it claims to prune", () =>
    Effect.gen(function* () {
      const { runtime } = yield* installed
      const statements = [
        ...appendOnly.flatMap((table) => [
          `delete from greenroom.${table}`,
          `update greenroom.${table} set at = now()`
        ]),
        "update greenroom.event_log set position = 1",
        "delete from greenroom.streams",
        "update greenroom.event_head set position = 0",
        "delete from greenroom.pruned_usage",
        "insert into greenroom.greenroom_migrations (migration_id, name) values (99, 'mine')"
      ]
      for (const statement of statements)
        assert.match(yield* refusal(runtime, statement), /permission denied/, statement)
    })
  )

  it.effect("is the only other one that may read the tables or call the functions", () =>
    Effect.gen(function* () {
      const { admin } = yield* installed
      const open = yield* withClient(
        admin,
        (sql) => sql<{ name: string }>`
          select p.proname::text as name from pg_proc p where p.pronamespace = 'greenroom'::regnamespace
            and (p.proacl is null or exists (select from aclexplode(p.proacl) a where a.grantee = 0))
          union all select c.relname::text from pg_class c, aclexplode(c.relacl) a
            where c.relnamespace = 'greenroom'::regnamespace and a.grantee = 0`
      )
      assert.deepStrictEqual([...open], [])
    })
  )

  it.effect("knows every table that is only appended to", () =>
    Effect.gen(function* () {
      const { admin } = yield* installed
      const kept = yield* withClient(
        admin,
        (sql) => sql<{ name: string }>`
          select distinct c.relname::text as name from pg_trigger t join pg_class c on c.oid = t.tgrelid
          where c.relnamespace = 'greenroom'::regnamespace and t.tgname ~ 'kept|not_truncated' order by 1`
      )
      assert.deepStrictEqual(
        kept.map(({ name }) => name),
        [...appendOnly, "streams"].toSorted()
      )
    })
  )
})

describe("the script", () => {
  it.effect(
    "gives the same rights however often it runs, and gives them again after a migration has replaced a function",
    () =>
      Effect.gen(function* () {
        const { admin, owner, runtime } = yield* installed
        const rights = () =>
          withClient(
            admin,
            (sql) => sql<{ line: string }>`
            select c.relname || ' ' || coalesce(c.relacl::text, '') as line from pg_class c where c.relnamespace = 'greenroom'::regnamespace
            union all select p.proname || ' ' || p.prosecdef || ' ' || coalesce(p.proacl::text, '') || coalesce(p.proconfig::text, '')
            from pg_proc p where p.pronamespace = 'greenroom'::regnamespace order by 1`
          )
        const first = yield* rights()
        yield* runScript(owner, script)
        yield* runScript(admin, script)
        assert.deepStrictEqual(yield* rights(), first)
        const definition = yield* withClient(
          admin,
          (sql) => sql<{ text: string }>`select pg_get_functiondef('greenroom.place_events'::regproc) as text`
        )
        const replaced = definition[0]!.text
          .replace(/ SECURITY DEFINER\n/, "\n")
          .replace(/ SET search_path TO .*\n/, "")
        assert.notStrictEqual(replaced, definition[0]!.text)
        yield* withClient(owner, (sql) => sql.unsafe(replaced).unprepared)
        yield* withClient(
          runtime,
          (sql) => sql`insert into broadcasters (id, display_name) values (gen_random_uuid(), 'One')`
        )
        assert.match(yield* refusal(runtime, "select greenroom.place_events(10)"), /permission denied/)
        yield* runScript(owner, script)
        assert.deepStrictEqual(yield* rights(), first)
        assert.strictEqual(yield* refusal(runtime, "select greenroom.place_events(10)"), "done")
      })
  )

  it.effect("gives the rights in another schema, where it is told to", () =>
    Effect.gen(function* () {
      const { admin, owner, runtime } = yield* installed
      const elsewhere = script.replace("greenroom.schema = 'greenroom'", "greenroom.schema = 'control'")
      assert.notStrictEqual(elsewhere, script)
      yield* runScript(admin, elsewhere)
      yield* PostgresMigrations.migrate(owner, { schema: "control" })
      yield* runScript(owner, elsewhere)
      yield* PostgresMigrations.check(runtime, { schema: "control" })
      assert.strictEqual(yield* refusal(runtime, "select control.place_events(10)"), "done")
      assert.match(yield* refusal(runtime, "truncate control.streams cascade"), /permission denied/)
    })
  )

  it.effect(
    "lets the role that serves start on a schema that is up to date, and says what is missing on one that is not",
    () =>
      Effect.gen(function* () {
        const { owner, runtime } = yield* installed
        yield* PostgresMigrations.check(runtime)
        assert.deepStrictEqual(yield* PostgresMigrations.migrate(runtime), [])
        const sql = yield* clientOf(owner)
        const [last] = yield* sql<{ name: string }>`
        delete from greenroom_migrations where migration_id = (select max(migration_id) from greenroom_migrations) returning name`
        const pending = yield* Effect.flip(PostgresMigrations.check(runtime))
        assert.strictEqual(pending.kind, "pending")
        assert.include(pending.message, last!.name)
        assert.include(pending.message, "greenroom migrate")
        const refused = yield* Effect.flip(PostgresMigrations.migrate(runtime))
        assert.match(refused.message, /permission denied|must be owner/)
      }).pipe(Effect.scoped)
  )
})
