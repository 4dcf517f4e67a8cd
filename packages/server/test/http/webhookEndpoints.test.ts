/** Webhook endpoints over HTTP: made with a secret that is shown once, changed, tested, given events again. */
import type { ServerResponse } from "node:http"
import { Events, WEBHOOK_ENDPOINTS_MAX } from "@greenroom/core"
import { Effect } from "effect"
import { Webhook } from "standardwebhooks"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { assertProblem, pointersOf } from "./support/assertProblem.ts"
import { call, newBroadcaster } from "./support/client.ts"
import { UNKNOWN_ID } from "./support/endpoints.ts"
import { type Received, startReceiver } from "./support/receiver.ts"
import { type Service, type ServiceOptions, start } from "./support/service.ts"

const closing: Array<() => Promise<void>> = []
const serviceOf = async (options: ServiceOptions = {}): Promise<Service> => {
  const made = await start(options)
  closing.push(made.close)
  return made
}
const receiverOf = async (answer: (received: Received, response: ServerResponse) => void) => {
  const made = await startReceiver(answer)
  closing.push(made.close)
  return made
}

let service: Service
beforeEach(async () => {
  service = await serviceOf()
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const UNKNOWN_EVENT = "evt_4711_9f86d081884c7d65"
const URL = "https://app.example.com/hooks?tenant=7"
const create = (body: object = {}) => call(service, "POST", "/webhook-endpoints", { body: { url: URL, ...body } })
const made = async (body: object = {}) => (await create(body)).json
const at = (id: string, more = "") => `/webhook-endpoints/${id}${more}`
const placed = () => service.run(Effect.flatMap(Events, (events) => events.place(1_000)))
/** So many events in the log. */
const eventsOf = async (count: number) => {
  for (let index = 0; index < count; index++) await newBroadcaster(service, `B${index}`)
  return placed()
}

describe("a webhook endpoint", () => {
  it("is created with its secret, which is shown nowhere else", async () => {
    const answer = await create({ types: ["stream.active", "stream.ended", "stream.active"], description: "The app" })
    expect(answer.status).toBe(201)
    const { secret, ...endpoint } = answer.json
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(endpoint).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      url: URL,
      types: ["stream.active", "stream.ended"],
      broadcaster_id: null,
      description: "The app",
      enabled: true,
      disabled_reason: null,
      position: expect.any(Number),
      failing_since: null,
      next_attempt_at: null,
      created_at: expect.stringMatching(/Z$/),
      updated_at: endpoint.created_at
    })
    expect(answer.headers.get("location")).toBe(at(endpoint.id))
    expect(answer.headers.get("cache-control")).toBe("no-store")
    expect((await call(service, "GET", at(endpoint.id))).json).toEqual(endpoint)
    const list = await call(service, "GET", "/webhook-endpoints")
    expect(list.json).toEqual({ webhook_endpoints: [endpoint], count: 1, next_cursor: null })
    expect(JSON.stringify([service.lines, service.spans.map((span) => [...span.attributes])])).not.toContain("whsec_")
  })

  it("has defaults: all types, every broadcaster, enabled; and begins after the newest event", async () => {
    const { newest } = await eventsOf(3)
    const { position, ...endpoint } = await made()
    expect(endpoint).toMatchObject({ types: null, broadcaster_id: null, enabled: true })
    // The leader's own events may have come since.
    expect(position).toBeGreaterThanOrEqual(newest)
    expect(await made({ enabled: false, types: null, broadcaster_id: null, description: null })).toMatchObject({
      enabled: false,
      disabled_reason: null
    })
  })

  it("is refused with all that is wrong at once, also what only the store knows", async () => {
    const answer = await create({ url: "ftp://x", broadcaster_id: UNKNOWN_ID })
    assertProblem(answer, "validation")
    expect([...pointersOf(answer)].toSorted()).toEqual(["/broadcaster_id", "/url"])
    const alone = await create({ broadcaster_id: UNKNOWN_ID })
    expect(alone.json.errors).toEqual([
      { pointer: "/broadcaster_id", detail: "Expected the id of a broadcaster that exists" }
    ])
    const { id } = await newBroadcaster(service)
    expect((await create({ broadcaster_id: id })).status).toBe(201)
  })

  it("is changed in what is given alone, cleared by null, and gone after its deletion", async () => {
    const { secret: _, ...before } = await made({ description: "One", types: ["stream.active"] })
    const change = async (changes: object) => (await call(service, "PATCH", at(before.id), { body: changes })).json
    expect(await change({})).toEqual(before)
    expect(await change({ description: "Two" })).toMatchObject({ ...before, description: "Two", updated_at: /./ })
    expect(await change({ types: null, description: null })).toMatchObject({ types: null, description: null, url: URL })
    expect(await change({ enabled: false })).toMatchObject({ enabled: false, disabled_reason: null })
    expect((await call(service, "DELETE", at(before.id))).status).toBe(204)
    assertProblem(await call(service, "GET", at(before.id)), "not-found")
    assertProblem(await call(service, "DELETE", at(before.id)), "not-found")
  })

  it(`is one of ${WEBHOOK_ENDPOINTS_MAX}: another is a conflict`, async () => {
    for (let index = 0; index < WEBHOOK_ENDPOINTS_MAX; index++) expect((await create()).status).toBe(201)
    assertProblem(await create(), "conflict")
    const { webhook_endpoints } = (await call(service, "GET", "/webhook-endpoints")).json
    expect(webhook_endpoints).toHaveLength(WEBHOOK_ENDPOINTS_MAX)
    await call(service, "DELETE", at(webhook_endpoints[0].id))
    expect((await create()).status).toBe(201)
  })

  it("is not made without a key to encrypt its secret with, with an answer that names it", async () => {
    service = await serviceOf({ webhooks: { key: null } })
    const answer = await create()
    assertProblem(answer, "conflict")
    expect(answer.json.detail).toMatch(/ENCRYPTION_KEY/)
    expect((await call(service, "GET", "/webhook-endpoints")).json.count).toBe(0)
  })

  it.each([
    ["http://127.0.0.1:9/", {}, /public internet/],
    ["http://2130706433/", {}, /public internet/],
    ["http://[::ffff:127.0.0.1]/", {}, /public internet/],
    ["https://10.0.0.1/", {}, /public internet/],
    ["http://app.example.com/", { requireTls: true }, /https/]
  ])("with the URL %s is refused where its address or scheme is not allowed", async (url, more, detail) => {
    service = await serviceOf({ webhooks: { allowPrivate: false, ...more } })
    const { id } = await made()
    for (const answer of [await create({ url }), await call(service, "PATCH", at(id), { body: { url } })]) {
      assertProblem(answer, "validation")
      expect(answer.json.errors).toEqual([{ pointer: "/url", detail: expect.stringMatching(detail) }])
    }
  })
})

