/** The image's start beside a database that is late, too old, or updated over a volume that has data. */
import { setTimeout as passes } from "node:timers/promises"
import { afterAll, afterEach, assert, describe, it } from "vitest"
import { becomesHealthy, call, databaseUrl, exitCodeOf, startApi, startPostgres } from "./api.ts"
import { POSTGRES_IMAGE } from "./chooseDatabase.ts"
import { docker, logOf, makeVolume, noImage, removeAll, run, startNetwork } from "./docker.ts"
import type { StartedPostgres } from "./testcontainers.ts"

const DATABASE_LATE_MS = 40_000
const OLD_POSTGRES = "postgres:14"
/** The compose file's, and a later one of the same major. */
const [BEFORE, AFTER] = ["postgres:18.1", POSTGRES_IMAGE]

const started: Array<StartedPostgres> = []
const begin = async (image: string, network: string, name: string) => {
  started.push(await startPostgres(image, network, name))
}

afterEach(async () => {
  for (const postgres of started.splice(0)) await postgres.stop()
})
afterAll(removeAll)

/** The options of the compose file: PostgreSQL is no root from its start on. */
const postgresOnVolume = (image: string, network: string, volume: string): Promise<string> => {
  const { username, password, pathname } = new URL(databaseUrl("db"))
  const variables = { POSTGRES_USER: username, POSTGRES_PASSWORD: password, POSTGRES_DB: pathname.slice(1) }
  const environment = Object.entries(variables).flatMap(([name, value]) => ["--env", `${name}=${value}`])
  const place = ["--network", network, "--network-alias", "db", "--volume", `${volume}:/var/lib/postgresql`]
  const hardened = ["--user", "postgres", "--read-only", "--cap-drop", "ALL", "--tmpfs", "/tmp"]
  return run([...place, ...hardened, "--tmpfs", "/var/run/postgresql", ...environment, image])
}

describe("the image's start", () => {
  it("becomes healthy, and is at no time unhealthy, beside a database that is 40 s late", async () => {
    const network = await startNetwork()
    const api = await startApi(network, "late")
    const healthy = becomesHealthy(api)
    healthy.catch(() => undefined)
    await passes(DATABASE_LATE_MS)
    await begin(POSTGRES_IMAGE, network, "late")
    await healthy
    const { out, err } = await logOf(api)
    assert.include(out + err, "waiting for the database")
  })

  it("ends with a sentence that names both versions beside PostgreSQL 14", async ({ skip }) => {
    const missing = await noImage(OLD_POSTGRES)
    skip(missing !== null, missing ?? "")
    const network = await startNetwork()
    await begin(OLD_POSTGRES, network, "old")
    const api = await startApi(network, "old")
    assert.notStrictEqual(await exitCodeOf(api, 60_000), 0)
    const { out, err } = await logOf(api)
    assert.match(out + err, /PostgreSQL 14\.\S+.* is too old: Greenroom needs PostgreSQL 15 or newer/)
  })

  it("finds its data after PostgreSQL was updated over its volume", async ({ skip }) => {
    const missing = (await noImage(BEFORE)) ?? (await noImage(AFTER))
    skip(missing !== null, missing ?? "")
    const [network, volume] = [await startNetwork(), await makeVolume()]
    const older = await postgresOnVolume(BEFORE, network, volume)
    const before = await startApi(network, "db")
    await becomesHealthy(before)
    const made = await call(before, "POST", "/broadcasters", { display_name: "Kept" })
    const { id } = (await made.json()) as { readonly id: string }
    await docker(["stop", before])
    await docker(["stop", older])
    await postgresOnVolume(AFTER, network, volume)
    const after = await startApi(network, "db")
    await becomesHealthy(after)
    assert.strictEqual((await call(after, "GET", `/broadcasters/${id}`)).status, 200)
  })
})
