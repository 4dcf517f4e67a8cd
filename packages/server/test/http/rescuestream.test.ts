/** The calls of the frontend that was written for the system of the requirements, as it makes them: signed, whole lists, its own words. */
import { createHmac } from "node:crypto"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { assertProblem } from "./support/assertProblem.ts"
import { call, publishCall } from "./support/client.ts"
import { authenticateThrough, onAir } from "./support/media.ts"
import { API_SECRET, type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start({ rescuestream: true, previous: { api: "the-former-operator-secret" } })
  await authenticateThrough(service)
})
afterAll(() => service.close())

interface Signing {
  readonly secret?: string
  readonly timestamp?: number
  /** What is signed in place of what is sent. */
  readonly signedPath?: string
  readonly signedBody?: string
  readonly omit?: string
}

/** As its client does: the path below its base URL and without the query, the time in seconds, the body as it is sent. */
const ask = (method: string, path: string, body?: unknown, signing: Signing = {}) => {
  const text = body === undefined ? "" : JSON.stringify(body)
  const { secret = API_SECRET, timestamp = Math.floor(Date.now() / 1_000) } = signing
  const toSign = `${method}\n${signing.signedPath ?? path.split("?")[0]}\n${timestamp}\n${signing.signedBody ?? text}`
  const headers: Record<string, string> = {
    "x-api-key": "frontend",
    "x-timestamp": String(timestamp),
    "x-signature": createHmac("sha256", secret).update(toSign).digest("hex"),
    "content-type": "application/json"
  }
  if (signing.omit !== undefined) delete headers[signing.omit]
  return call(service, method, `/rescuestream${path}`, {
    secret: null,
    headers,
    ...(text === "" ? {} : { body: text })
  })
}

const newBroadcaster = async (display_name = "Rescue One") =>
  (await ask("POST", "/broadcasters", { display_name })).json
const newKey = async (more: object = {}) =>
  (await ask("POST", "/stream-keys", { broadcaster_id: (await newBroadcaster()).id, ...more })).json

describe("a request", () => {
  it("is taken when the API secret, or the one before it, has signed it", async () => {
    expect((await ask("GET", "/streams")).status).toBe(200)
    expect((await ask("GET", "/streams", undefined, { secret: "the-former-operator-secret" })).status).toBe(200)
    expect((await ask("GET", "/audit-logs?limit=5")).status).toBe(200)
  })

  it.each([
    ["another secret", { secret: "another-secret-of-16" }],
    ["another path", { signedPath: "/broadcasters" }],
    ["another body", { signedBody: "{}" }],
    ["a time that has passed", { timestamp: Math.floor(Date.now() / 1_000) - 301 }],
    ["a time to come", { timestamp: Math.floor(Date.now() / 1_000) + 310 }],
    ["no signature", { omit: "x-signature" }],
    ["no time", { omit: "x-timestamp" }],
    ["no key", { omit: "x-api-key" }]
  ])("is refused with %s", async (_, signing) => {
    assertProblem(await ask("GET", "/streams", undefined, signing), "unauthorized")
  })

  it("is refused when it is not signed, whatever secret it carries", async () => {
    assertProblem(await call(service, "GET", "/rescuestream/streams"), "unauthorized")
    assertProblem(await call(service, "DELETE", "/rescuestream/stream-keys/x"), "unauthorized")
  })

  it("with a wrong signature counts as a guess, whatever its time is, and opens nothing", async () => {
    const own = await start({ rescuestream: true })
    const forged = (path: string) =>
      fetch(`${own.base}${path}`, { headers: { "x-api-key": "a", "x-timestamp": "0", "x-signature": "x" } })
    const failures = async () => {
      const { text } = await call(own, "GET", "/metrics", { secret: null })
      return Number(/greenroom_credential_failures_total\{secret="api",outcome="refused"\} (\d+)/.exec(text)?.[1] ?? 0)
    }
    try {
      const before = await failures()
      expect((await forged("/rescuestream/streams")).status).toBe(401)
      expect((await failures()) - before).toBe(1)
    } finally {
      await own.close()
    }
  })

  it("may be a few minutes late", async () => {
    expect((await ask("GET", "/streams", undefined, { timestamp: Math.floor(Date.now() / 1_000) - 290 })).status).toBe(
      200
    )
  })
})

