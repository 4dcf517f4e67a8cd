/** Broadcasters over HTTP: made, read, listed by pages, changed field by field, deleted with all that is theirs. */
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { assertProblem } from "./support/assertProblem.ts"
import { call, newBroadcaster } from "./support/client.ts"
import { UNKNOWN_ID } from "./support/endpoints.ts"
import { authenticateThrough } from "./support/media.ts"
import { type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start()
  await authenticateThrough(service)
})
afterAll(() => service.close())

const body = { display_name: "Studio One", contact: "ops@studio.example", metadata: { account: 4711, tags: ["a"] } }

describe("a broadcaster", () => {
  it("is created with a Location where it can be read", async () => {
    const created = await call(service, "POST", "/broadcasters", { body })
    expect(created.status).toBe(201)
    expect(created.json).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      external_id: null,
      ...body,
      playback: null,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updated_at: created.json.created_at
    })
    expect(created.headers.get("location")).toBe(`/broadcasters/${created.json.id}`)
    const read = await call(service, "GET", created.headers.get("location") ?? "")
    expect(read.status).toBe(200)
    expect(read.json).toEqual(created.json)
  })

  it("is changed in what is given alone", async () => {
    const { id } = (await call(service, "POST", "/broadcasters", { body })).json
    const change = async (changes: object) =>
      (await call(service, "PATCH", `/broadcasters/${id}`, { body: changes })).json
    expect(await change({ display_name: "Two" })).toMatchObject({ ...body, display_name: "Two" })
    expect(await change({ contact: null })).toMatchObject({ ...body, display_name: "Two", contact: null })
    expect(await change({ metadata: { b: 1 } })).toMatchObject({ display_name: "Two", metadata: { b: 1 } })
    expect(await change({ metadata: null })).toMatchObject({ metadata: {} })
    expect(await change({})).toMatchObject({ display_name: "Two", contact: null, metadata: {} })
  })

  it("is not changed by a change of nothing, nor is the time of its last change", async () => {
    const { id } = (await call(service, "POST", "/broadcasters", { body })).json
    const { json: before } = await call(service, "PATCH", `/broadcasters/${id}`, { body: { display_name: "Two" } })
    await expect.poll(() => Date.now()).toBeGreaterThan(Date.parse(before.updated_at))
    const nothing = await call(service, "PATCH", `/broadcasters/${id}`, { body: {} })
    expect([nothing.status, nothing.json]).toEqual([200, before])
    assertProblem(await call(service, "PATCH", `/broadcasters/${UNKNOWN_ID}`, { body: {} }), "not-found")
  })

  it("is gone after its deletion, and deleting it again finds nobody", async () => {
    const { id } = await newBroadcaster(service)
    const deleted = await call(service, "DELETE", `/broadcasters/${id}`)
    expect(deleted.status).toBe(204)
    expect(deleted.text).toBe("")
    assertProblem(await call(service, "GET", `/broadcasters/${id}`), "not-found")
    assertProblem(await call(service, "DELETE", `/broadcasters/${id}`), "not-found")
    const { broadcasters } = (await call(service, "GET", "/broadcasters?limit=200")).json
    expect(broadcasters.map((one: { id: string }) => one.id)).not.toContain(id)
  })

  it("takes its stream off the air when it is deleted, and its keys are revoked", async () => {
    const { id } = await newBroadcaster(service)
    const key = (await call(service, "POST", "/stream-keys", { body: { broadcaster_id: id, path: null } })).json
    const publisher = await service.run(
      service.media.publishAsked({ protocol: "rtmp", path: "live/leaving", password: key.key_value })
    )
    expect(await service.run(publisher.ready)).toBe(true)
    expect((await call(service, "DELETE", `/broadcasters/${id}`)).status).toBe(204)
    expect(await service.run(publisher.closed)).toBe("kicked")
    expect((await call(service, "GET", `/stream-keys/${key.id}`)).json.status).toBe("revoked")
  })

  it("is deleted with 202 while the media server does not answer", async () => {
    const { id } = await newBroadcaster(service)
    const key = (await call(service, "POST", "/stream-keys", { body: { broadcaster_id: id, path: null } })).json
    const publisher = await service.run(
      service.media.publishAsked({ protocol: "rtmp", path: "live/stays", password: key.key_value })
    )
    await service.run(publisher.ready)
    await service.run(service.freeze)
    const deleted = await call(service, "DELETE", `/broadcasters/${id}`)
    expect(deleted.status).toBe(202)
    expect(deleted.json).toEqual({ id, message: expect.stringMatching(/off the air/) })
    await service.run(service.thaw)
    expect(await service.run(publisher.closed)).toBe("kicked")
    const again = Effect.promise(() => call(service, "DELETE", `/broadcasters/${id}`))
    await service.run(Effect.repeat(again, { until: ({ status }) => status === 404, times: 100 }))
  })
})

