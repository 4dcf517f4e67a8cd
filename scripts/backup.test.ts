/**
 * A backup brings an installation back: what was stored is there, the service runs on it, a key admits, and a cursor of before the restore is refused.
 * Needs pg_dump and a PostgreSQL server of its version, which the system's packages have.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { noMediaServer, type Service, startService } from "../verification/worlds/service.ts"
import { type SystemServer, startSystemPostgres, systemPostgres } from "../verification/worlds/systemPostgres.ts"

const script = fileURLToPath(new URL("./backup.sh", import.meta.url))
const secrets = { API_SECRET: "a-secret-of-these-tests", HOOK_SECRET: "another-secret-of-these-tests" }

const found = systemPostgres()
if (found === null)
  console.log(
    "skipped: the backup is not tried without pg_dump and a server of its version (apt: postgresql postgresql-client)"
  )

const run = (url: string | undefined, ...args: ReadonlyArray<string>) => {
  const { status, stdout, stderr } = spawnSync("sh", [script, ...args], {
    encoding: "utf8",
    env: { PATH: process.env.PATH ?? "", ...(url === undefined ? {} : { DATABASE_URL: url }) }
  })
  return { status, text: `${stdout}${stderr}` }
}

describe.skipIf(found === null)("the backup", () => {
  let server: SystemServer
  let folder = ""
  beforeAll(async () => {
    server = await startSystemPostgres(found!.bin, ["before", "after", "prepared"])
    folder = mkdtempSync(join(tmpdir(), "greenroom-backup-"))
  })
  afterAll(async () => {
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const sql = (database: string, statement: string) =>
    execFileSync(
      "psql",
      ["--no-psqlrc", "--tuples-only", "--no-align", "--dbname", server.url(database), "--command", statement],
      {
        encoding: "utf8"
      }
    ).trim()

  const withService = async <A>(database: string, use: (call: Call) => Promise<A>): Promise<A> => {
    const service: Service = startService({
      DATABASE_URL: server.url(database),
      API_PORT: "0",
      HOST: "127.0.0.1",
      DATA_DIR: join(folder, `data-${database}`),
      ...secrets,
      ...noMediaServer
    })
    try {
      const base = await service.ready
      return await use(async (method, path, body, hook = false) => {
        const answer = await fetch(`${base}${path}`, {
          method,
          headers: {
            "content-type": "application/json",
            ...(hook
              ? { authorization: `Basic ${Buffer.from(`mediamtx:${secrets.HOOK_SECRET}`).toString("base64")}` }
              : { "x-api-key": secrets.API_SECRET })
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) })
        })
        return { status: answer.status, json: await answer.json() }
      })
    } finally {
      service.child.kill("SIGTERM")
      await service.ended
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into
  type Call = (method: string, path: string, body?: object, hook?: boolean) => Promise<{ status: number; json: any }>

  const publish = (key: string) => ({
    action: "publish",
    path: "live/one",
    protocol: "rtmp",
    id: randomUUID(),
    password: key
  })
  const tables = [
    "broadcasters",
    "stream_keys",
    "streams",
    "stream_events",
    "event_log",
    "webhook_endpoints",
    "audit_log",
    "playback_tokens",
    "signing_keys",
    "greenroom_migrations"
  ]
  const contents = (database: string) =>
    tables.map((table) =>
      sql(
        database,
        `select count(*) || ' ' || coalesce(md5(string_agg(t::text, '' order by t::text)), '') from greenroom.${table} t`
      )
    )

  it("brings back what was stored, and the service that runs on it", async () => {
    const dump = join(folder, "greenroom.dump")
    const known = await withService("before", async (call) => {
      const owner = await call("POST", "/broadcasters", { display_name: "Studio One" })
      const key = await call("POST", "/stream-keys", { broadcaster_id: owner.json.id, path: "live/one" })
      const other = await call("POST", "/stream-keys", { broadcaster_id: owner.json.id, path: "live/two" })
      await call("DELETE", `/stream-keys/${other.json.id}`).catch(() => undefined)
      expect((await call("POST", "/auth", publish(key.json.key_value), true)).status).toBe(200)
      const events = await call("GET", "/events?limit=1")
      return { key: key.json.key_value as string, cursor: events.json.next as string }
    })
    const stored = contents("before")
    expect(run(server.url("before"), "dump", dump)).toEqual({
      status: 0,
      text: `backed up the schema greenroom into ${dump}\n`
    })
    expect(statSync(dump).mode & 0o777).toBe(0o600)
    const restored = run(server.url("after"), "restore", dump)
    expect(restored.text).toMatch(
      /the event log has the new id \w+\nbroadcasters 1, keys 2, sessions 1, events \d+\nrestored/
    )
    expect(contents("after")).toEqual(stored)

    await withService("after", async (call) => {
      const keys = await call("GET", "/stream-keys")
      expect(keys.json.stream_keys).toHaveLength(2)
      expect((await call("POST", "/auth", publish(known.key), true)).status).toBe(401)
      const refused = await call("GET", `/events?after=${known.cursor}`)
      expect([refused.status, refused.json.reason]).toEqual([410, "other_log"])
      const owner = await call("POST", "/broadcasters", { display_name: "Studio Two" })
      const key = await call("POST", "/stream-keys", { broadcaster_id: owner.json.id, path: "live/three" })
      expect((await call("POST", "/auth", { ...publish(key.json.key_value), path: "live/three" }, true)).status).toBe(
        200
      )
    })
    // Triggers are there, too: history cannot be changed.
    expect(() => sql("after", "delete from greenroom.stream_events")).toThrow()
  })

  it("goes into a schema that an administrator has made, and into no installation that is there", () => {
    const dump = join(folder, "greenroom.dump")
    sql("prepared", "create schema greenroom")
    expect(run(server.url("prepared"), "restore", dump).status).toBe(0)
    const again = run(server.url("prepared"), "restore", dump)
    expect([again.status, again.text]).toEqual([
      1,
      expect.stringContaining("there is an installation in the schema greenroom already")
    ])
  })

  it("leaves nothing behind when it fails", () => {
    const dump = join(folder, "none.dump")
    const none = run(server.url("postgres"), "dump", dump)
    expect([none.status, none.text]).toEqual([
      1,
      expect.stringContaining("there is no installation in the schema greenroom")
    ])
    expect(run("postgres://postgres@127.0.0.1:1/none", "dump", dump).status).not.toBe(0)
    writeFileSync(join(folder, "broken.dump"), "not a dump")
    sql("postgres", "create database empty_one")
    expect(run(server.url("empty_one"), "restore", join(folder, "broken.dump")).status).not.toBe(0)
    expect(sql("empty_one", "select count(*) from pg_namespace where nspname = 'greenroom'")).toBe("0")
    expect(existsSync(dump)).toBe(false)
    expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([])
  })
})

describe("the script of the backup", () => {
  it("says how it is called, and shows no password", () => {
    expect(run(undefined, "dump", "x")).toEqual({
      status: 64,
      text: expect.stringContaining("DATABASE_URL is not set")
    })
    expect(run("postgres://a@b/c", "dump").status).toBe(64)
    expect(run("postgres://a@b/c", "nothing", "x").status).toBeGreaterThan(0)
    const encoded = run("postgres://a:s%65cret@b/c", "dump", "x")
    expect(encoded.status).toBeGreaterThan(0)
    expect(encoded.text).not.toContain("s%65cret")
  })

  it("hands the password to no other program as an argument", () => {
    const bin = mkdtempSync(join(tmpdir(), "greenroom-bin-"))
    for (const name of ["pg_dump", "pg_restore", "psql"])
      writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $* password=$PGPASSWORD" >&2\necho found\n`, {
        mode: 0o755
      })
    const { stderr } = spawnSync("sh", [script, "dump", join(bin, "x")], {
      encoding: "utf8",
      env: {
        PATH: `${bin}:${process.env.PATH}`,
        DATABASE_URL: "postgres://me:topsecret@db:5432/greenroom?sslmode=require"
      }
    })
    rmSync(bin, { recursive: true, force: true })
    expect(stderr).toContain("--dbname postgres://me@db:5432/greenroom?sslmode=require")
    for (const line of stderr.split("\n").filter((text) => text.includes("--dbname")))
      expect([line.split(" password=")[0]?.includes("topsecret"), line.endsWith("password=topsecret")]).toEqual([
        false,
        true
      ])
  })

  const hasShellcheck = spawnSync("shellcheck", ["--version"]).status === 0
  it.skipIf(!hasShellcheck)("passes shellcheck", () => {
    expect(spawnSync("shellcheck", [script], { encoding: "utf8" }).stdout).toBe("")
  })
})
