/** Stream keys over HTTP: shown once, listed without their value, suspended, moved, revoked. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { assertProblem } from "./support/assertProblem.ts"
import { call, newBroadcaster, newKey, publishCall } from "./support/client.ts"
import { authenticateThrough, onAir } from "./support/media.ts"
import { type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start()
  await authenticateThrough(service)
})
afterAll(() => service.close())

const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString()

describe("a new key", () => {
  it("is shown once, with what to type into an encoder, and not to be stored on the way", async () => {
    const { id: broadcaster_id } = await newBroadcaster(service)
    const body = { broadcaster_id, label: "Main camera", path: "live/studio-1", expires_at: tomorrow() }
    const issued = await call(service, "POST", "/stream-keys", { body })
    expect(issued.status).toBe(201)
    expect(issued.headers.get("cache-control")).toBe("no-store")
    expect(issued.headers.get("location")).toBe(`/stream-keys/${issued.json.id}`)
    const { key_value, ingest, ...key } = issued.json
    expect(key_value).toMatch(/^sk_[0-9A-Za-z_-]{43}$/)
    expect(key).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      key_prefix: key_value.slice(0, 7),
      broadcaster_id,
      broadcaster: { id: broadcaster_id, display_name: "Studio One", deleted: false },
      label: "Main camera",
      path: "live/studio-1",
      playback: null,
      status: "active",
      active_stream_id: null,
      created_at: expect.any(String),
      expires_at: body.expires_at,
      revoked_at: null,
      revokes_at: null,
      rotated_to: null,
      rotated_from: null,
      blocked_until: null,
      blocked_path: null,
      last_used_at: null
    })
    expect(ingest).toEqual({
      obs: { server: "rtmp://media.example.com/live", stream_key: `studio-1?user=greenroom&pass=${key_value}` },
      rtmp: `rtmp://media.example.com/live/studio-1?user=greenroom&pass=${key_value}`,
      rtsp: `rtsp://greenroom:${key_value}@media.example.com:8554/live/studio-1`,
      srt: expect.stringContaining(`streamid=publish:live/studio-1:greenroom:${key_value}`),
      srt_streamid: `publish:live/studio-1:greenroom:${key_value}`,
      whip: { url: "https://media.example.com/live/studio-1/whip", bearer: key_value }
    })
    for (const path of [`/stream-keys/${key.id}`, "/stream-keys"]) {
      const read = await call(service, "GET", path)
      expect(read.status).toBe(200)
      expect(read.text).not.toContain(key_value)
      expect(read.text).not.toContain("key_value")
    }
    expect((await call(service, "GET", `/stream-keys/${key.id}`)).json).toEqual(key)
  })

  it("publishes on a path made from its id, unless it has one", async () => {
    const free = await newKey(service)
    expect(free.ingest.whip.url).toBe(`https://media.example.com/live/${free.id.slice(0, 8)}/whip`)
    const pattern = await newKey(service, { path: "stage/**" })
    expect(pattern.ingest.whip.url).toBe(`https://media.example.com/stage/${pattern.id.slice(0, 8)}/whip`)
  })

  it("is limited to its own path when no path was sent, and to nothing when null was", async () => {
    const { id } = await newBroadcaster(service)
    const issue = async (more: Record<string, unknown> = {}) =>
      (await call(service, "POST", "/stream-keys", { body: { broadcaster_id: id, ...more } })).json
    const own = await issue()
    expect(own.path).toBe(`live/${own.id.slice(0, 8)}`)
    expect(own.ingest.whip.url).toBe(`https://media.example.com/${own.path}/whip`)
    expect((await issue({ path: null })).path).toBeNull()
  })

  it("has the same instructions later, without the key, also once it is revoked", async () => {
    const limits = [
      { path: "live/studio-2" },
      { path: "stage/*" },
      { path: "live/**" },
      {},
      { path: `live/${"x".repeat(440)}` }
    ]
    for (const limit of limits) {
      const { id, key_value, ingest } = await newKey(service, limit)
      const template = JSON.parse(JSON.stringify(ingest).replaceAll(key_value, "{key}"))
      expect([limit, await call(service, "GET", `/stream-keys/${id}/ingest`)]).toEqual([
        limit,
        expect.objectContaining({ status: 200, json: template })
      ])
      await call(service, "DELETE", `/stream-keys/${id}`)
      expect((await call(service, "GET", `/stream-keys/${id}/ingest`)).json).toEqual(template)
    }
  })

  it("publishes nowhere where another broadcaster's key has its own path", async () => {
    const owner = await newKey(service)
    const path = `live/${owner.id.slice(0, 8)}`
    const ask = (key: string) => call(service, "POST", "/auth", { secret: null, body: publishCall(key, { path }) })
    for (const limit of [null, "live/*", "live/**"]) {
      const other = await newKey(service, { path: limit })
      assertProblem(await ask(other.key_value), "path-not-allowed")
    }
    const { id } = await newBroadcaster(service)
    const claim = await call(service, "POST", "/stream-keys", { body: { broadcaster_id: id, path } })
    assertProblem(claim, "conflict")
    expect((await ask(owner.key_value)).status).toBe(200)
  })

  it("has no instructions where there is no public address", async () => {
    const hidden = await start({ publicUrl: null })
    try {
      const { ingest } = await newKey(hidden)
      expect(ingest).toEqual({ obs: null, rtmp: null, rtsp: null, srt: null, srt_streamid: null, whip: null })
    } finally {
      await hidden.close()
    }
  })

  it("is refused a path that belongs to another broadcaster's key", async () => {
    const first = await newKey(service, { path: "live/taken" })
    const { id } = await newBroadcaster(service)
    const second = () => call(service, "POST", "/stream-keys", { body: { broadcaster_id: id, path: "live/taken" } })
    assertProblem(await second(), "conflict")
    await call(service, "DELETE", `/stream-keys/${first.id}`)
    expect((await second()).status).toBe(201)
  })
})

describe("the list", () => {
  it("is filtered by broadcaster and by several statuses", async () => {
    const { id: broadcaster_id } = await newBroadcaster(service)
    const keys: Array<string> = []
    for (let index = 0; index < 3; index++) {
      keys.push((await call(service, "POST", "/stream-keys", { body: { broadcaster_id } })).json.id)
    }
    await call(service, "DELETE", `/stream-keys/${keys[0]}`)
    await call(service, "PATCH", `/stream-keys/${keys[1]}`, { body: { enabled: false } })
    const list = async (query: string) =>
      (await call(service, "GET", `/stream-keys?broadcaster_id=${broadcaster_id}${query}`)).json
    const statuses = (page: { stream_keys: ReadonlyArray<{ status: string }> }) =>
      page.stream_keys.map(({ status }) => status).toSorted()
    expect(statuses(await list(""))).toEqual(["active", "disabled", "revoked"])
    expect(statuses(await list("&status=disabled"))).toEqual(["disabled"])
    expect(statuses(await list("&status=revoked,active"))).toEqual(["active", "revoked"])
    expect(await list("&status=expired")).toEqual({ stream_keys: [], count: 0, next_cursor: null })
    const first = await list("&limit=2")
    expect(first.count).toBe(2)
    const second = await list(`&limit=2&cursor=${first.next_cursor}`)
    expect([second.count, second.next_cursor]).toEqual([1, null])
  })
})

describe("the whole list", () => {
  it("leaves out the keys of deleted broadcasters unless they are asked for, and counts what it lists where that is asked for", async () => {
    const keys = [await newKey(service), await newKey(service)]
    await call(service, "DELETE", `/broadcasters/${keys[0].broadcaster_id}`)
    const list = async (query: string) => (await call(service, "GET", `/stream-keys?limit=1000${query}`)).json
    const idsOf = (page: { stream_keys: ReadonlyArray<{ id: string }> }) => page.stream_keys.map(({ id }) => id)
    const [without, all] = [await list(""), await list("&deleted=true&total=true")]
    expect(idsOf(without)).toContain(keys[1].id)
    expect(idsOf(without)).not.toContain(keys[0].id)
    expect(without).not.toHaveProperty("total")
    expect(all.total).toBe(all.stream_keys.length)
    expect(all.stream_keys.find((key: { id: string }) => key.id === keys[0].id)).toMatchObject({
      status: "revoked",
      broadcaster: { id: keys[0].broadcaster_id, display_name: "Studio One", deleted: true }
    })
    const page = (await call(service, "GET", "/stream-keys?limit=1&total=true&status=active,revoked")).json
    expect([page.count, page.total]).toEqual([1, (await list("&status=active,revoked")).count])
    const broadcasters = (await call(service, "GET", "/broadcasters?limit=1&total=true")).json
    expect(broadcasters.total).toBe((await call(service, "GET", "/broadcasters?limit=1000")).json.count)
    for (const query of ["limit=1001", "total=yes", "deleted=1"]) {
      assertProblem(await call(service, "GET", `/stream-keys?${query}`), "validation")
    }
  })
})

describe("a change", () => {
  it("touches what is given alone, and null clears", async () => {
    const key = await newKey(service, { label: "A", expires_at: tomorrow() })
    const change = async (body: object) => (await call(service, "PATCH", `/stream-keys/${key.id}`, { body })).json
    expect(await change({ label: "B" })).toMatchObject({ label: "B", expires_at: key.expires_at })
    expect(await change({ expires_at: null })).toMatchObject({ label: "B", expires_at: null })
    expect(await change({ label: null })).toMatchObject({ label: null })
    expect(await change({ expires_at: "2999-01-01T02:00:00+02:00" })).toMatchObject({
      expires_at: "2999-01-01T00:00:00.000Z"
    })
  })

  it("suspends the key with its stream, and lets it publish again", async () => {
    const key = await newKey(service)
    const { publisher } = await onAir(service, key.key_value, "live/suspended")
    const suspended = await call(service, "PATCH", `/stream-keys/${key.id}`, { body: { enabled: false } })
    expect([suspended.status, suspended.json.status]).toEqual([200, "disabled"])
    expect(await service.run(publisher.closed)).toBe("kicked")
    const resumed = await call(service, "PATCH", `/stream-keys/${key.id}`, { body: { enabled: true } })
    expect(resumed.json.status).toBe("active")
    await onAir(service, key.key_value, "live/suspended")
  })

  it("of a revoked key is a conflict", async () => {
    const key = await newKey(service)
    await call(service, "DELETE", `/stream-keys/${key.id}`)
    for (const body of [{ label: "x" }, { enabled: true }, { expires_at: null }]) {
      assertProblem(await call(service, "PATCH", `/stream-keys/${key.id}`, { body }), "conflict")
    }
  })
})

describe("a revocation", () => {
  it("is 204 at once without a stream, however often", async () => {
    const key = await newKey(service)
    for (let times = 0; times < 3; times++) {
      const revoked = await call(service, "DELETE", `/stream-keys/${key.id}`)
      expect([revoked.status, revoked.text]).toEqual([204, ""])
    }
    const read = (await call(service, "GET", `/stream-keys/${key.id}`)).json
    expect(read).toMatchObject({ status: "revoked", revoked_at: expect.any(String) })
  })

  it("is 204 when its stream has left the media server", async () => {
    const key = await newKey(service)
    const { publisher, stream } = await onAir(service, key.key_value, "live/revoked")
    const before = (await call(service, "GET", `/stream-keys/${key.id}`)).json
    expect(before).toMatchObject({ status: "in_use", active_stream_id: stream.id, last_used_at: stream.started_at })
    expect((await call(service, "DELETE", `/stream-keys/${key.id}`)).status).toBe(204)
    expect(await service.run(publisher.closed)).toBe("kicked")
    const ended = (await call(service, "GET", `/streams/${stream.id}`)).json
    expect(ended).toMatchObject({ status: "inactive", end_reason: "revoked", ending: null })
  })

  it("is 202 with the key while that cannot be confirmed, and 204 when it can", async () => {
    const key = await newKey(service)
    const { publisher, stream } = await onAir(service, key.key_value, "live/revoked-late")
    await service.run(service.freeze)
    const revoked = await call(service, "DELETE", `/stream-keys/${key.id}`)
    expect(revoked.status).toBe(202)
    expect(revoked.json).toMatchObject({ id: key.id, status: "revoked", active_stream_id: stream.id })
    expect((await call(service, "GET", `/streams/${stream.id}`)).json.ending).toEqual({
      reason: "revoked",
      requested_at: expect.any(String)
    })
    await service.run(service.thaw)
    expect(await service.run(publisher.closed)).toBe("kicked")
    expect((await call(service, "DELETE", `/stream-keys/${key.id}`)).status).toBe(204)
    expect((await call(service, "GET", `/stream-keys/${key.id}`)).json.active_stream_id).toBeNull()
  })
})