describe("an endpoint that is enabled again", () => {
  it("goes on where it stopped, now, or at a place of the log", async () => {
    const { id, position } = await made()
    await call(service, "PATCH", at(id), { body: { enabled: false } })
    const { log, newest } = await eventsOf(4)
    const enable = async (from?: unknown) => {
      await call(service, "PATCH", at(id), { body: { enabled: false } })
      return (await call(service, "PATCH", at(id), { body: { enabled: true, from } })).json
    }
    expect(await enable()).toMatchObject({ enabled: true, position })
    expect((await enable("now")).position).toBeGreaterThanOrEqual(newest)
    expect(await enable(2)).toMatchObject({ position: 2 })
    expect(await enable(`${log}-1`)).toMatchObject({ position: 1 })
  })

  it("does not begin at a place that is not there, or without being enabled", async () => {
    const { id } = await made({ enabled: false })
    const { log, newest } = await eventsOf(2)
    for (const [changes, detail] of [
      [{ enabled: true, from: newest + 1_000 }, new RegExp(`reached: from ${log}-0 to ${log}-\\d+$`)],
      [{ enabled: true, from: `${"0".repeat(16)}-1` }, /restored/],
      [{ from: 1 }, /enabled/],
      [{ enabled: false, from: "now" }, /enabled/]
    ] as const) {
      const answer = await call(service, "PATCH", at(id), { body: changes })
      assertProblem(answer, "validation")
      expect(answer.json.errors).toEqual([{ pointer: "/from", detail: expect.stringMatching(detail) }])
    }
    expect((await call(service, "GET", at(id))).json.enabled).toBe(false)
  })
})

const verified = (secret: string, { headers, body }: Received) => new Webhook(secret).verify(body, headers)

describe("a test", () => {
  it("sends a signed event now, and answers what the receiver answered", async () => {
    const receiver = await receiverOf((_, response) => response.writeHead(202).end("thanks"))
    const { id, secret } = await made({ url: receiver.url, enabled: false })
    const answer = await call(service, "POST", at(id, "/test"))
    expect([answer.status, answer.json]).toEqual([
      200,
      {
        event_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        delivered: true,
        response_status: 202,
        duration_millis: expect.any(Number),
        answer: "thanks"
      }
    ])
    const [one] = receiver.received
    expect(verified(secret, one!)).toEqual({
      id: answer.json.event_id,
      position: null,
      type: "test",
      at: expect.stringMatching(/Z$/),
      stream_seq: null,
      data: { webhook_endpoint_id: id, message: expect.any(String) }
    })
    expect(one?.headers["webhook-id"]).toBe(answer.json.event_id)
    expect((await call(service, "GET", at(id, "/deliveries"))).json.count).toBe(0)
  })

  it("is not delivered where the receiver refuses, or is not there", async () => {
    const receiver = await receiverOf((_, response) => response.writeHead(500).end("no"))
    const { id } = await made({ url: receiver.url })
    const refused = (await call(service, "POST", at(id, "/test"))).json
    expect(refused).toMatchObject({ delivered: false, response_status: 500, answer: "no" })
    await receiver.close()
    const gone = (await call(service, "POST", at(id, "/test"))).json
    expect(gone).toMatchObject({ delivered: false, response_status: null, answer: expect.stringMatching(/^refused: /) })
  })
})