describe("its calls", () => {
  it("manage broadcasters", async () => {
    const created = await ask("POST", "/broadcasters", { display_name: "Team", metadata: { unit: 7 } })
    expect([created.status, Object.keys(created.json)]).toEqual([
      201,
      ["id", "display_name", "metadata", "created_at", "updated_at"]
    ])
    const path = `/broadcasters/${created.json.id}`
    const renamed = await ask("PATCH", path, { display_name: "Team Two" })
    expect([renamed.json.display_name, renamed.json.metadata]).toEqual(["Team Two", { unit: 7 }])
    expect((await ask("GET", path)).json).toEqual(renamed.json)
    const { broadcasters, count } = (await ask("GET", "/broadcasters")).json
    expect(broadcasters[0].id).toBe(created.json.id)
    expect(count).toBe(broadcasters.length)
    expect((await ask("DELETE", path)).status).toBe(204)
    assertProblem(await ask("GET", path), "not-found")
    assertProblem(await ask("DELETE", "/broadcasters/not-an-id"), "not-found")
    assertProblem(await ask("POST", "/broadcasters", { display_name: "" }), "validation")
  })

  it("issue a key whose value publishes behind an ingest URL without a path", async () => {
    const key = await newKey()
    expect(key.key_value).toMatch(/^[0-9a-f]{8}\?user=greenroom&pass=sk_[\w-]{43}$/)
    const [path, query] = key.key_value.split("?")
    // So MediaMTX asks about rtmp://host/<key_value>.
    const asked = { path, query, user: "greenroom", password: query.split("pass=")[1], token: "" }
    const admitted = await call(service, "POST", "/auth", { secret: null, body: publishCall("", asked) })
    expect(admitted.status).toBe(200)
    const listed = (await ask("GET", "/stream-keys")).json
    expect(listed.stream_keys.find(({ id }: { id: string }) => id === key.id)).toMatchObject({ status: "active" })
    expect(JSON.stringify(listed)).not.toContain("sk_")
    expect((await ask("DELETE", `/stream-keys/${key.id}`)).status).toBe(204)
    expect((await ask("GET", `/stream-keys/${key.id}`)).json.status).toBe("revoked")
  })

  it("know three states of a key", async () => {
    const key = await newKey({ expires_at: new Date(Date.now() + 3_600_000).toISOString() })
    await call(service, "PATCH", `/stream-keys/${key.id}`, { body: { enabled: false } })
    expect((await ask("GET", `/stream-keys/${key.id}`)).json.status).toBe("revoked")
    await call(service, "PATCH", `/stream-keys/${key.id}`, { body: { enabled: true } })
    expect((await ask("GET", `/stream-keys/${key.id}`)).json.status).toBe("active")
    const past = await ask("POST", "/stream-keys", {
      broadcaster_id: key.broadcaster_id,
      expires_at: "2020-01-01T00:00:00Z"
    })
    assertProblem(past, "validation")
  })

  it("list who is live, with URLs that are always texts", async () => {
    const key = await newKey()
    const [path] = key.key_value.split("?")
    await onAir(service, key.key_value.split("pass=")[1], path)
    expect((await ask("GET", "/streams")).json.count).toBe(1)
    const { streams } = (await ask("GET", "/streams")).json
    expect(streams[0]).toMatchObject({
      stream_key_id: key.id,
      path,
      status: "active",
      urls: { hls: `https://media.example.com/${path}/index.m3u8`, webrtc: `https://media.example.com/${path}/whep` }
    })
    expect((await ask("GET", `/streams/${streams[0].id}`)).json).toEqual(streams[0])
    await ask("DELETE", `/stream-keys/${key.id}`)
    await expect.poll(async () => (await ask("GET", `/streams/${streams[0].id}`)).json.status).toBe("ended")
    assertProblem(await ask("GET", "/streams/x"), "not-found")
  })

  it("ask for its health without a signature", async () => {
    const answer = await call(service, "GET", "/rescuestream/health", { secret: null })
    expect([answer.status, answer.json]).toEqual([200, { status: "ok", database: "ok" }])
    service.trouble("down")
    const away = await call(service, "GET", "/rescuestream/health", { secret: null })
    service.trouble("none")
    expect([away.status, away.json]).toEqual([503, { status: "degraded", database: "unreachable" }])
  })
})

