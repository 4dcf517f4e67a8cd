/** An operator's word: a look now, a mass kick, and a stop that does not wait for a media server that cannot be asked. Hooks, too. */
import { MediaServer } from "@greenroom/core"
import type { Publisher } from "@greenroom/mediamtx-simulator"
import { Effect } from "effect"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { assertProblem } from "./support/assertProblem.ts"
import { call } from "./support/client.ts"
import { authenticateThrough, onAir } from "./support/media.ts"
import { HOOK_SECRET, type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start({ hookSecret: HOOK_SECRET })
})
afterEach(async () => {
  service.trouble("none")
  await service.run(service.thaw)
})
afterAll(() => service.close())

const reconcile = (body: unknown) => call(service, "POST", "/reconcile", { body })
const silent = { interval: 50 }
const hookHeaders = { authorization: `Bearer ${HOOK_SECRET}` }

const newKey = async () => {
  const broadcaster = (await call(service, "POST", "/broadcasters", { body: { display_name: "One" } })).json.id
  return (await call(service, "POST", "/stream-keys", { body: { broadcaster_id: broadcaster, path: null } })).json
    .key_value
}

/** Publishers whom nobody asked about. A look sees all of them, or none: a few it would kick. */
const strangers = async (count: number) => {
  await service.run(service.freeze)
  await service.run(service.media.authenticateWith(() => Effect.succeed(true)))
  const all: Array<Publisher> = []
  for (let n = 0; n < count; n++) {
    const publisher = await service.run(
      service.media.publishAsked({ protocol: "rtmp", path: `live/stranger-${n}`, password: "" })
    )
    await service.run(publisher.ready)
    all.push(publisher)
  }
  await authenticateThrough(service, hookHeaders)
  await service.run(service.thaw)
  return all
}

describe("POST /reconcile", () => {
  it("says of a busy media server what is held back, and with enforce rids it of all", async () => {
    const all = await strangers(12)
    await expect
      .poll(async () => (await reconcile({})).json)
      .toMatchObject({
        fresh: true,
        publishers: 12,
        unauthorized: 12,
        kicked: 0,
        reported: 0,
        held_back: 12
      })
    const health = await call(service, "GET", "/health", { secret: null })
    expect([health.status, health.json.status, health.json.unauthorized_publishers]).toEqual([200, "ok", 12])
    const metrics = await call(service, "GET", "/metrics", { secret: null })
    expect(metrics.text).toMatch(/greenroom_unauthorized_publishers.* 12\n/)
    expect(metrics.text).toMatch(/greenroom_degraded\{.*kind="mass_kick_held_back".*\} 1\n/)
    expect(service.lines.filter(({ text }) => text.includes("12 publishers have no session here"))).toHaveLength(1)

    await expect
      .poll(async () => (await reconcile({ enforce: true })).json)
      .toMatchObject({ fresh: true, publishers: 0, unauthorized: 0, held_back: 0 })
    for (const { closed } of all) expect(await service.run(closed)).toBe("kicked")
    expect((await call(service, "GET", "/health", { secret: null })).json.unauthorized_publishers).toBe(0)
  })

  it("says that it could not look", async () => {
    await service.run(service.freeze)
    const answer = await reconcile({})
    expect([answer.status, answer.json.fresh]).toEqual([200, false])
  })

  it("wants a boolean", async () => {
    assertProblem(await reconcile({ enforce: "yes" }), "validation")
  })
})

describe("while the media server cannot be asked", () => {
  /** Whether the port answers is known at once; that nobody has looked for three seconds takes three. */
  const lost = async () => {
    await service.run(service.freeze)
    const asks = Effect.flatMap(MediaServer, (server) => server.health)
    await expect.poll(() => service.run(asks), silent).toBe("unreachable")
  }

  it("DELETE /streams/{id}?force=true frees the key; before, it is a conflict", async () => {
    const key = await newKey()
    const { stream, publisher } = await onAir(service, key, "live/force")
    assertProblem(await call(service, "DELETE", `/streams/${stream.id}?force=true`), "conflict")
    expect((await call(service, "GET", `/streams/${stream.id}`)).json.status).toBe("active")
    await lost()
    await expect
      .poll(async () => (await call(service, "DELETE", `/streams/${stream.id}?force=true`)).status, silent)
      .toBe(204)
    const ended = await call(service, "GET", `/streams/${stream.id}`)
    expect([ended.json.status, ended.json.end_reason]).toEqual(["inactive", "stopped"])
    const { events } = (await call(service, "GET", `/streams/${stream.id}/events`)).json
    expect(events.map(({ type }: { type: string }) => type)).toEqual(["admitted", "ready", "stop_requested", "ended"])
    expect((await call(service, "DELETE", `/streams/${stream.id}?force=true`)).status).toBe(204)
    const auth = { action: "publish", path: "live/force", protocol: "rtmp", id: "another", password: key }
    const admitted = await call(service, "POST", "/auth", { body: auth, secret: null, headers: hookHeaders })
    expect(admitted.status).toBe(200)
    await service.run(service.thaw)
    await service.run(publisher.closed)
  })

  it("DELETE wants true or false, and a stream that is there", async () => {
    const unknown = "0192e4a7-3f5e-4c1c-9d2a-5f0a3a1c7b11"
    assertProblem(await call(service, "DELETE", `/streams/${unknown}?force=yes`), "validation")
    assertProblem(await call(service, "DELETE", `/streams/${unknown}?force=true`), "stream-not-found")
  })

  it("a hook that comes with the secret is believed: ready, and not ready", async () => {
    const key = await newKey()
    await lost()
    const id = "2d88d6ec-6d2b-4b5e-9a53-2f2a5b1f9f10"
    const body = { action: "publish", path: "live/hooked", protocol: "srt", id, password: key }
    const auth = await call(service, "POST", "/auth", { body, secret: null, headers: hookHeaders })
    const status = async () => (await call(service, "GET", `/streams/${auth.json.stream_id}`)).json
    const hook = { path: "live/hooked", source_type: "srtConn", source_id: id }
    const send = (kind: string) =>
      call(service, "POST", `/webhook/${kind}`, { body: hook, secret: null, headers: hookHeaders })
    expect((await send("ready")).status).toBe(204)
    await expect.poll(status, silent).toMatchObject({ status: "active", source_type: "srtConn" })
    expect((await send("not-ready")).status).toBe(204)
    await expect.poll(status, silent).toMatchObject({ status: "inactive", end_reason: "disconnected" })
  })
})
