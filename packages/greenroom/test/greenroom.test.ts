/** `createGreenroom` over memory and a fake MediaMTX, from outside, as a host uses it. */
import { once } from "node:events"
import { Agent, createServer, request } from "node:http"
import type { AddressInfo } from "node:net"
import { type FakeMediaMtx, fakeMediaMtx } from "@greenroom/testing"
import { afterEach, describe, expect, it } from "vitest"
import {
  createGreenroom,
  type Greenroom,
  GreenroomError,
  type GreenroomOptions,
  type StreamEvent
} from "../src/index.ts"
import { toNodeHandler } from "../src/node.ts"

const SECRET = "a secret of some length"

let closing: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const close of closing.toReversed()) await close()
  closing = []
})

interface Host {
  readonly gr: Greenroom
  readonly media: FakeMediaMtx
  readonly origin: string
}

const host = async (options: Partial<GreenroomOptions> = {}): Promise<Host> => {
  const media = await fakeMediaMtx()
  closing.push(() => media.stop())
  const gr = await createGreenroom({
    database: "memory",
    mediaMtx: { apiUrl: media.apiUrl, secret: SECRET },
    publicUrl: "https://media.example.com",
    logger: () => {},
    ...options
  })
  closing.push(() => gr.close())
  const server = createServer(toNodeHandler(gr))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  closing.push(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
  const { port } = server.address() as AddressInfo
  await media.authenticateAt(`http://mediamtx:${encodeURIComponent(SECRET)}@127.0.0.1:${port}/mtx/auth`)
  return { gr, media, origin: `http://127.0.0.1:${port}` }
}

const account = { externalId: "user-4711", displayName: "Ada" }

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "resolved",
    (error: unknown) => (error instanceof GreenroomError ? [error.code, error.argument] : error)
  )

describe("an actor", () => {
  it("is limited to its broadcaster, and is named by the audit log", async () => {
    const { gr, origin } = await host({ rest: true, basePath: "/greenroom" })
    const ada = await gr.broadcasters.upsert(account)
    const bob = await gr.broadcasters.upsert({ externalId: "user-4712", displayName: "Bob" })
    const hers = await gr
      .as({ name: "ada@example.com", broadcasterId: ada.id, requestId: "r-1" })
      .keys.create({ broadcaster: { id: ada.id } })
    const his = gr.as({ name: "bob@example.com", broadcasterId: bob.id })
    expect(await his.keys.list()).toEqual([])
    expect(await his.keys.get(hers.key.id)).toBeNull()
    expect(await codeOf(his.keys.create({ broadcaster: { id: ada.id } }))).not.toBe("resolved")
    expect(await his.broadcasters.get({ id: ada.id })).toBeNull()
    expect(await codeOf(his.broadcasters.upsert({ ...account, displayName: "Bob's" }))).not.toBe("resolved")
    expect(await codeOf(his.broadcasters.upsert({ externalId: "user-4713", displayName: "New" }))).not.toBe("resolved")
    expect((await his.broadcasters.upsert({ externalId: "user-4712", displayName: "Bobby" })).id).toBe(bob.id)
    expect((await gr.broadcasters.get({ id: ada.id }))?.displayName).toBe("Ada")
    const answer = await fetch(`${origin}/greenroom/audit-logs?resource_id=${hers.key.id}`, {
      headers: { "x-api-key": SECRET }
    })
    const { audit_logs } = (await answer.json()) as { audit_logs: ReadonlyArray<Record<string, unknown>> }
    expect(audit_logs).toHaveLength(1)
    expect(audit_logs[0]).toMatchObject({ action: "stream_key.create", request_id: "r-1" })
    expect(audit_logs[0]!.actor).toEqual({ type: "application", token_id: null, name: "ada@example.com" })
  })

  it("needs a name", async () => {
    const { gr } = await host()
    for (const [actor, argument] of [
      [{ name: "" }, "actor.name"],
      [{ name: "x".repeat(256) }, "actor.name"],
      [{ name: "x", broadcasterId: 7 }, "actor.broadcasterId"],
      [{ name: "x", userAgent: "\u0000" }, "actor.userAgent"]
    ] as const)
      expect(() => gr.as(actor as never)).toThrow(expect.objectContaining({ code: "invalid_argument", argument }))
  })
})

