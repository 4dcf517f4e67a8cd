/** The command line against the real routes, over the memory store and a simulated media server: an operator's day. */
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { call } from "../http/support/client.ts"
import { authenticateThrough, onAir } from "../http/support/media.ts"
import { API_SECRET, type Service, start } from "../http/support/service.ts"
import { begin, greenroom } from "./support/greenroom.ts"

let service: Service
beforeAll(async () => {
  service = await start()
  await authenticateThrough(service)
})
afterAll(() => service.close())

const environment = () => ({ GREENROOM_URL: service.base, API_SECRET })
const run = (...args: ReadonlyArray<string>) => greenroom(args, environment(), { now: Date.now() })
const json = async (...args: ReadonlyArray<string>) => {
  const { code, stdout, stderr } = await run(...args, "--json")
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" })
  return JSON.parse(stdout)
}

const newKey = async (path: string) => {
  const { id } = await json("broadcasters", "create", `For ${path}`)
  return json("keys", "create", "--broadcaster", id, "--path", path, "--label", "Main camera")
}

test("what is printed with --json is what the API answers, call for call", async () => {
  const key = await newKey("live/same")
  const { stream } = await onAir(service, key.key_value, "live/same")
  const calls: ReadonlyArray<readonly [args: ReadonlyArray<string>, path: string]> = [
    [["broadcasters", "list", "--limit", "200"], "/broadcasters?limit=200"],
    [["broadcasters", "show", key.broadcaster_id], `/broadcasters/${key.broadcaster_id}`],
    [["keys", "list", "--broadcaster", key.broadcaster_id], `/stream-keys?broadcaster_id=${key.broadcaster_id}`],
    [["keys", "show", key.id], `/stream-keys/${key.id}`],
    [["keys", "ingest", key.id], `/stream-keys/${key.id}/ingest`],
    [["streams", "list", "--path", "live/none"], "/streams?path=live/none"],
    [["streams", "events", stream.id], `/streams/${stream.id}/events`],
    [["health"], "/health"]
  ]
  for (const [args, path] of calls) expect(await json(...args)).toEqual((await call(service, "GET", path)).json)
  await json("keys", "revoke", key.id)
})

test("an operator's day: create, go on air, disable, enable, stop, revoke, delete", async () => {
  const studio = await json("broadcasters", "create", "Studio One", "--contact", "ops@studio.example")
  const key = await json("keys", "create", "--broadcaster", studio.id, "--path", "live/day", "--expires-in", "3650d")
  expect(key.key_value).toMatch(/^sk_/)

  const first = await onAir(service, key.key_value, "live/day")
  expect((await run("streams", "list")).stdout).toMatch(/^live\/day +active +rtmp/m)
  expect((await run("streams", "show", first.stream.id)).stdout).toMatch(/^broadcaster +Studio One/m)

  expect((await run("keys", "disable", key.id)).code).toBe(0)
  expect(await service.run(first.publisher.closed)).toBe("kicked")
  expect((await run("keys", "enable", key.id)).stdout).toContain("may publish")

  const second = await onAir(service, key.key_value, "live/day")
  expect((await run("streams", "stop", second.stream.id)).stdout).toContain("is off the air")
  expect(await service.run(second.publisher.closed)).toBe("kicked")
  expect((await run("streams", "list", "--status", "inactive", "--path", "live/day")).stdout).toMatch(
    /inactive \(stopped\).*inactive \(disabled\)/s
  )
  expect((await run("streams", "events", second.stream.id)).stdout).toMatch(/admitted.*ready.*stop_requested.*ended/s)

  expect((await json("keys", "update", key.id, "--expires-at", "never")).expires_at).toBeNull()
  expect((await json("broadcasters", "update", studio.id, "--contact", "")).contact).toBeNull()
  expect(await json("keys", "revoke", key.id)).toBeNull()
  expect(await json("broadcasters", "delete", studio.id)).toBeNull()
  expect((await run("broadcasters", "show", studio.id)).code).toBe(66)
})

