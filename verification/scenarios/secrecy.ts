/**
 * What is left behind when everything else has been played: no stream key, nor the secrets of the service, in anything that it
 * printed, answered, exported or stored. To be run last. That the search finds what is there is part of it.
 */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { disguisesOf } from "../worlds/Api.ts"
import { clientOf } from "../worlds/postgres.ts"
import { API_SECRET, HOOK_SECRET, type RunningService } from "../worlds/runService.ts"
import { TestDeployment } from "../worlds/TestDeployment.ts"
import { newKey } from "./acts.ts"

interface Place {
  readonly name: string
  readonly bytes: Buffer
}

const place = (name: string, text: string): Place => ({ name, bytes: Buffer.from(text) })

/** The names of the places where one of these stands: one walk over the bytes for all of them, of which there are hundreds. */
const placesOf = (needles: ReadonlyArray<string>, places: ReadonlyArray<Place>): ReadonlyArray<string> => {
  const byBeginning = Map.groupBy(needles, (needle) => Buffer.from(needle).readUInt16BE(0))
  const begins = new Uint8Array(0x10000)
  for (const beginning of byBeginning.keys()) begins[beginning] = 1
  const stands = ({ bytes }: Place) => {
    for (let at = 0; at + 1 < bytes.length; at++) {
      const beginning = (bytes[at]! << 8) | bytes[at + 1]!
      if (begins[beginning] === 0) continue
      const here = (needle: string) => bytes.toString("latin1", at, at + needle.length) === needle
      if (byBeginning.get(beginning)!.some(here)) return true
    }
    return false
  }
  return places.filter(stands).map(({ name }) => name)
}

/** Every row of every table of the service's own database, as PostgreSQL writes it out. */
const rows = Effect.fnUntraced(function* ({ databaseDirectory }: RunningService) {
  const host = path.join(databaseDirectory, "socket")
  const sql = yield* clientOf({ host, port: 5432, username: "postgres", database: "postgres" })
  const tables = (yield* sql.unsafe(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`
  )) as ReadonlyArray<{ readonly name: string }>
  return yield* Effect.forEach(tables, ({ name }) =>
    Effect.map(sql.unsafe(`select t::text as row from ${name} t`), (found) => {
      const written = found as ReadonlyArray<{ readonly row: string }>
      return place(`table ${name}`, written.map(({ row }) => row).join("\n"))
    })
  )
}, Effect.orDie)

/** Files below the directory; those that exist to hold a secret are left out. */
const files = (directory: string) =>
  Effect.promise(async () => {
    const read = () => fs.readdir(directory, { recursive: true, withFileTypes: true })
    // A directory may vanish while it is read; a service whose database is somewhere else may have nothing to keep.
    const all = await read().catch(() => read().catch(() => read().catch(() => [])))
    const places: Array<Place> = []
    for (const entry of all) {
      if (!entry.isFile() || /^(api|hook)-secret$/.test(entry.name)) continue
      const file = path.join(entry.parentPath, entry.name)
      const bytes = await fs.readFile(file).catch(() => Buffer.alloc(0))
      places.push({ name: file, bytes })
    }
    return places
  })

/** The prefix of a key is public; what follows it is not, nor the beginning of that, nor the key in an HTTP header. */
const needlesOf = (key: string): ReadonlyArray<string> => [key.slice(8, 24), ...disguisesOf(key)]

export const secrecy = (it: Vitest.MethodsNonLive<TestDeployment>): void => {
  it.effect("no key and no secret was printed, answered, exported or stored", () =>
    Effect.gen(function* () {
      const { service, asked } = yield* TestDeployment
      const { api } = service
      // More than one: the file may break one off at the end of a page.
      const last = [yield* newKey(), yield* newKey(), yield* newKey()]
      const { status, body: metrics } = yield* api.call<string>("GET", "/metrics")
      assert.strictEqual(status, 200)
      const printed = place("the log", asked.map((one) => one.printed()).join("\n"))
      const exported = place("the metrics", metrics)
      const stored = yield* rows(service)
      const directories = new Set([service.databaseDirectory, ...asked.map(({ directory }) => directory)])
      const kept = (yield* Effect.forEach([...directories], files)).flat()
      const everywhere = [printed, exported, ...stored, ...kept]

      const seen = placesOf(
        last.map(({ key_prefix }) => key_prefix),
        everywhere
      )
      assert.include(seen, "table greenroom.stream_keys", "the search reads the tables")
      assert.isTrue(
        seen.some((name) => name.includes("/pg_wal/")),
        "the search reads the database's files"
      )
      assert.deepStrictEqual(placesOf(["greenroom_reconciler_passes_total"], [exported]), ["the metrics"])
      assert.deepStrictEqual(placesOf(['"message":'], [printed]), ["the log"])

      assert.deepStrictEqual(placesOf(api.keys().flatMap(needlesOf), everywhere), [], "stream keys")
      assert.deepStrictEqual(placesOf([API_SECRET], everywhere), [], "the API secret")
      const butItsConfiguration = everywhere.filter(({ name }) => !name.endsWith("/mediamtx/mediamtx.json"))
      assert.deepStrictEqual(placesOf([HOOK_SECRET], butItsConfiguration), [], "the hook secret")
      assert.deepStrictEqual(api.leaks(), [], "keys in answers")
    })
  )
}
