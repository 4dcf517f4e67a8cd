/** Pages as callers: sessions of this origin with their CSRF protection, and tokens from other origins that are allowed. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { assertProblem } from "./support/assertProblem.ts"
import { type Answer, call } from "./support/client.ts"
import { newToken } from "./support/operations.ts"
import { API_SECRET, type Service, start } from "./support/service.ts"

const APP = "https://app.example.com"

let service: Service
beforeAll(async () => {
  service = await start({ corsOrigins: [APP] })
})
afterAll(() => service.close())

/** What a browser keeps of the answer. */
const cookieIn = (answer: Answer): string => answer.headers.get("set-cookie")?.split(";", 1)[0] ?? ""

const open = (secret: string, headers: Record<string, string> = {}) =>
  call(service, "POST", "/session", { secret, headers })

/** A call as a page with a session makes it. */
const asPage = (cookie: string, method: string, path: string, headers: Record<string, string> = {}, body?: unknown) =>
  call(service, method, path, {
    secret: null,
    headers: { cookie, ...headers },
    ...(body === undefined ? {} : { body })
  })

describe("a session", () => {
  it("is opened with a credential, by a cookie that no script reads and no other site sends", async () => {
    const opened = await open(API_SECRET)
    expect(opened.status).toBe(201)
    expect(opened.headers.get("set-cookie")).toMatch(
      /^greenroom_session=[\w-]+\.[\w-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/
    )
    expect(opened.json).toMatchObject({
      actor: { type: "secret", token_id: null },
      scopes: ["admin"],
      broadcaster_id: null
    })
    const own = service.base.replace("http:", "https:")
    expect((await open(API_SECRET, { origin: own })).headers.get("set-cookie")).toMatch(/; Secure$/)
    assertProblem(await open("wrong"), "unauthorized")
  })

  it("reads without more, and changes with its CSRF token alone", async () => {
    const opened = await open(API_SECRET)
    const cookie = cookieIn(opened)
    expect((await asPage(cookie, "GET", "/broadcasters")).status).toBe(200)
    const body = { display_name: "From a page" }
    assertProblem(await asPage(cookie, "POST", "/broadcasters", {}, body), "forbidden")
    assertProblem(await asPage(cookie, "POST", "/broadcasters", { "x-csrf-token": "wrong" }, body), "forbidden")
    const token = { "x-csrf-token": opened.json.csrf_token }
    expect((await asPage(cookie, "POST", "/broadcasters", token, body)).status).toBe(201)
    for (const [name, value] of [
      ["origin", "https://evil.example.com"],
      ["sec-fetch-site", "same-site"],
      ["sec-fetch-site", "cross-site"]
    ] as const)
      assertProblem(await asPage(cookie, "POST", "/broadcasters", { ...token, [name]: value }, body), "forbidden")
    const behindProxy = { ...token, origin: "https://greenroom.example.com", "sec-fetch-site": "same-origin" }
    expect((await asPage(cookie, "POST", "/broadcasters", behindProxy, body)).status).toBe(201)
    const other = await open(API_SECRET)
    const strange = { "x-csrf-token": other.json.csrf_token }
    assertProblem(await asPage(cookie, "POST", "/broadcasters", strange, body), "forbidden")
  })

  it("gives its CSRF token again after a reload, and the credential behind it", async () => {
    const { id, token } = await newToken(service, { scopes: ["keys:read"], name: "page" })
    const opened = await open(token)
    const again = await asPage(cookieIn(opened), "GET", "/session")
    expect(again.json).toEqual(opened.json)
    expect(again.json.actor).toEqual({ type: "token", token_id: id, name: "page" })
    const plain = await call(service, "GET", "/session", { secret: token })
    expect([plain.json.csrf_token, plain.json.expires_at]).toEqual([null, null])
  })

  it("may do what its token may, and ends with it", async () => {
    const { id, token } = await newToken(service, { scopes: ["streams:read"] })
    const cookie = cookieIn(await open(token))
    expect((await asPage(cookie, "GET", "/streams")).status).toBe(200)
    assertProblem(await asPage(cookie, "GET", "/stream-keys"), "forbidden")
    await call(service, "DELETE", `/api-tokens/${id}`)
    assertProblem(await asPage(cookie, "GET", "/streams"), "unauthorized")
  })

  it("is closed: the browser forgets the cookie", async () => {
    const opened = await open(API_SECRET)
    const closed = await asPage(cookieIn(opened), "DELETE", "/session", { "x-csrf-token": opened.json.csrf_token })
    expect(closed.status).toBe(204)
    expect(closed.headers.get("set-cookie")).toMatch(
      /^greenroom_session=; Path=\/; HttpOnly; SameSite=Strict; Max-Age=0$/
    )
  })

  it("opens no other: it would never end", async () => {
    const opened = await open(API_SECRET)
    const again = await asPage(cookieIn(opened), "POST", "/session", { "x-csrf-token": opened.json.csrf_token })
    assertProblem(again, "forbidden")
  })

  it("is refused when its cookie or its CSRF token has characters of several bytes", async () => {
    const opened = await open(API_SECRET)
    const strange = `greenroom_session=x.${encodeURIComponent("é")}${"x".repeat(42)}`
    assertProblem(await asPage(strange, "GET", "/streams"), "unauthorized")
    const token = Buffer.from(`é${"x".repeat(42)}`, "utf8").toString("latin1")
    assertProblem(await asPage(cookieIn(opened), "POST", "/broadcasters", { "x-csrf-token": token }, {}), "forbidden")
  })

  it("is refused when a character of its cookie is another", async () => {
    const cookie = cookieIn(await open(API_SECRET))
    for (let index = "greenroom_session=".length; index < cookie.length; index += 7) {
      const forged = `${cookie.slice(0, index)}${cookie[index] === "A" ? "B" : "A"}${cookie.slice(index + 1)}`
      assertProblem(await asPage(forged, "GET", "/streams"), "unauthorized")
    }
    for (const value of ["", ".", "a.b", "a"])
      assertProblem(await asPage(`greenroom_session=${value}`, "GET", "/streams"), "unauthorized")
  })

  it("is in the audit log when it is opened and closed, and never in the log", async () => {
    const opened = await open(API_SECRET)
    await asPage(cookieIn(opened), "DELETE", "/session", { "x-csrf-token": opened.json.csrf_token })
    const { json } = await call(service, "GET", "/audit-logs?limit=2")
    expect(json.audit_logs.map(({ action }: { action: string }) => action)).toEqual([
      "session.delete",
      "session.create"
    ])
    expect(service.lines.map(({ text }) => text).join()).not.toContain(cookieIn(opened).slice(20))
  })
})

describe("a page of another origin", () => {
  const preflight = (origin: string) =>
    call(service, "OPTIONS", "/streams", {
      secret: null,
      headers: { origin, "access-control-request-method": "GET", "access-control-request-headers": "authorization" }
    })

  it("may call with a token, when its origin is allowed", async () => {
    const { token } = await newToken(service, { scopes: ["streams:read"] })
    const asked = await preflight(APP)
    expect(asked.status).toBe(204)
    expect(asked.headers.get("access-control-allow-origin")).toBe(APP)
    expect(asked.headers.get("access-control-allow-headers")).toMatch(/Authorization/)
    expect(asked.headers.get("access-control-allow-credentials")).toBeNull()
    const answer = await call(service, "GET", "/streams", { secret: token, headers: { origin: APP } })
    expect(answer.status).toBe(200)
    expect(answer.headers.get("access-control-allow-origin")).toBe(APP)
    expect(answer.headers.get("vary")).toMatch(/Origin/)
  })

  it("can read errors, too", async () => {
    const answer = await call(service, "GET", "/nothing", { secret: null, headers: { origin: APP } })
    assertProblem(answer, "not-found")
    expect(answer.headers.get("access-control-allow-origin")).toBe(APP)
  })

  it("that is not allowed is not answered before its call, and cannot read an answer", async () => {
    for (const origin of ["https://evil.example.com", "null", `${APP}.evil.example`]) {
      const asked = await preflight(origin)
      expect([asked.status, asked.headers.get("access-control-allow-origin")]).toEqual([405, null])
      const answer = await call(service, "GET", "/streams", { headers: { origin, "x-api-key": "x" } })
      expect(answer.headers.get("access-control-allow-origin")).toBeNull()
    }
  })

  it("may not use the API secret, allowed or not; a page of this origin may", async () => {
    for (const origin of [APP, "https://evil.example.com", "null"])
      assertProblem(await call(service, "GET", "/streams", { headers: { origin } }), "forbidden")
    expect((await call(service, "GET", "/streams", { headers: { origin: service.base } })).status).toBe(200)
  })

  it("has no session: its cookie is not sent, and would not be enough", async () => {
    const cookie = cookieIn(await open(API_SECRET))
    const answer = await asPage(cookie, "DELETE", "/session", { origin: APP, "sec-fetch-site": "cross-site" })
    assertProblem(answer, "forbidden")
  })
})

describe("a secret that was replaced", () => {
  it("keeps the sessions that it opened while it is accepted, and no longer, whenever they were opened", async () => {
    const rotating = await start({ previous: { api: "the-former-secret" } })
    const rotated = await start()
    try {
      const opened = await call(rotating, "POST", "/session", { secret: "the-former-secret" })
      const headers = { cookie: cookieIn(opened), "x-csrf-token": opened.json.csrf_token }
      const change = (at: Service) =>
        call(at, "POST", "/broadcasters", { secret: null, headers, body: { display_name: "Of a page" } })
      expect((await change(rotating)).status).toBe(201)
      assertProblem(await change(rotated), "unauthorized")
      const fresh = await call(rotating, "POST", "/session")
      expect(
        (await call(rotated, "GET", "/streams", { secret: null, headers: { cookie: cookieIn(fresh) } })).status
      ).toBe(200)
    } finally {
      await rotating.close()
      await rotated.close()
    }
  })

  it("is accepted beside the new one while it is the previous one", async () => {
    const own = await start({
      previous: { api: "the-former-secret", hook: "the-former-hook" },
      hookSecret: "the-new-hook"
    })
    try {
      for (const secret of [API_SECRET, "the-former-secret"])
        expect((await call(own, "GET", "/streams", { secret })).status).toBe(200)
      assertProblem(await call(own, "GET", "/streams", { secret: "the-oldest-secret" }), "unauthorized")
      const seen = () => own.requests().map(({ annotations }) => annotations.previous_secret)
      await expect.poll(seen).toEqual([undefined, true, undefined])
      const ready = (hook: string) =>
        call(own, "POST", "/webhook/ready", {
          secret: null,
          headers: { authorization: `Bearer ${hook}` },
          body: { path: "live/x" }
        })
      for (const hook of ["the-new-hook", "the-former-hook"]) expect((await ready(hook)).status).toBe(204)
      assertProblem(await ready("the-oldest-hook"), "unauthorized")
      for (const password of [API_SECRET, "the-former-secret"]) {
        const asked = await call(own, "POST", "/auth", {
          secret: null,
          headers: { authorization: "Bearer the-former-hook" },
          body: { action: "api", path: "", password }
        })
        expect(asked.status).toBe(200)
      }
    } finally {
      await own.close()
    }
  })
})