test("what could not be confirmed is said to be under way", async () => {
  const key = await newKey("live/frozen")
  const { publisher, stream } = await onAir(service, key.key_value, "live/frozen")
  await service.run(service.freeze)
  const stopped = await run("streams", "stop", stream.id)
  const revoked = await run("keys", "revoke", key.id)
  await service.run(service.thaw)
  expect(stopped).toMatchObject({ code: 0, stdout: expect.stringContaining("is still being taken off the air") })
  expect(revoked).toMatchObject({ code: 0, stdout: expect.stringContaining("is still being taken off the air") })
  expect(await service.run(publisher.closed)).toBe("kicked")
})

test("a key is rotated, and shows what it was rotated to; a block is set, shown and lifted", async () => {
  const old = await newKey("live/rotated")
  const rotated = await run("keys", "rotate", old.id, "--overlap", "12h")
  expect(rotated).toMatchObject({ code: 0, stdout: expect.stringContaining("keeps publishing for 12h") })
  expect(rotated.stdout).toMatch(/sk_[0-9A-Za-z_-]{43}/)
  const shown = await json("keys", "show", old.id)
  expect(shown).toMatchObject({ rotated_to: expect.any(String), revokes_at: expect.any(String) })
  expect((await run("keys", "show", old.id)).stdout).toMatch(/will be revoked .*\nrotated to/)
  expect((await run("keys", "rotate", old.id)).stderr).toContain(shown.rotated_to)
  await run("keys", "revoke", old.id)
  const last = await json("keys", "rotate", shown.rotated_to)
  expect((await json("keys", "show", shown.rotated_to)).status).toBe("revoked")

  const { stream } = await onAir(service, last.body?.key_value ?? last.key_value, "live/rotated")
  const stopped = await run("streams", "stop", stream.id, "--block", "60")
  expect(stopped).toMatchObject({ code: 0, stdout: expect.stringContaining("may not publish there for 60 s") })
  expect((await run("keys", "show", stream.stream_key_id)).stdout).toMatch(/blocked +on live\/rotated until/)
  expect((await run("keys", "unblock", stream.stream_key_id)).stdout).toContain("is blocked on no path")
  expect((await json("keys", "show", stream.stream_key_id)).blocked_until).toBeNull()
  expect((await run("streams", "stop", stream.id, "--block", "0")).stderr).toContain("from 1 to 3600")
})

test("watch sees a stream come and go", async () => {
  const key = await newKey("live/watched")
  const watching = begin(["streams", "watch", "--path", "live/watched"], environment(), { speed: 10 })
  try {
    const { stream } = await onAir(service, key.key_value, "live/watched")
    await expect.poll(() => watching.out.at(-1)).toContain("on air")
    await run("streams", "stop", stream.id)
    await expect.poll(() => watching.out.at(-1)).toMatch(/off air .* \(stopped, after \d+s\)$/)
  } finally {
    await watching.stop()
  }
})

describe("refusals of the real service", () => {
  test("a wrong secret", async () => {
    const { code, stderr } = await greenroom(["streams", "list"], { GREENROOM_URL: service.base, API_SECRET: "wrong" })
    expect(code).toBe(77)
    expect(stderr).toMatch(/^greenroom: Valid credentials are required: .*API_SECRET \(request \S+\)\n$/)
  })

  test("a validation error with all its pointers", async () => {
    const nobody = "0192e4a7-3f5e-4c1c-9d2a-5f0a3a1c7b11"
    const { code, stderr } = await run("keys", "create", "--broadcaster", nobody)
    expect(code).toBe(65)
    expect(stderr).toMatch(/^greenroom: The request is not valid \(request \S+\)\n {2}\/broadcaster_id: Expected .*\n$/)
  })

  test("a conflict", async () => {
    const key = await newKey("live/revoked")
    await run("keys", "revoke", key.id)
    const { code, stderr } = await run("keys", "enable", key.id)
    expect(code).toBe(65)
    expect(stderr).toContain("revoked")
  })

  test("a database that is down", async () => {
    service.trouble("down")
    const listed = await run("streams", "list")
    const health = await run("health", "--json")
    service.trouble("none")
    expect(listed.code).toBe(75)
    expect({ code: health.code, database: JSON.parse(health.stdout).database }).toEqual({
      code: 75,
      database: "unreachable"
    })
  })
})