describe("a host", () => {
  it("admits a publisher, lists it with its URLs, and takes it off the air", async () => {
    const { gr, media } = await host()
    const ada = await gr.broadcasters.upsert({ ...account, metadata: { plan: "pro" } })
    const { key, value, ingest } = await gr.keys.create({ broadcaster: { externalId: "user-4711" }, label: "Camera" })
    expect(key).toMatchObject({ broadcasterId: ada.id, label: "Camera", status: "active", path: ingest.path })
    expect(value).toMatch(/^sk_/)

    const publisher = await media.publish({ protocol: "rtmp", path: ingest.path, key: value })
    expect(publisher.admitted).toBe(true)
    await expect.poll(() => gr.streams.live({ status: "active" })).toHaveLength(1)
    const [stream] = await gr.streams.live({ broadcaster: { id: ada.id } })
    expect(stream).toMatchObject({ path: ingest.path, keyId: key.id, title: "Camera", protocol: "rtmp" })
    expect(stream?.urls.hls).toBe(`https://media.example.com/${ingest.path}/index.m3u8`)
    expect(await gr.keys.get(key.id)).toMatchObject({ status: "in_use", activeStreamId: stream?.id })
    expect(await gr.streams.annotate(stream!.id, { title: "Evening" })).toMatchObject({ title: "Evening" })

    expect(await gr.keys.revoke(key.id)).toEqual({ offAir: true })
    expect(await publisher.closed).toBe("kicked")
    expect(await gr.streams.get(stream!.id)).toMatchObject({ status: "inactive", endReason: "revoked" })
    expect(await gr.keys.list({ status: ["revoked"] })).toHaveLength(1)
    expect(await media.publish({ protocol: "rtmp", path: ingest.path, key: value })).toMatchObject({ admitted: false })
  })

  it("finds no broadcaster, key or stream that is not there", async () => {
    const { gr } = await host()
    const id = "0192e4a7-3f5e-7c1c-9d2a-5f0a3a1c7b11"
    expect(await gr.broadcasters.get({ externalId: "nobody" })).toBeNull()
    expect(await gr.broadcasters.remove({ id })).toBeNull()
    expect(await gr.keys.get(id)).toBeNull()
    expect(await gr.keys.revoke(id)).toBeNull()
    expect(await gr.streams.stop(id)).toBeNull()
    expect(await codeOf(gr.keys.change(id, { enabled: false }))).toEqual(["not_found", null])
    expect(await codeOf(gr.keys.create({ broadcaster: { externalId: "nobody" } }))).toEqual([
      "unknown_broadcaster",
      null
    ])
  })

  it("gets a clear error for an argument that cannot be", async () => {
    const { gr } = await host()
    await gr.broadcasters.upsert(account)
    const broadcaster = { externalId: account.externalId }
    expect(await codeOf(gr.keys.revoke("xyz"))).toEqual(["invalid_argument", "id"])
    const missing = undefined as never
    expect(await codeOf(gr.broadcasters.upsert(missing))).toEqual(["invalid_argument", "broadcaster"])
    expect(await codeOf(gr.keys.create(missing))).toEqual(["invalid_argument", "key"])
    expect(await codeOf(gr.keys.list(null as never))).toEqual(["invalid_argument", "filter"])
    expect(await codeOf(gr.streams.annotate("xyz", missing))).toEqual(["invalid_argument", "annotation"])
    expect(await codeOf(gr.broadcasters.upsert({ externalId: "", displayName: "x" }))).toEqual([
      "invalid_argument",
      "externalId"
    ])
    expect(await codeOf(gr.keys.create({ broadcaster, path: "//" }))).toEqual(["invalid_argument", "path"])
    expect(await codeOf(gr.keys.create({ broadcaster, expiresAt: "soon" }))).toEqual(["invalid_argument", "expiresAt"])
    expect(await codeOf(gr.keys.create({ broadcaster, expiresAt: new Date(0) }))).toEqual([
      "expiry_in_past",
      "expiresAt"
    ])
    expect(await codeOf(gr.streams.live({ limit: 0 }))).toEqual(["invalid_argument", "limit"])
    expect(await codeOf(gr.streams.live({ limit: null as never }))).toEqual(["invalid_argument", "limit"])
    expect(() => gr.on("nothing" as "stream.active", () => {})).toThrow(/expected one of/)
  })

  it("has each path for one broadcaster", async () => {
    const { gr } = await host()
    await gr.broadcasters.upsert(account)
    await gr.broadcasters.upsert({ externalId: "user-1", displayName: "Bo" })
    await gr.keys.create({ broadcaster: { externalId: account.externalId }, path: "live/ada" })
    expect(await codeOf(gr.keys.create({ broadcaster: { externalId: "user-1" }, path: "live/ada" }))).toEqual([
      "path_taken",
      "path"
    ])
  })

  it("learns what happens, in order, by handlers and as an iterator", async () => {
    const { gr, media } = await host()
    const active: Array<StreamEvent> = []
    const stop = gr.on("stream.active", (event) => active.push(event))
    const all: Array<string> = []
    const consumed = (async () => {
      for await (const event of gr.events({ path: "live/ada" })) {
        all.push(event.type)
        if (event.type === "stream.ended") return event
      }
      return null
    })()
    await gr.broadcasters.upsert(account)
    const { value } = await gr.keys.create({ broadcaster: { externalId: account.externalId }, path: "live/ada" })
    const publisher = await media.publish({ protocol: "srt", path: "live/ada", key: value })
    await publisher.ready
    await expect.poll(() => active.map(({ stream }) => stream.path)).toEqual(["live/ada"])
    stop()
    await publisher.unpublish()
    expect(await consumed).toMatchObject({ seq: 3, reason: "disconnected", stream: { status: "inactive" } })
    expect(all).toEqual(["stream.connecting", "stream.active", "stream.ended"])
  })

  it("ends whole: nothing runs after close, and a second close is the first", async () => {
    const { gr, origin } = await host()
    const events = gr.events()
    const next = events.next()
    await Promise.all([gr.close(), gr.close()])
    expect(await next).toEqual({ value: undefined, done: true })
    expect(await codeOf(gr.streams.live())).toEqual(["closed", null])
    expect(() => gr.on("stream.active", () => {})).toThrow(/closed/)
    expect(await gr.authenticate({ action: "read", path: "live/a" })).toMatchObject({ status: 503 })
    const auth = await fetch(`${origin}/auth`, {
      method: "POST",
      headers: { authorization: `Bearer ${SECRET}` },
      body: JSON.stringify({ action: "read", path: "live/a", protocol: "hls", id: "one" })
    })
    expect([auth.status, await auth.json()]).toEqual([503, expect.objectContaining({ reason: "closed" })])
  })

  it.each([
    [
      "throws",
      () => {
        throw new Error("the listener's fault")
      }
    ],
    ["rejects", () => Promise.reject(new Error("the listener's fault"))]
  ] as const)("survives a listener that %s, and logs it", async (_, listener) => {
    const logged: Array<string> = []
    const { gr, media } = await host({ logger: ({ message }) => logged.push(message) })
    gr.on("stream.connecting", listener)
    await gr.broadcasters.upsert(account)
    const { value } = await gr.keys.create({ broadcaster: { externalId: account.externalId }, path: "live/a" })
    await expect
      .poll(async () => {
        const { unpublish } = await media.publish({ protocol: "srt", path: "live/a", key: value })
        await unpublish()
        return logged.join()
      })
      .toContain("handler")
  })

  it.each([
    [
      "throws",
      () => {
        throw new Error("the logger's fault")
      }
    ],
    ["rejects", () => Promise.reject(new Error("the logger's fault"))]
  ] as const)("works on with a logger that %s", async (_, logger) => {
    const { gr, media } = await host({ logger })
    await gr.broadcasters.upsert(account)
    const { key, value, ingest } = await gr.keys.create({ broadcaster: { externalId: account.externalId } })
    const publisher = await media.publish({ protocol: "rtmp", path: ingest.path, key: value })
    expect(publisher.admitted).toBe(true)
    await expect.poll(() => gr.streams.live({ status: "active" })).toHaveLength(1)
    expect(await gr.keys.revoke(key.id)).toEqual({ offAir: true })
    expect(await publisher.closed).toBe("kicked")
  })
})

