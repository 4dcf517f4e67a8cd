/** Who may do what: every operation of the document, played by strangers, by each scope, and by a token of another broadcaster. */
import { allows, type Scope, scopes } from "@greenroom/core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { assertProblem } from "./support/assertProblem.ts"
import { call } from "./support/client.ts"
import { newToken, type Operation, operationsOf, play, type Things, thingsOf } from "./support/operations.ts"
import { API_SECRET, type Service, start } from "./support/service.ts"

let service: Service
let operations: ReadonlyArray<Operation>
const names = ["one", "two"] as const
let things: Readonly<Record<(typeof names)[number], Things>>

beforeAll(async () => {
  service = await start()
  operations = await operationsOf(service)
  things = { one: await thingsOf(service, "one"), two: await thingsOf(service, "two") }
}, 60_000)
afterAll(() => service.close())

const UNSAFE = new Set([
  "api_tokens.remove",
  "broadcasters.remove",
  "playback_tokens.revoke",
  "streams.stop",
  "stream_keys.revoke",
  "webhook_endpoints.remove"
])
/** What deletes comes last, the broadcaster last of all, so that there is something for the others. */
const rank = ({ id }: Operation) => (id === "broadcasters.remove" ? 2 : UNSAFE.has(id) ? 1 : 0)
const ordered = () => [...operations].sort((a, b) => rank(a) - rank(b))

describe("every operation of the document", () => {
  it("names the scope that it needs, but for those that any credential may call", () => {
    expect(operations.length).toBeGreaterThan(35)
    for (const { id, scope } of operations)
      if (!id.startsWith("session.")) expect([id, scopes.includes(scope as Scope)]).toEqual([id, true])
  })

  it("needs more than reading where it changes something", () => {
    for (const { id, scope, changes } of operations)
      if (scope !== null && changes) expect([id, scope]).toEqual([id, expect.not.stringMatching(/:read$/)])
  })

  it("is closed to strangers", async () => {
    for (const operation of operations) {
      const answer = await play(service, operation, things.one, null)
      expect([operation.id, answer.status]).toEqual([operation.id, 401])
      assertProblem(answer, "unauthorized")
    }
  })

  it.each(scopes)("is open to a token with the scope %s exactly where that allows it", async (granted) => {
    const { token } = await newToken(service, { scopes: [granted] })
    const own = await thingsOf(service, `of-${granted.replace(":", "-")}`)
    for (const operation of ordered()) {
      const { id, scope } = operation
      const { status } = await play(service, operation, own, token)
      const may = scope === null || allows([granted], scope)
      expect([id, status === 403]).toEqual([id, !may])
      expect([id, status === 401 || status >= 500]).toEqual([id, false])
    }
  })

  it("of a token that is limited to a broadcaster finds nothing of another", async () => {
    const { token } = await newToken(service, { scopes: ["admin"], broadcaster_id: things.one.broadcasters })
    for (const operation of ordered()) {
      const { id, path } = operation
      const answer = await play(service, operation, things.two, token)
      if (id.startsWith("signing_keys.")) assertProblem(answer, "forbidden")
      else if (path.includes("{id}")) expect([id, answer.status]).toEqual([id, 404])
      // Its own refusals are there, with the ids that it sent.
      else if (id === "audit.list") {
        const owners = answer.json.audit_logs.map(({ broadcaster_id }: { broadcaster_id: string }) => broadcaster_id)
        expect([...new Set(owners)]).toEqual([things.one.broadcasters])
      } else if (operation.method === "GET") {
        expect([id, answer.status === 200 || answer.status === 403]).toEqual([id, true])
        for (const other of Object.values(things.two))
          expect([id, answer.text]).toEqual([id, expect.not.stringContaining(other)])
      } else expect([id, answer.status]).not.toEqual([id, 500])
    }
  })

  it("of a token that is limited to a broadcaster works on that one's things", async () => {
    const own = await thingsOf(service, "own")
    const { token } = await newToken(service, { scopes: ["admin"], broadcaster_id: own.broadcasters })
    const fleet = new Set(["broadcasters.create", "reconcile.now", "workers.list", "workers.get"])
    const isFleets = (id: string) => fleet.has(id) || id.startsWith("signing_keys.")
    for (const operation of ordered()) {
      const { id } = operation
      const answer = await play(service, operation, own, token)
      if (isFleets(id) || (operation.path.startsWith("/auth") && answer.status === 403))
        assertProblem(answer, "forbidden")
      else expect([id, answer.status < 400]).toEqual([id, true])
    }
  })
})

