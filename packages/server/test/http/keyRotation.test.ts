/** Rotating a stream key over HTTP, and keeping a stopped encoder off its path. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { assertProblem } from "./support/assertProblem.ts"
import { call, newKey, publishCall } from "./support/client.ts"
import { authenticateThrough, onAir } from "./support/media.ts"
import { type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start()
  await authenticateThrough(service)
})
afterAll(() => service.close())

const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString()
const read = async (id: string) => (await call(service, "GET", `/stream-keys/${id}`)).json

describe("a rotation", () => {
  const rotate = (id: string, body: object = {}) => call(service, "POST", `/stream-keys/${id}/rotate`, { body })

  it("shows the new key once, for the same grant and ingest path, and when the old one will be revoked", async () => {
    for (const limit of [{}, { path: null }, { path: "stage/*" }]) {
      const old = await newKey(service, { label: "Main camera", expires_at: tomorrow(), ...limit })
      const { key_value: oldValue, ingest: oldIngest, ...before } = old
      const rotated = await rotate(old.id, { overlap_seconds: 3600 })
      expect(rotated.status).toBe(201)
      expect(rotated.headers.get("cache-control")).toBe("no-store")
      expect(rotated.headers.get("location")).toBe(`/stream-keys/${rotated.json.id}`)
      const { key_value, ingest, ...key } = rotated.json
      expect(key).toEqual({
        ...before,
        id: key.id,
        key_prefix: key_value.slice(0, 7),
        created_at: key.created_at,
        rotated_from: old.id
      })
      expect(JSON.parse(JSON.stringify(ingest).replaceAll(key_value, oldValue))).toEqual(oldIngest)
      const revokes_at = new Date(Date.parse(key.created_at) + 3_600_000).toISOString()
      expect(await read(old.id)).toEqual({ ...before, rotated_to: key.id, revokes_at })
    }
  })

  it("without an overlap takes the old key's stream off the air, and the new key finds the path free", async () => {
    const old = await newKey(service)
    const path = `live/${old.id.slice(0, 8)}`
    const { publisher, stream } = await onAir(service, old.key_value, path)
    const { json: fresh } = await rotate(old.id)
    expect(await service.run(publisher.closed)).toBe("kicked")
    expect(await read(old.id)).toMatchObject({ status: "revoked", revokes_at: null, rotated_to: fresh.id })
    expect((await call(service, "GET", `/streams/${stream.id}`)).json.end_reason).toBe("revoked")
    await onAir(service, fresh.key_value, path)
  })

  it("with an overlap leaves the old key's stream on the air until the new key's encoder takes over", async () => {
    const old = await newKey(service)
    const path = `live/${old.id.slice(0, 8)}`
    const { publisher, stream } = await onAir(service, old.key_value, path)
    const { json: fresh } = await rotate(old.id, { overlap_seconds: 60 })
    expect(await read(old.id)).toMatchObject({ status: "in_use", active_stream_id: stream.id })
    const body = publishCall(fresh.key_value, { path })
    expect((await call(service, "POST", "/auth", { secret: null, body })).status).toBe(200)
    expect(await service.run(publisher.closed)).toBe("kicked")
    const { events } = (await call(service, "GET", `/streams/${stream.id}/events`)).json
    expect(events[2]).toMatchObject({ type: "stop_requested", data: { reason: "superseded" } })
  })

  it("ends the old key's stream when the overlap ends, and shows the revocation as of that moment", async () => {
    const old = await newKey(service)
    const { publisher } = await onAir(service, old.key_value, `live/${old.id.slice(0, 8)}`)
    await rotate(old.id, { overlap_seconds: 1 })
    const { revokes_at } = await read(old.id)
    expect(await service.run(publisher.closed)).toBe("kicked")
    expect(await read(old.id)).toMatchObject({ status: "revoked", revoked_at: revokes_at, revokes_at: null })
  })

  it("is a conflict for a key that is revoked, was rotated, or whose predecessor still publishes, and says what to do", async () => {
    const old = await newKey(service)
    const { json: fresh } = await rotate(old.id, { overlap_seconds: 60 })
    const again = await rotate(old.id)
    assertProblem(again, "conflict")
    expect(again.json.detail).toContain(fresh.id)
    const early = await rotate(fresh.id)
    assertProblem(early, "conflict")
    expect(early.json.detail).toContain(`DELETE /stream-keys/${old.id}`)
    await call(service, "DELETE", `/stream-keys/${old.id}`)
    assertProblem(await rotate(old.id), "conflict")
    expect((await rotate(fresh.id)).status).toBe(201)
  })

  it.each([-1, 604_801, 1.5, "60"])("takes no overlap of %s", async (overlap_seconds) => {
    const key = await newKey(service)
    const answer = await rotate(key.id, { overlap_seconds })
    assertProblem(answer, "validation")
    expect(answer.json.errors[0].pointer).toBe("/overlap_seconds")
    expect((await read(key.id)).rotated_to).toBeNull()
  })
})

describe("a block", () => {
  it("is shown on the key, and lifted by a change", async () => {
    const key = await newKey(service)
    const path = `live/${key.id.slice(0, 8)}`
    const { stream } = await onAir(service, key.key_value, path)
    expect((await call(service, "DELETE", `/streams/${stream.id}?block_seconds=60`)).status).toBe(204)
    const blocked = await read(key.id)
    expect(blocked).toMatchObject({ status: "active", blocked_path: path, blocked_until: expect.any(String) })
    const ask = () => call(service, "POST", "/auth", { secret: null, body: publishCall(key.key_value, { path }) })
    const refused = await ask()
    assertProblem(refused, "stream-key-blocked")
    expect(refused.json.detail).toContain(blocked.blocked_until)
    const lifted = await call(service, "PATCH", `/stream-keys/${key.id}`, { body: { blocked_until: null } })
    expect(lifted.json).toMatchObject({ blocked_until: null, blocked_path: null })
    expect((await ask()).status).toBe(200)
  })

  it("does not hit the stream that is there now, when it was meant for one that has ended", async () => {
    const key = await newKey(service)
    const path = `live/${key.id.slice(0, 8)}`
    const { stream: former } = await onAir(service, key.key_value, path)
    expect((await call(service, "DELETE", `/streams/${former.id}`)).status).toBe(204)
    const { stream: present } = await onAir(service, key.key_value, path)
    const answer = await call(service, "DELETE", `/streams/${former.id}?block_seconds=60`)
    assertProblem(answer, "validation")
    expect(answer.json.errors[0]).toMatchObject({
      pointer: "/block_seconds",
      detail: expect.stringContaining(present.id)
    })
    expect((await read(key.id)).blocked_until).toBeNull()
    expect((await call(service, "DELETE", `/streams/${present.id}?block_seconds=60`)).status).toBe(204)
  })

  it("takes no time outside of an hour, and no other change of its end", async () => {
    const key = await newKey(service)
    const { stream } = await onAir(service, key.key_value, `live/${key.id.slice(0, 8)}`)
    for (const seconds of ["0", "3601", "1.5", "-1", "x", ""]) {
      const answer = await call(service, "DELETE", `/streams/${stream.id}?block_seconds=${seconds}`)
      assertProblem(answer, "validation")
      expect(answer.json.errors[0].pointer).toBe("/block_seconds")
    }
    const change = { body: { blocked_until: "2999-01-01T00:00:00Z" } }
    assertProblem(await call(service, "PATCH", `/stream-keys/${key.id}`, change), "validation")
    expect((await call(service, "GET", `/streams/${stream.id}`)).json.status).toBe("active")
  })
})