describe("a host's own rule", () => {
  const publish = async (mayPublish: NonNullable<GreenroomOptions["mayPublish"]>) => {
    const { gr, media } = await host({ mayPublish })
    await gr.broadcasters.upsert({ ...account, metadata: { plan: "free" } })
    const { value, ingest } = await gr.keys.create({ broadcaster: { externalId: account.externalId }, label: "Camera" })
    const publisher = await media.publish({ protocol: "rtmp", path: ingest.path, key: value })
    const ask = { action: "publish", path: ingest.path, protocol: "rtmp", id: "another", user: "", password: value }
    return { gr, admitted: publisher.admitted, answer: await gr.authenticate(ask) }
  }

  it("is asked about a good key, with broadcaster and key", async () => {
    const asked: Array<unknown> = []
    const { admitted } = await publish(({ broadcaster, key, path, protocol, signal }) => {
      asked.push([
        broadcaster.externalId,
        broadcaster.metadata,
        key.label,
        path.startsWith("live/"),
        protocol,
        signal.aborted
      ])
      return true
    })
    expect(admitted).toBe(true)
    expect(asked[0]).toEqual(["user-4711", { plan: "free" }, "Camera", true, "rtmp", false])
  })

  it("refuses with its own sentence", async () => {
    const { admitted, answer } = await publish(() => ({ refuse: "No broadcast before 18:00" }))
    expect(admitted).toBe(false)
    expect(answer).toEqual({
      status: 401,
      decisionId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      body: {
        decision: "refuse",
        reason: "refused_by_host",
        detail: "No broadcast before 18:00",
        remedy: "The detail is the application's own sentence: ask its operator.",
        decisionId: answer.decisionId
      }
    })
  })

  it.each([
    ["throws", () => Promise.reject(new Error("secret thing")), "The host's rule failed"],
    ["hangs", () => new Promise<true>(() => {}), "The host's rule gave no answer within 300 ms"],
    ...[undefined, null, false, "yes", 1, {}, { refuse: true }].map(
      (answer) =>
        [
          `answers ${JSON.stringify(answer)}`,
          () => answer as unknown as true,
          "The host's rule answered neither true nor { refuse: sentence }"
        ] as const
    )
  ] as const)("that %s refuses, and says why", async (_, rule, detail) => {
    const { answer } = await publish(rule)
    expect(answer.body).toMatchObject({ decision: "refuse", reason: "refused_by_host", detail })
  })

  it("gets a signal that fires when it takes too long", async () => {
    const signals: Array<AbortSignal> = []
    await publish(({ signal }) => {
      signals.push(signal)
      return new Promise<true>(() => {})
    })
    await expect.poll(() => signals.every(({ aborted }) => aborted)).toBe(true)
  })

  it("is not asked about a bad key", async () => {
    let asked = 0
    const { gr } = await host({
      mayPublish: () => {
        asked += 1
        return true
      }
    })
    const answer = await gr.authenticate({
      action: "publish",
      path: "live/a",
      protocol: "rtmp",
      id: "one",
      password: `sk_${"x".repeat(43)}`
    })
    expect(answer).toMatchObject({ status: 401, body: { reason: "invalid_stream_key" } })
    expect(asked).toBe(0)
  })
})

