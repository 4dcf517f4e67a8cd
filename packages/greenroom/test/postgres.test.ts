/** `createGreenroom` on PostgreSQL: a schema of its own beside a host's tables, migrations under control, and an end that leaves nothing. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import type { PostgresAddress } from "@greenroom/adapters/postgres"
import { fakeMediaMtx } from "@greenroom/testing"
import { Effect, Exit, Scope } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import { usePostgres, withClient } from "../../../verification/worlds/postgres.ts"
import { createGreenroom, type GreenroomError } from "../src/index.ts"
import { migrate, pending, sql } from "../src/migrations.ts"

const freshDatabase = usePostgres()
const scope = Scope.makeUnsafe()
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

/** As a host would write it. */
const urlOf = (address: PostgresAddress): string => {
  if ("url" in address) throw new Error("expected the parts of an address")
  const { host, port, username, database } = address
  return `postgres://${username}@localhost/${database}?${new URLSearchParams({ host, port: String(port) })}`
}

const aDatabase = async () => {
  const address = await Effect.runPromise(Scope.provide(freshDatabase, scope))
  const query = (text: string) =>
    Effect.runPromise(withClient(address, (client) => client.unsafe<Record<string, unknown>>(text), null))
  return { url: urlOf(address), query }
}

const SECRET = "a secret of some length"

describe("on PostgreSQL", () => {
  it("stands in a schema of its own, beside the host's tables of the same names", async () => {
    const { url, query } = await aDatabase()
    await query("create table streams (id int primary key, title text)")
    await query("insert into streams values (1, 'the host''s')")
    const media = await fakeMediaMtx()
    const mediaMtx = { apiUrl: media.apiUrl, secret: SECRET }
    const gr = await createGreenroom({ database: { url, schema: "video" }, mediaMtx, logger: () => {} })
    await gr.broadcasters.upsert({ externalId: "user-1", displayName: "Ada" })
    const { value, ingest } = await gr.keys.create({ broadcaster: { externalId: "user-1" } })
    const ask = { action: "publish", path: ingest.path, protocol: "rtmp", id: "one", password: value }
    expect(await gr.authenticate(ask)).toMatchObject({ status: 200 })
    expect(await gr.streams.live()).toHaveLength(1)
    await gr.close()
    await media.stop()
    expect(await query("select * from streams")).toEqual([{ id: 1, title: "the host's" }])
    const places = await query(
      "select table_schema from information_schema.tables where table_name = 'streams' order by 1"
    )
    expect(places).toEqual([{ table_schema: "public" }, { table_schema: "video" }])
  })

  it("leaves migrations to those who run them by themselves", async () => {
    const { url, query } = await aDatabase()
    const mediaMtx = { apiUrl: "http://127.0.0.1:9", secret: SECRET }
    const database = { url, migrate: "check" } as const
    const refused = await createGreenroom({ database, mediaMtx, logger: () => {} }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: "migration_failed", message: expect.stringContaining("0001") })
    expect(await query("select 1 from pg_namespace where nspname = 'greenroom'")).toEqual([])

    const found = await pending({ url })
    expect(found.titles.length).toBeGreaterThan(10)
    expect(found.sql).toContain("create table")
    expect(sql("video")).toContain('create table "video".streams')
    expect(await migrate({ url })).toEqual(found.titles)
    expect((await pending({ url })).titles).toEqual([])
    const gr = await createGreenroom({ database, mediaMtx, logger: () => {} })
    expect(await gr.streams.live()).toEqual([])
    await gr.close()
  })

  it.each([
    [{ schema: "Video" }, "database.schema"],
    [{ migrate: "never" }, "database.migrate"],
    [{ pool: { admission: 0 } }, "database.pool.admission"],
    [{ pool: { writer: 3 } }, "database.pool.writer"],
    [{ pooler: "pgbouncer" }, "database.pooler"]
  ] as const)("refuses the option %j by its name", async (wrong, name) => {
    const database = { url: "postgres://localhost/x", ...wrong } as never
    const mediaMtx = { apiUrl: "http://127.0.0.1:9", secret: SECRET }
    const error = await createGreenroom({ database, mediaMtx }).catch((thrown: unknown) => thrown)
    expect([(error as GreenroomError).code, (error as GreenroomError).argument]).toEqual(["invalid_argument", name])
  })

  it("leaves nothing open: a process ends by itself after close", async () => {
    const { url } = await aDatabase()
    const script = fileURLToPath(new URL("./closes.ts", import.meta.url))
    const child = spawn(process.execPath, ["--conditions=@greenroom/source", script], {
      env: { PATH: process.env.PATH ?? "", DATABASE: url },
      stdio: ["ignore", "pipe", "inherit"]
    })
    let printed = ""
    child.stdout.on("data", (text) => {
      printed += text
    })
    const [code] = await once(child, "exit")
    expect([code, printed]).toEqual([0, "closed\n"])
  })
})