describe("a token that is limited to a broadcaster", () => {
  it("sees that one's things in every list, and every filter by another is empty", async () => {
    const [mine, other] = [await thingsOf(service, "mine"), await thingsOf(service, "other")]
    const { token } = await newToken(service, { scopes: ["admin"], broadcaster_id: mine.broadcasters })
    const list = async (path: string, plural: string) =>
      (await call(service, "GET", path, { secret: token })).json[plural]
    for (const [path, plural, thing] of [
      ["/broadcasters", "broadcasters", "broadcasters"],
      ["/stream-keys", "stream_keys", "stream-keys"],
      ["/streams?status=connecting,active,inactive", "streams", "streams"],
      ["/webhook-endpoints", "webhook_endpoints", "webhook-endpoints"],
      ["/viewers", "viewers", "viewers"],
      ["/playback-tokens", "playback_tokens", "playback-tokens"]
    ] as const) {
      expect((await list(path, plural)).map(({ id }: { id: string }) => id)).toEqual([mine[thing]])
    }
    expect(await list(`/stream-keys?broadcaster_id=${other.broadcasters}`, "stream_keys")).toEqual([])
    expect(await list(`/streams?status=connecting,active&broadcaster_id=${other.broadcasters}`, "streams")).toEqual([])
    expect(await list(`/viewers?broadcaster_id=${other.broadcasters}`, "viewers")).toEqual([])
    expect(await list(`/playback-tokens?broadcaster_id=${other.broadcasters}`, "playback_tokens")).toEqual([])
    const tokens = await list("/api-tokens", "api_tokens")
    expect(tokens.every(({ broadcaster_id }: { broadcaster_id: string }) => broadcaster_id === mine.broadcasters)).toBe(
      true
    )
  })

  it("reads its own events alone, polled and streamed, also when others ask the same at once", async () => {
    const [mine, other] = [await thingsOf(service, "events-mine"), await thingsOf(service, "events-other")]
    const { token } = await newToken(service, { scopes: ["events:read"], broadcaster_id: mine.broadcasters })
    const path = "/events?limit=200&types=key.created"
    const both = () => Promise.all([call(service, "GET", path, { secret: token }), call(service, "GET", path)])
    let [own, all] = await both()
    // An event is in the log once it has its position.
    while (!all.text.includes(other["stream-keys"]!)) [own, all] = await both()
    expect(own.text).toContain(mine["stream-keys"])
    expect(own.text).not.toContain(other["stream-keys"])
    const filtered = await call(service, "GET", `${path}&broadcaster_id=${other.broadcasters}`, { secret: token })
    expect(filtered.json.events).toEqual([])
    const stream = await fetch(`${service.base}/events/stream?after=${all.json.next.replace(/-\d+$/, "-0")}`, {
      headers: { authorization: `Bearer ${token}` }
    })
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ""
    while (!text.includes(mine.streams!)) text += (await reader.read()).value
    await reader.cancel()
    expect(text).not.toContain(other.broadcasters)
  })

  it("cannot name another as the owner of something, nor widen its own limit", async () => {
    const [mine, other] = [await thingsOf(service, "owner-mine"), await thingsOf(service, "owner-other")]
    const { token } = await newToken(service, { scopes: ["admin"], broadcaster_id: mine.broadcasters })
    for (const [path, body] of [
      ["/stream-keys", { broadcaster_id: other.broadcasters }],
      ["/webhook-endpoints", { url: "http://127.0.0.1:9/hooks", broadcaster_id: other.broadcasters }],
      ["/api-tokens", { name: "wider", scopes: ["admin"], broadcaster_id: other.broadcasters }],
      ["/playback-tokens", { broadcaster_id: other.broadcasters }],
      ["/playback-tokens", { stream_id: other.streams }],
      ["/playback-tokens", { path: "live/owner-other" }],
      ["/playback-tokens", { path: "live/nobodys" }],
      ["/playback-tokens", { pattern: "**" }]
    ] as const) {
      assertProblem(await call(service, "POST", path, { body, secret: token }), "validation")
    }
    for (const [path, body] of [
      ["/webhook-endpoints", { url: "http://127.0.0.1:9/hooks" }],
      ["/api-tokens", { name: "same", scopes: ["admin"] }]
    ] as const) {
      const created = await call(service, "POST", path, { body, secret: token })
      expect(created.json.broadcaster_id).toBe(mine.broadcasters)
    }
    const hooks = `/webhook-endpoints/${mine["webhook-endpoints"]}`
    assertProblem(await call(service, "PATCH", hooks, { body: { broadcaster_id: null }, secret: token }), "validation")
  })
})