describe("why an encoder cannot connect", () => {
  it("is answered for its settings, and each answer is found in the log", async () => {
    const { gr } = await host()
    const ada = await gr.broadcasters.upsert(account)
    const { key, value, ingest } = await gr.keys.create({ broadcaster: ada })
    const settings = { server: "rtmp://media.example.com", streamKey: `${ingest.path}?user=any&pass=${value}` }
    expect(await gr.auth.check(settings)).toMatchObject({
      decision: "allow",
      parsed: { path: ingest.path },
      recent: []
    })
    await gr.keys.revoke(key.id)
    const refused = await gr.authenticate({
      action: "publish",
      path: ingest.path,
      protocol: "rtmp",
      id: "one",
      ip: "192.0.2.7",
      password: value
    })
    const logged = async () =>
      (await gr.auth.decisions({ ip: "192.0.2.7" })).map(({ id, reason, keyId }) => [id, reason, keyId])
    await expect.poll(logged, { timeout: 10_000 }).toEqual([[refused.decisionId, "stream_key_revoked", key.id]])
    for (const asked of [settings, { keyId: key.id, path: ingest.path }])
      expect(await gr.auth.check(asked)).toMatchObject({
        decision: "refuse",
        remedy: "Issue a new stream key.",
        recent: [{ id: refused.decisionId }]
      })
    expect(JSON.stringify(await gr.auth.check(settings))).not.toContain(value)
  })

  it("is in the log when the media server has a wrong secret", async () => {
    const { gr, origin } = await host()
    const answer = await fetch(`${origin}/mtx/auth`, {
      method: "POST",
      headers: { authorization: "Bearer wrong" },
      body: "{}"
    })
    const logged = async () => (await gr.auth.decisions({ reasons: ["hook_secret"] })).map(({ id }) => id)
    await expect.poll(logged, { timeout: 10_000 }).toEqual([answer.headers.get("x-decision-id")])
  })

  it("needs settings that make sense", async () => {
    const { gr } = await host()
    expect(await codeOf(gr.auth.check({ url: "ftp://x" }))).toEqual(["invalid_argument", "url"])
    expect(await codeOf(gr.auth.check({} as never))).toEqual(["invalid_argument", "settings"])
    expect(await codeOf(gr.auth.check({ url: 1 } as never))).toEqual(["invalid_argument", "url"])
    expect(await codeOf(gr.auth.decisions({ reasons: ["bad_luck"] }))).toEqual(["invalid_argument", "reasons.0"])
  })
})