describe("its audit log", () => {
  it("has its words, an offset and a total, and never a key", async () => {
    const broadcaster = await newBroadcaster("Audited")
    const key = await newKey()
    const event = {
      event_type: "stream_key_created",
      actor: "ada@rescue.example",
      resource_type: "stream_key",
      resource_id: key.id,
      request_method: "POST",
      request_path: "/stream-keys",
      outcome: "success",
      metadata: { key_value: key.key_value, user_name: "Ada" }
    }
    const recorded = await ask("POST", "/audit-events", event)
    expect(recorded.status).toBe(201)
    expect(recorded.json).toMatchObject({
      actor: "ada@rescue.example",
      action: "create",
      resource_type: "stream_key",
      resource_id: key.id,
      request_method: "POST",
      request_path: "/stream-keys",
      outcome: "success",
      failure_reason: null
    })
    expect(JSON.stringify(recorded.json)).not.toContain(key.key_value.split("pass=")[1])
    const created = await ask(
      "GET",
      `/audit-logs?action=create&resource_type=broadcaster&resource_id=${broadcaster.id}`
    )
    expect(created.json.pagination).toEqual({ limit: 50, offset: 0, total: 1 })
    expect(created.json.audit_logs[0]).toMatchObject({ actor: "secret", action: "create", outcome: "success" })
    const keys = (await ask("GET", "/audit-logs?action=create&resource_type=stream_key")).json
    expect(keys.audit_logs.map(({ actor }: { actor: string }) => actor)).toContain("ada@rescue.example")
    const first = (await ask("GET", "/audit-logs?limit=2&offset=0")).json
    const second = (await ask("GET", "/audit-logs?limit=2&offset=1")).json
    expect(second.audit_logs[0]).toEqual(first.audit_logs[1])
    expect(first.pagination.total).toBeGreaterThan(2)
  })

  it("knows logins, and what failed", async () => {
    await ask("POST", "/audit-events", {
      event_type: "login",
      actor: "bob",
      outcome: "failure",
      failure_reason: "denied"
    })
    const [entry] = (await ask("GET", "/audit-logs?action=login&actor=bob")).json.audit_logs
    expect(entry).toMatchObject({ action: "login", resource_type: null, outcome: "failure", failure_reason: "denied" })
  })

  it("has refused calls as well", async () => {
    await ask("POST", "/broadcasters", { display_name: "" })
    await ask("POST", "/broadcasters", { display_name: "Wrong" }, { secret: "another-secret-of-16" })
    const { json } = await call(service, "GET", "/audit-logs?action=broadcaster.create&outcome=refused")
    expect(json.audit_logs.slice(0, 2).map(({ reason }: { reason: string }) => reason)).toEqual([
      "unauthorized",
      "validation"
    ])
  })

  it.each(["limit=0", "limit=201", "offset=-1", "offset=x"])("refuses %s", async (query) => {
    assertProblem(await ask("GET", `/audit-logs?${query}`), "validation")
  })

  it.each([{ event_type: "" }, { event_type: "Login" }, {}])("refuses the event %j", async (event) => {
    assertProblem(await ask("POST", "/audit-events", event), "validation")
  })
})

it("is not there unless it is switched on", async () => {
  const other = await start()
  try {
    assertProblem(await call(other, "GET", "/rescuestream/streams"), "not-found")
  } finally {
    await other.close()
  }
})