describe("an external id", () => {
  const externalId = () => `user ${crypto.randomUUID()} & co`
  const make = (external_id: string | null) =>
    call(service, "POST", "/broadcasters", { body: { display_name: "Studio One", external_id } })
  const find = async (external_id: string) =>
    (await call(service, "GET", `/broadcasters?external_id=${encodeURIComponent(external_id)}`)).json
  const conflict = {
    detail: "Expected an external id that no other broadcaster has",
    errors: [{ pointer: "/external_id", detail: "Expected an external id that no other broadcaster has" }]
  }

  it("is kept, shown and found, whatever else is in the list", async () => {
    const id = externalId()
    expect(await find(id)).toEqual({ broadcasters: [], count: 0, next_cursor: null })
    const { json: made } = await make(id)
    await make(externalId())
    expect(made.external_id).toBe(id)
    expect((await call(service, "GET", `/broadcasters/${made.id}`)).json).toEqual(made)
    expect(await find(id)).toEqual({ broadcasters: [made], count: 1, next_cursor: null })
  })

  it("of another broadcaster is a conflict that points at it, and nothing is written", async () => {
    const id = externalId()
    await make(id)
    const again = await make(id)
    assertProblem(again, "conflict")
    expect(again.json).toMatchObject(conflict)
    const { json: other } = await make(null)
    const change = { external_id: id, display_name: "Changed" }
    const changed = await call(service, "PATCH", `/broadcasters/${other.id}`, { body: change })
    assertProblem(changed, "conflict")
    expect(changed.json).toMatchObject(conflict)
    expect((await call(service, "GET", `/broadcasters/${other.id}`)).json).toEqual(other)
  })

  it("is one of the conflicts that point at a value: the document does not promise it of the others", async () => {
    const { schemas } = (await call(service, "GET", "/openapi.json", { secret: null })).json.components
    expect(schemas.Conflict.properties.errors).toBeDefined()
    expect(schemas.Conflict.required).toEqual(["type", "title", "status", "detail", "instance", "code", "request_id"])
    expect(schemas.ValidationFailed.required).toContain("errors")
  })

  it("is changed, cleared, and free after its broadcaster is deleted", async () => {
    const [first, second] = [externalId(), externalId()]
    const { json: made } = await make(first)
    const change = async (external_id: string | null) =>
      (await call(service, "PATCH", `/broadcasters/${made.id}`, { body: { external_id } })).json.external_id
    expect([await change(second), await change(null), await change(first)]).toEqual([second, null, first])
    expect((await call(service, "DELETE", `/broadcasters/${made.id}`)).status).toBe(204)
    expect((await find(first)).count).toBe(0)
    expect((await make(first)).status).toBe(201)
  })

  it.each([
    ["empty", ""],
    ["blank", "  "],
    ["too long", "x".repeat(256)],
    ["with a control character", "a\u0007b"],
    ["with a line break", "a\nb"]
  ])("that is %s is refused in bodies and in the query", async (_, external_id) => {
    for (const answer of [
      await make(external_id),
      await call(service, "GET", `/broadcasters?external_id=${encodeURIComponent(external_id)}`)
    ]) {
      assertProblem(answer, "validation")
      expect(answer.json.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(["/external_id"])
    }
  })
})

describe("the list", () => {
  it("comes newest first in pages that neither skip nor repeat, and ends with a null cursor", async () => {
    const other = await start()
    try {
      const made: Array<string> = []
      for (let index = 0; index < 7; index++) made.unshift((await newBroadcaster(other, `B${index}`)).id)
      const seen: Array<string> = []
      let cursor: string | null = null
      do {
        const query: string = cursor === null ? "?limit=3" : `?limit=3&cursor=${cursor}`
        const { broadcasters, count, next_cursor, ...rest } = (await call(other, "GET", `/broadcasters${query}`)).json
        expect(rest).toEqual({})
        expect(count).toBe(broadcasters.length)
        seen.push(...broadcasters.map((one: { id: string }) => one.id))
        cursor = next_cursor
      } while (cursor !== null)
      expect([...seen].toSorted()).toEqual([...made].toSorted())
      const dates = (await call(other, "GET", "/broadcasters")).json.broadcasters.map(
        (one: { created_at: string }) => one.created_at
      )
      expect(dates).toEqual([...dates].toSorted().toReversed())
    } finally {
      await other.close()
    }
  })

  it("is empty without anybody", async () => {
    const other = await start()
    try {
      const answer = await call(other, "GET", "/broadcasters")
      expect(answer.json).toEqual({ broadcasters: [], count: 0, next_cursor: null })
    } finally {
      await other.close()
    }
  })
})