describe("the web handler", () => {
  const body = JSON.stringify({ action: "read", path: "live/a", protocol: "hls", id: "one" })
  const post = (origin: string, path: string, headers: Record<string, string> = {}, sent = body) =>
    fetch(`${origin}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: sent
    })
  const right = { authorization: `Basic ${btoa(`any:${SECRET}`)}` }

  it("answers below any prefix, to those with the secret alone", async () => {
    const { origin } = await host()
    expect((await post(origin, "/a/b/auth", right)).status).toBe(200)
    expect((await post(origin, "/auth", { authorization: `Bearer ${SECRET}` })).status).toBe(200)
    expect((await post(origin, "/auth")).status).toBe(401)
    expect((await post(origin, "/auth", { authorization: "Bearer wrong" })).status).toBe(401)
    expect((await post(origin, "/auth", { ...right, origin: "https://evil.example" })).status).toBe(403)
    expect((await post(origin, "/x/hooks", right)).status).toBe(204)
    expect((await post(origin, "/x/hooks/ready", right, JSON.stringify({ path: "live/a" }))).status).toBe(204)
    expect((await post(origin, "/other", right)).status).toBe(404)
    expect((await fetch(`${origin}/auth`, { headers: right })).status).toBe(404)
  })

  it.each([
    ["no JSON", "{", 400],
    ["no auth call", "[]", 400],
    ["too much", JSON.stringify({ action: "publish", path: "a".repeat(70_000) }), 413]
  ] as const)("refuses %s", async (_, sent, status) => {
    const { origin } = await host()
    expect((await post(origin, "/auth", right, sent)).status).toBe(status)
  })

  it("keeps a connection usable after a refusal that has not read the body", async () => {
    const { origin } = await host()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    closing.push(async () => agent.destroy())
    const statuses: Array<number | undefined> = []
    for (const authorization of ["Bearer wrong", "Bearer wrong", right.authorization]) {
      const call = request(`${origin}/auth`, { method: "POST", agent, headers: { authorization } })
      call.end(JSON.stringify({ action: "read", path: "live/a", padding: "a".repeat(300_000) }))
      const [answer] = await once(call, "response")
      statuses.push(answer.statusCode)
      await once(answer.resume(), "end")
    }
    expect(statuses).toEqual([401, 401, 413])
  })

  it("uses what a body parser has left, and names a middleware that has left nothing", async () => {
    const { gr } = await host()
    const server = createServer(async (request, response) => {
      const pieces: Array<Buffer> = []
      for await (const piece of request) pieces.push(piece as Buffer)
      if (request.url === "/parsed/auth") Object.assign(request, { body: JSON.parse(Buffer.concat(pieces).toString()) })
      await toNodeHandler(gr)(request, response)
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    closing.push(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    expect((await post(origin, "/parsed/auth", right)).status).toBe(200)
    const eaten = await post(origin, "/eaten/auth", right)
    expect([eaten.status, await eaten.text()]).toEqual([500, expect.stringContaining("middleware")])
  })

  it("serves the REST API, too, below its base path", async () => {
    const { gr, origin } = await host({ rest: true, basePath: "/greenroom" })
    await gr.broadcasters.upsert(account)
    const answer = await fetch(`${origin}/greenroom/broadcasters?external_id=user-4711`, {
      headers: { authorization: `Bearer ${SECRET}` }
    })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ broadcasters: [{ external_id: "user-4711" }] })
    expect((await fetch(`${origin}/greenroom/broadcasters`)).status).toBe(401)
    expect((await fetch(`${origin}/broadcasters`, { headers: { authorization: `Bearer ${SECRET}` } })).status).toBe(404)
    const openapi = await fetch(`${origin}/greenroom/openapi.json`)
    expect(openapi.status).toBe(200)
    // There is no key to encrypt the secret of a webhook endpoint with.
    const endpoint = await fetch(`${origin}/greenroom/webhook-endpoints`, {
      method: "POST",
      headers: { authorization: `Bearer ${SECRET}`, "content-type": "application/json" },
      body: JSON.stringify({ url: "https://app.example.com/" })
    })
    expect([endpoint.status, await endpoint.json()]).toMatchObject([409, { code: "conflict" }])
  })

  it("streams events through the web handler, until its reader stops or Greenroom is closed", async () => {
    const { gr } = await host({ rest: true })
    const open = () =>
      gr.fetch(new Request("http://host/events/stream", { headers: { authorization: `Bearer ${SECRET}` } }))
    const readUntil = async (response: Response, pattern: RegExp) => {
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
      for (let text = ""; ; ) {
        const { value = "", done } = await reader.read()
        text += value
        if (done || pattern.test(text)) return { text, reader, done }
      }
    }
    const stopped = await readUntil(await open(), /^id: /m)
    await stopped.reader.cancel()
    const first = await open()
    expect(first.headers.get("content-type")).toBe("text/event-stream")
    const reading = readUntil(first, /never/)
    const begun = await readUntil(await open(), /^id: /m)
    await gr.broadcasters.upsert(account)
    await begun.reader.read()
    await gr.close()
    const { text, done } = await reading
    expect(done).toBe(true)
    expect(text).toMatch(/event: broadcaster\.created\ndata: \{"id":"evt_/)
  })
})

describe("options", () => {
  const mediaMtx = { apiUrl: "http://127.0.0.1:9997", secret: SECRET }
  const wrong: ReadonlyArray<readonly [string, unknown]> = [
    ["database", { database: "mysql://x", mediaMtx }],
    ["mediaMtx.apiUrl", { database: "memory", mediaMtx: { apiUrl: "9997", secret: SECRET } }],
    ["mediaMtx.secret", { database: "memory", mediaMtx: { ...mediaMtx, secret: "short" } }],
    ["publicUrl", { database: "memory", mediaMtx, publicUrl: "media" }],
    ["unauthorized", { database: "memory", mediaMtx, unauthorized: "ignore" }],
    ["basePath", { database: "memory", mediaMtx, basePath: "greenroom/" }],
    ["mayPublish", { database: "memory", mediaMtx, mayPublish: true }],
    // A rule under a wrong name would let every publisher in.
    ["maypublish", { database: "memory", mediaMtx, maypublish: () => ({ refuse: "no" }) }],
    ["mediaMtx.password", { database: "memory", mediaMtx: { ...mediaMtx, password: "x" } }],
    ["mediaMtx.user", { database: "memory", mediaMtx: { ...mediaMtx, user: 7 } }],
    ["database.shema", { database: { url: "postgres://localhost/x", shema: "video" }, mediaMtx }]
  ]
  it.each(wrong)("are refused with the name of the wrong one: %s", async (name, options) => {
    expect(await codeOf(createGreenroom(options as GreenroomOptions))).toEqual(["invalid_argument", name])
  })

  it("a database that does not answer is store_unavailable, and names no password", async () => {
    const url = "postgres://user:hunter2hunter2@127.0.0.1:1/none"
    const error = await createGreenroom({ database: { url }, mediaMtx }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: "store_unavailable" })
    expect(String((error as Error).message)).not.toContain("hunter2")
  })
})

describe("several instances", () => {
  it("stand in one process, each with its own store", async () => {
    const [one, other] = [await host(), await host()]
    await one.gr.broadcasters.upsert(account)
    expect(await other.gr.broadcasters.list()).toEqual([])
    expect(await one.gr.broadcasters.list()).toHaveLength(1)
  })

  it("one that does not reconcile says so when none does", async () => {
    const { gr } = await host({ reconcile: false })
    expect(await gr.health()).toMatchObject({ database: "ok", reconciled: false })
    const { gr: leader } = await host()
    await expect.poll(async () => (await leader.health()).reconciled).toBe(true)
  })
})