describe("a secret that is rotated", () => {
  it("signs beside the new one, which is shown once", async () => {
    const receiver = await receiverOf((_, response) => response.end())
    const { id, secret } = await made({ url: receiver.url })
    const rotated = await call(service, "POST", at(id, "/rotate-secret"))
    expect([rotated.status, rotated.headers.get("cache-control")]).toEqual([200, "no-store"])
    expect(rotated.json.secret).toMatch(/^whsec_/)
    expect(rotated.json.secret).not.toBe(secret)
    await call(service, "POST", at(id, "/test"))
    for (const one of [secret, rotated.json.secret]) expect(verified(one, receiver.received[0]!)).toMatchObject({})
    const third = (await call(service, "POST", at(id, "/rotate-secret"))).json.secret
    await call(service, "POST", at(id, "/test"))
    expect(verified(third, receiver.received[1]!)).toMatchObject({})
    expect(() => verified(secret, receiver.received[1]!)).toThrow()
  })
})

describe("events sent again", () => {
  it("come in order up to the endpoint's position, as GET /events shows them, and are recorded", async () => {
    const receiver = await receiverOf((_, response) => response.end("ok"))
    await eventsOf(3)
    const { id, secret } = await made({ url: receiver.url, types: ["broadcaster.created"] })
    await eventsOf(2)
    const { events } = (await call(service, "GET", "/events?types=broadcaster.created")).json
    const after = events[0].position
    const answer = await call(service, "POST", at(id, "/redeliver"), { body: { after } })
    expect([answer.status, answer.json]).toEqual([200, { delivered: 2, failed: null, next: null }])
    expect(receiver.received.map((one) => verified(secret, one))).toEqual(events.slice(1, 3))
    const { deliveries, count } = (await call(service, "GET", at(id, "/deliveries"))).json
    expect(count).toBe(2)
    expect(deliveries[0]).toEqual({
      id: expect.any(String),
      event_id: events[2].id,
      type: "broadcaster.created",
      position: events[2].position,
      subject: `broadcaster:${events[2].data.id}`,
      attempt: 1,
      outcome: "delivered",
      response_status: 200,
      duration_millis: expect.any(Number),
      next_attempt_at: null,
      answer: "ok",
      at: expect.stringMatching(/Z$/)
    })
    const single = await call(service, "POST", at(id, "/redeliver"), { body: { event_id: events[1].id } })
    expect(single.json).toEqual({ delivered: 1, failed: null, next: null })
    expect(receiver.received[2]?.headers["webhook-id"]).toBe(events[1].id)
  })

  it("end with the first that is not delivered, and the next call begins there", async () => {
    let isWell = true
    const receiver = await receiverOf((_, response) => {
      response.writeHead(isWell ? 200 : 503).end("busy")
      isWell = !isWell
    })
    const { log } = await eventsOf(3)
    const { id } = await made({ url: receiver.url, types: ["broadcaster.created"] })
    const { events } = (await call(service, "GET", "/events?types=broadcaster.created")).json
    const [one, two, three] = events.map((event: { readonly position: number }) => event.position)
    const { failed, ...first } = (await call(service, "POST", at(id, "/redeliver"), { body: { after: 0 } })).json
    expect(first).toEqual({ delivered: 1, next: `${log}-${two - 1}` })
    expect(failed).toMatchObject({ event_id: events[1].id, delivered: false, response_status: 503, answer: "busy" })
    const { next } = (await call(service, "POST", at(id, "/redeliver"), { body: { after: first.next } })).json
    const last = await call(service, "POST", at(id, "/redeliver"), { body: { after: next } })
    expect(last.json).toEqual({ delivered: 1, failed: null, next: null })
    expect(receiver.received.map(({ body }) => JSON.parse(body).position)).toEqual([one, two, two, three, three])
    const { deliveries } = (await call(service, "GET", at(id, "/deliveries"))).json
    const outcomes = deliveries.map((each: { readonly outcome: string }) => each.outcome).toReversed()
    expect(outcomes).toEqual(["delivered", "failed", "delivered", "failed", "delivered"])
  })

  it("are found by a place or an id that is there, one of the two", async () => {
    const { newest } = await eventsOf(1)
    const { id } = await made()
    for (const [body, pointer] of [
      [{}, ""],
      [{ after: 0, event_id: UNKNOWN_EVENT }, ""],
      [{ after: newest + 1_000 }, "/after"],
      [{ after: `${"0".repeat(16)}-0` }, "/after"],
      [{ event_id: UNKNOWN_EVENT }, "/event_id"]
    ] as const) {
      const answer = await call(service, "POST", at(id, "/redeliver"), { body })
      assertProblem(answer, "validation")
      expect(pointersOf(answer)).toEqual([pointer])
    }
  })
})