describe("an API token", () => {
  it("is shown once, and never again", async () => {
    const created = await call(service, "POST", "/api-tokens", {
      body: { name: "wall", scopes: ["streams:read", "streams:read"] }
    })
    expect(created.status).toBe(201)
    expect(created.json.token).toMatch(/^gr_[0-9A-Za-z_-]{43}$/)
    expect(created.json.scopes).toEqual(["streams:read"])
    expect(created.headers.get("cache-control")).toBe("no-store")
    const path = created.headers.get("location")!
    const { token, ...rest } = created.json
    expect((await call(service, "GET", path)).json).toEqual(rest)
    for (const at of [path, "/api-tokens", "/audit-logs", "/metrics"])
      expect((await call(service, "GET", at)).text).not.toContain(token)
    expect(service.lines.map(({ text }) => text).join()).not.toContain(token)
  })

  it("is refused from the next request on when it is deleted, and its use is recorded", async () => {
    const { id, token } = await newToken(service, { scopes: ["streams:read"] })
    expect((await call(service, "GET", "/streams", { secret: token })).status).toBe(200)
    expect((await call(service, "GET", `/api-tokens/${id}`)).json.last_used_at).toMatch(/Z$/)
    expect((await call(service, "DELETE", `/api-tokens/${id}`)).status).toBe(204)
    assertProblem(await call(service, "GET", "/streams", { secret: token }), "unauthorized")
    assertProblem(await call(service, "DELETE", `/api-tokens/${id}`), "not-found")
  })

  it("changes its scopes at once", async () => {
    const { id, token } = await newToken(service, { scopes: ["streams:read"] })
    assertProblem(await call(service, "GET", "/stream-keys", { secret: token }), "forbidden")
    await call(service, "PATCH", `/api-tokens/${id}`, { body: { scopes: ["keys:write"] } })
    expect((await call(service, "GET", "/stream-keys", { secret: token })).status).toBe(200)
    assertProblem(await call(service, "GET", "/streams", { secret: token }), "forbidden")
  })

  it.each([
    [{ scopes: [] }, "/scopes/0"],
    [{ scopes: ["everything"] }, "/scopes/0"],
    [{ name: "" }, "/name"],
    [{ expires_at: "2020-01-01T00:00:00Z" }, "/expires_at"],
    [{ broadcaster_id: "0192e4a7-3f5e-4c1c-9d2a-5f0a3a1c7b11" }, "/broadcaster_id"]
  ])("with %j is refused, and the answer points there", async (wrong, pointer) => {
    const answer = await call(service, "POST", "/api-tokens", { body: { name: "x", scopes: ["admin"], ...wrong } })
    assertProblem(answer, "validation")
    expect(answer.json.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer)
  })
})

describe("both headers", () => {
  it("are tried: the right one lets in, whatever is in the other", async () => {
    const { token } = await newToken(service, { scopes: ["streams:read"] })
    const answer = await call(service, "GET", "/streams", {
      secret: "wrong",
      headers: { authorization: `Bearer ${token}` }
    })
    expect(answer.status).toBe(200)
    const reverse = await call(service, "GET", "/streams", {
      secret: API_SECRET,
      headers: { authorization: "Bearer wrong" }
    })
    expect(reverse.status).toBe(200)
  })
})
