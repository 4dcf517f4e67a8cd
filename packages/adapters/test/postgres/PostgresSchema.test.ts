/**
 * The repositories keep all laws in a schema of another name, which is a reserved word, beside a host that has tables, views and
 * functions of every name of ours in `public`. The functions of the host fail, so that a name that is not qualified shows.
 */
import { assert } from "@effect/vitest"
import { registerLaws, repositoriesLaws } from "@greenroom/testing"
import { Effect, Layer } from "effect"
import { afterAll, describe, it } from "vitest"
import { usePostgres, withClient } from "../../../../verification/worlds/postgres.ts"
import { functions, isSchemaName, namesIn, tables, views } from "../../src/postgres/names.ts"
import type { PostgresAddress } from "../../src/postgres/PostgresAddress.ts"
import { postgresStore } from "../fixtures/postgresStore.ts"

const freshDatabase = usePostgres()

const ofTheHost: ReadonlyArray<string> = [
  ...[...Object.keys(tables), ...views].map((name) => `create table public.${name} (of_the_host integer)`),
  ...Object.entries(functions).map(
    ([name, parameters]) =>
      `create function public.${name}(${parameters}) returns ${parameters === "" ? "trigger" : "text"} language plpgsql as $$
       begin raise exception 'the host''s function was called'; end $$`
  )
]

const host = (address: PostgresAddress) =>
  withClient(address, (sql) => Effect.forEach(ofTheHost, (statement) => sql.unsafe(statement).unprepared), null)

const layer = Layer.unwrap(
  Effect.gen(function* () {
    const address = yield* freshDatabase
    yield* host(address)
    return postgresStore(address, { schema: "user" })
  }).pipe(Effect.orDie)
)

const store = { name: "PostgreSQL, in another schema beside a host", layer, clock: "real" } as const
registerLaws(repositoriesLaws(store), { describe, it, afterAll })

it("a schema's name that PostgreSQL would fold, cut or keep for itself is refused", () => {
  for (const name of ["greenroom", "public", "user", "_1", "a".repeat(63)])
    assert.strictEqual(namesIn(name).schema, name)
  for (const name of [
    "",
    "Greenroom",
    "1a",
    "a-b",
    'a"b',
    "a.b",
    "a b",
    "ä",
    "a".repeat(64),
    "pg_catalog",
    "information_schema"
  ]) {
    assert.isFalse(isSchemaName(name))
    assert.throws(() => namesIn(name), "The database's schema is refused: expected")
  }
})
