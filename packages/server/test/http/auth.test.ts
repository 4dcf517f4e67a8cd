/** `POST /auth` and the hooks as MediaMTX calls them: who is let in, who is not and why, and what is never written down. */

import { refusalReasons } from "@greenroom/core"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest"
import type { ProblemName } from "../../src/http/problems/problemTypes.ts"
import { assertProblem, pointersOf } from "./support/assertProblem.ts"
import { type Answer, call, newBroadcaster, newKey, publishCall } from "./support/client.ts"
import { connectedCall } from "./support/media.ts"
import { API_SECRET, HOOK_SECRET, type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start()
})
/** The trouble ends, and the watch over the store has noticed: publishers are let in again. */
const over = async (key: string) => {
  service.trouble("none")
  await vi.waitFor(async () => expect((await ask(publishCall(key))).status).toBe(200), {
    timeout: 60_000,
    interval: 20
  })
}
beforeEach(() => {
  service.lines.length = 0
})
afterEach(() => service.trouble("none"))
afterAll(() => service.close())

const ask = (body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  call(service, "POST", "/auth", { body, secret: null, headers })

const admit = async (key: string, path: string): Promise<Answer> => {
  const answer = await ask(await connectedCall(service, key, path))
  expect(answer.status).toBe(200)
  return answer
}

const lastLine = () => service.requests().at(-1)

describe("a publisher", () => {
  it("is let in with its stream's id, and again on the same connection", async () => {
    const key = await newKey(service)
    const body = await connectedCall(service, key.key_value, "live/in")
    const first = await ask(body)
    expect(first.status).toBe(200)
    expect(first.json).toEqual({ decision: "allow", stream_id: expect.stringMatching(/^[0-9a-f-]{36}$/) })
    const again = await ask(body)
    expect([again.status, again.json]).toEqual([200, first.json])
    expect(lastLine()?.level).toBe("Info")
    expect(lastLine()?.annotations).toMatchObject({
      method: "POST",
      route: "/auth",
      status: 200,
      decision: "allow",
      reason: null,
      action: "publish",
      path: "live/in",
      protocol: "rtsp",
      source_id: body.id,
      stream_key_id: key.id,
      key_prefix: key.key_prefix,
      stream_id: first.json.stream_id
    })
  })

  it.each([
    ["the password", (key: string) => ({ password: key, token: "" })],
    ["the token", (key: string) => ({ password: "", token: key })],
    ["the query's key", (key: string) => ({ password: "", token: "", query: `a=b&key=${key}` })],
    ["the query's token", (key: string) => ({ password: "", token: "", query: `token=${key}` })],
    ["the query's pass", (key: string) => ({ password: "", token: "", query: `user=x&pass=${key}` })],
    ["the query alone, the rest null", (key: string) => ({ password: null, token: null, query: `pass=${key}` })]
  ])("is known by %s", async (_, credentials) => {
    const key = await newKey(service)
    const answer = await ask(publishCall("", { path: `live/${key.id}`, ...credentials(key.key_value) }))
    expect(answer.status).toBe(200)
  })

  const refusals: ReadonlyArray<readonly [string, ProblemName, () => Promise<object>]> = [
    ["an unknown key", "invalid-stream-key", async () => publishCall(`sk_${"x".repeat(43)}`)],
    ["what is no key at all", "invalid-stream-key", async () => publishCall("hello")],
    ["no credentials", "unauthorized", async () => publishCall("")],
    [
      "a revoked key",
      "stream-key-revoked",
      async () => {
        const key = await newKey(service)
        await call(service, "DELETE", `/stream-keys/${key.id}`)
        return publishCall(key.key_value)
      }
    ],
    [
      "a disabled key",
      "stream-key-disabled",
      async () => {
        const key = await newKey(service)
        await call(service, "PATCH", `/stream-keys/${key.id}`, { body: { enabled: false } })
        return publishCall(key.key_value)
      }
    ],
    [
      "a key that is blocked on the path",
      "stream-key-blocked",
      async () => {
        const key = await newKey(service)
        const path = `live/${key.id}`
        const { json } = await ask(publishCall(key.key_value, { path }))
        await call(service, "DELETE", `/streams/${json.stream_id}?block_seconds=3600`)
        return publishCall(key.key_value, { path })
      }
    ],
    [
      "an expired key",
      "stream-key-expired",
      async () => {
        const key = await newKey(service)
        const expiresIn = async (millis: number): Promise<void> => {
          const body = { expires_at: new Date(Date.now() + millis).toISOString() }
          const { status } = await call(service, "PATCH", `/stream-keys/${key.id}`, { body })
          // On a busy machine the moment may have passed before it is looked at.
          if (status !== 200) return expiresIn(2 * millis)
        }
        await expiresIn(30)
        await expect
          .poll(async () => (await call(service, "GET", `/stream-keys/${key.id}`)).json.status, { interval: 10 })
          .toBe("expired")
        return publishCall(key.key_value)
      }
    ],
    [
      "a key in use",
      "stream-key-in-use",
      async () => {
        const key = await newKey(service)
        await admit(key.key_value, "live/use-1")
        return publishCall(key.key_value, { path: "live/use-2" })
      }
    ],
    [
      "a path in use",
      "path-in-use",
      async () => {
        await admit((await newKey(service)).key_value, "live/used")
        return publishCall((await newKey(service)).key_value, { path: "live/used" })
      }
    ],
    [
      "a path outside of the key's",
      "path-not-allowed",
      async () => publishCall((await newKey(service, { path: "live/a/*" })).key_value, { path: "live/b" })
    ],
    [
      "another broadcaster's path",
      "path-not-allowed",
      async () => {
        await newKey(service, { path: "live/owned" })
        return publishCall((await newKey(service)).key_value, { path: "live/owned" })
      }
    ],
    [
      "a key in the path",
      "path-not-allowed",
      async () => {
        const { key_value } = await newKey(service)
        return publishCall(key_value, { path: `live/${key_value}` })
      }
    ],
    [
      "a malformed path",
      "path-not-allowed",
      async () => publishCall((await newKey(service)).key_value, { path: "live//x" })
    ],
    ["an empty path", "path-not-allowed", async () => publishCall((await newKey(service)).key_value, { path: "" })]
  ]
  it.each(refusals)("with %s is refused as %s", async (_, name, body) => {
    const sent = await body()
    const answer = await ask(sent)
    assertProblem(answer, name)
    expect(answer.json.detail).not.toBe("")
    const reason = name.replaceAll("-", "_")
    expect(lastLine()?.annotations).toMatchObject({
      decision: "refuse",
      reason,
      detail: answer.json.detail,
      status: 401
    })
    expect(lastLine()?.level).toBe(name === "unauthorized" ? "Debug" : "Info")
  })

  it("is tried with every reason here, but for those of the protocol, the host, takeovers and viewers, which have tests of their own", () => {
    const tried = new Set(refusals.map(([, name]) => name.replaceAll("-", "_")))
    const isViewers = (reason: string) => /^(playback|viewer)_/.test(reason)
    expect(refusalReasons.filter((reason) => !tried.has(reason) && !isViewers(reason))).toEqual([
      "stream_key_contested",
      "protocol_not_supported",
      "refused_by_host"
    ])
  })

  it("without a connection id is a bad request, whatever its key", async () => {
    for (const id of [undefined, ""]) {
      const answer = await ask(publishCall((await newKey(service)).key_value, { id }))
      assertProblem(answer, "validation")
      expect(pointersOf(answer)).toEqual(["/id"])
    }
  })

  // Within 0.8 s, as core's own tests show under the test clock.
  it("gets its answer when the store is silent or down", async () => {
    const { key_value } = await newKey(service)
    for (const trouble of ["slow", "down"] as const) {
      service.trouble(trouble)
      assertProblem(await ask(publishCall(key_value)), "store-unavailable")
    }
    await over(key_value)
  })

  it("is not let in by a defect", async () => {
    const { key_value } = await newKey(service)
    service.trouble("defect")
    assertProblem(await ask(publishCall("sk_x")), "internal")
    await over(key_value)
  })
})

describe("others", () => {
  it.each(["read", "playback"])("%s is open to everybody", async (action) => {
    const answer = await ask({ action, path: "live/x", id: null })
    expect([answer.status, answer.json]).toEqual([200, { decision: "allow", stream_id: null }])
  })

  it.each(["api", "metrics", "pprof"])("%s needs the API secret, and is quiet with it", async (action) => {
    for (const credentials of [{ password: API_SECRET }, { token: API_SECRET }]) {
      const answer = await ask({ action, path: "", id: null, ...credentials })
      expect([answer.status, answer.json]).toEqual([200, { decision: "allow", stream_id: null }])
      expect(lastLine()?.level).toBe("Debug")
    }
    assertProblem(await ask({ action, path: "", password: "wrong" }), "unauthorized")
    expect(lastLine()?.level).toBe("Info")
    assertProblem(await ask({ action, path: "", query: `pass=${API_SECRET}` }), "unauthorized")
    assertProblem(await ask({ action, path: "" }), "unauthorized")
    expect(lastLine()?.level).toBe("Debug")
  })

  it.each([undefined, null, "", "delete", "PUBLISH", "publish ", "__proto__", "x".repeat(2000)])(
    "the action %s is refused",
    async (action) => {
      assertProblem(await ask({ action, path: "live/x", password: API_SECRET, id: "1" }), "unauthorized")
    }
  )
})

describe("a malformed call", () => {
  it.each([
    ["no path", { action: "read" }, ["/path"]],
    ["a null path", { action: "read", path: null }, ["/path"]],
    ["wrong types", { action: 1, path: 2, id: 3, protocol: 4, password: 5, token: 6, query: 7, user: 8 }, null]
  ])("with %s is a 400 that points at it", async (_, body, pointers) => {
    const answer = await ask(body)
    assertProblem(answer, "validation")
    if (pointers !== null) expect(pointersOf(answer)).toEqual(pointers)
    else
      expect(pointersOf(answer).toSorted()).toEqual(
        Object.keys(body)
          .map((name) => `/${name}`)
          .toSorted()
      )
  })

  it.each(["", "null", "[]", "{", "action=publish"])("with the body %s is a 400", async (body) => {
    assertProblem(await ask(body), "validation")
  })

  it("of another content type is a 415", async () => {
    const body = JSON.stringify({ action: "read", path: "x" })
    assertProblem(await ask(body, { "content-type": "text/plain" }), "unsupported-media-type")
  })

  it("in bytes that are no UTF-8, or compressed, is refused; so is such a hook", async () => {
    const send = (path: string, body: Buffer, headers: Record<string, string> = {}) =>
      fetch(`${service.base}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: new Uint8Array(body)
      })
    const latin1 = Buffer.from(JSON.stringify({ action: "read", path: "live/é" }), "latin1")
    const good = Buffer.from(JSON.stringify({ action: "read", path: "live/x" }))
    for (const path of ["/auth", "/webhook/ready"]) {
      expect([path, (await send(path, latin1)).status]).toEqual([path, 400])
      expect([path, (await send(path, good, { "content-encoding": "gzip" })).status]).toEqual([path, 415])
    }
    const foreign = { "content-type": "application/json; charset=latin1" }
    expect((await send("/auth", good, foreign)).status).toBe(415)
    expect((await send("/webhook/ready", good, foreign)).status).toBe(204)
  })

  it("has its action and path in the log all the same, bounded and without a key", async () => {
    const key = `sk_${"x".repeat(43)}`
    await ask({ action: "publish", path: "live/x", id: 5 })
    expect(lastLine()?.annotations).toMatchObject({ status: 400, action: "publish", path: "live/x", source_id: "" })
    await ask({ action: "read", path: `live/${key}/${"é".repeat(5_000)}`, query: [1] })
    const { action, path } = lastLine()!.annotations as { readonly action: string; readonly path: string }
    expect([action, path.length, path.slice(0, 14)]).toEqual(["read", 1_000, "live/sk_xxxx…/"])
    await ask({ action: key, protocol: key, id: key })
    expect(lastLine()?.annotations).toMatchObject({ action: "sk_xxxx…", protocol: "sk_xxxx…", source_id: "sk_xxxx…" })
    for (const body of ["null", "5", '"publish"']) {
      assertProblem(await ask(body), "validation")
      expect(lastLine()?.annotations).toMatchObject({ status: 400, path: "/auth" })
    }
  })
})

describe("what does not bear on the decision", () => {
  const long = "x".repeat(4_200)
  const fields: ReadonlyArray<readonly [string, object]> = [
    ["a bearer", { token: long }],
    ["a password", { user: long, password: long, token: long }],
    ["a query", { query: `token=${long}${long}` }],
    ["a user agent", { userAgent: long }],
    ["an address, a protocol, an id", { ip: long, protocol: long, id: long }],
    ["unknown fields", { more: { a: [long] } }]
  ]
  const viewers = ["read", "playback"].flatMap((action) => fields.map(([name, more]) => [action, name, more] as const))

  it.each(viewers)("refuses no %s for the length of %s", async (action, _, more) => {
    expect((await ask({ action, path: "live/x", id: null, ...more })).status).toBe(200)
    expect(lastLine()?.annotations).toMatchObject({ decision: "allow", action, path: "live/x" })
  })

  it("is the length of a viewer's path, which the log has cut", async () => {
    expect((await ask({ action: "read", path: `live/${"x".repeat(1_004)}` })).status).toBe(200)
    expect(lastLine()?.annotations).toMatchObject({ action: "read", path: `live/${"x".repeat(995)}` })
  })

  it("is a publisher's user agent, and what else it sends beside its key", async () => {
    const { key_value } = await newKey(service)
    const beside = { userAgent: long, user: long, token: long, query: `a=${long}`, ip: long }
    expect((await ask(publishCall(key_value, { path: "live/beside", ...beside }))).status).toBe(200)
  })

  it("is not a publisher's path, id and key: too long ones are refused in their own words", async () => {
    const { key_value } = await newKey(service)
    assertProblem(await ask(publishCall(key_value, { path: "x".repeat(1_001) })), "path-not-allowed")
    assertProblem(await ask(publishCall(key_value, { id: "x".repeat(256) })), "validation")
    assertProblem(await ask(publishCall(long)), "invalid-stream-key")
    assertProblem(await ask({ action: long, path: "x" }), "unauthorized")
  })

  it("is not a protocol that cannot be followed: no key makes it right", async () => {
    const { key_value } = await newKey(service)
    for (const protocol of ["hls", "carrier-pigeon", long]) {
      assertProblem(await ask(publishCall(key_value, { path: "live/unfollowed", protocol })), "protocol-not-supported")
    }
    expect(lastLine()?.annotations).toMatchObject({ decision: "refuse", reason: "protocol_not_supported" })
    expect((await ask(publishCall(key_value, { path: "live/moq", protocol: "moq" }))).status).toBe(200)
  })

  it("is bounded by the body's size", async () => {
    assertProblem(await ask({ action: "read", path: "x", query: "x".repeat(70_000) }), "payload-too-large")
  })
})

describe("a question without a connection", () => {
  const question = (key: string, more: object = {}) =>
    publishCall(key, { id: null, protocol: "webrtc", password: "", token: key, ...more })
  const streamsOn = async (path: string): Promise<number> =>
    (await call(service, "GET", `/streams?status=connecting,active,inactive&path=${path}`)).json.count

  it("is answered by the key, and leaves nothing", async () => {
    const key = await newKey(service)
    for (let time = 0; time < 2; time++) {
      const answer = await ask(question(key.key_value, { path: "live/page" }))
      expect([answer.status, answer.json]).toEqual([200, { decision: "allow", stream_id: null }])
      expect(lastLine()?.annotations).toMatchObject({
        decision: "allow",
        action: "publish",
        path: "live/page",
        source_id: "",
        stream_key_id: key.id,
        key_prefix: key.key_prefix
      })
    }
    expect(await streamsOn("live/page")).toBe(0)
    expect((await call(service, "GET", `/stream-keys/${key.id}`)).json).toMatchObject({
      status: "active",
      last_used_at: null,
      active_stream_id: null
    })
  })

  it("is answered yes to the browser that publishes, and to one that would be refused as a second", async () => {
    const { key_value } = await newKey(service)
    await admit(key_value, "live/busy")
    expect((await ask(question(key_value, { path: "live/busy" }))).status).toBe(200)
    expect((await ask(question((await newKey(service)).key_value, { path: "live/busy" }))).status).toBe(200)
    expect(await streamsOn("live/busy")).toBe(1)
  })

  it("is refused for the key, its standing, its limit, the path, and quietly without any", async () => {
    const revoked = await newKey(service)
    await call(service, "DELETE", `/stream-keys/${revoked.id}`)
    const limited = await newKey(service, { path: "live/limited" })
    const cases: ReadonlyArray<readonly [object, ProblemName]> = [
      [question(`sk_${"x".repeat(43)}`), "invalid-stream-key"],
      [question(revoked.key_value), "stream-key-revoked"],
      [question(limited.key_value, { path: "live/else" }), "path-not-allowed"],
      [question((await newKey(service)).key_value, { path: "live/limited" }), "path-not-allowed"],
      [question(limited.key_value, { path: "live//x" }), "path-not-allowed"],
      [question(""), "unauthorized"]
    ]
    for (const [body, name] of cases) {
      assertProblem(await ask(body), name)
      expect(lastLine()?.level).toBe(name === "unauthorized" ? "Debug" : "Info")
    }
  })

  it("gets a 503 while the store is down", async () => {
    const { key_value } = await newKey(service)
    service.trouble("down")
    assertProblem(await ask(question(key_value)), "store-unavailable")
    await over(key_value)
  })
})

describe("a key with something round it, or in the wrong place", () => {
  const none = { user: "", password: "", token: "", query: "" }
  it.each([
    ["a space behind it", (key: string) => ({ password: `${key} `, query: `pass=${key}%20` })],
    ["SRT options behind it", (key: string) => ({ user: "greenroom", password: `${key}&pkt_size=1316` })],
    ["the user's name", (key: string) => ({ user: key })],
    ["the query alone", (key: string) => ({ query: key })],
    ["a bearer of old versions", (key: string) => ({ query: `jwt=${key}` })],
    ["HTML in the query", (key: string) => ({ user: "x", query: `user=x&amp;pass=${key}` })]
  ])("is taken: %s", async (_, credentials) => {
    const { id, key_value } = await newKey(service)
    const body = publishCall("", { path: `live/${id}`, ...none, ...credentials(key_value) })
    expect((await ask(body)).status).toBe(200)
  })

  it("is refused in front of the stream's name, and beside another key, in words without it", async () => {
    const [one, other] = [(await newKey(service)).key_value, (await newKey(service)).key_value]
    const inFront = await ask(
      publishCall("", { ...none, path: "live", password: `${one}/s1`, query: `pass=${one}/s1` })
    )
    assertProblem(inFront, "invalid-stream-key")
    expect(inFront.json.detail).toContain("behind the stream's name")
    const two = await ask(publishCall("", { ...none, user: one, query: `key=x&jwt=${other}` }))
    assertProblem(two, "invalid-stream-key")
    expect(two.json.detail).toContain("Two different stream keys stand in the user name and query")
    for (const text of [inFront.text, two.text, ...service.lines.map((line) => line.text)]) {
      for (const key of [one, other]) expect(text).not.toContain(key.slice(7))
    }
  })
})

describe("calls as MediaMTX 1.20.1 writes them", () => {
  const written = (more: object) => ({
    ip: "127.0.0.1",
    user: "",
    password: "",
    token: "",
    action: "publish",
    path: "live/page",
    protocol: "webrtc",
    id: null,
    query: "",
    userAgent: "Mozilla/5.0",
    ...more
  })
  it.each([
    ["RTSP's first, anonymous one", written({ protocol: "rtsp", id: crypto.randomUUID(), userAgent: "Lavf61" }), 401],
    ["WebRTC's page, which asks without an id and a key", written({}), 401],
    ["HLS' first", written({ action: "read", protocol: "hls", query: "token=x" }), 200],
    [
      "the control API's own",
      written({ action: "api", path: "", protocol: "", password: API_SECRET, token: API_SECRET }),
      200
    ],
    [
      "a version without token and userAgent",
      { ip: "::1", user: "", password: "", action: "read", path: "x", protocol: "rtmp", id: "1", query: "" },
      200
    ]
  ])("%s", async (_, body, status) => {
    expect((await ask(body)).status).toBe(status)
  })
})

describe("a connection's id", () => {
  const key = `sk_abcd${"x".repeat(39)}`
  const hidden = [key, `id-${key}`, key.slice(0, 30), `%73k_${key.slice(3)}`]

  it.each(hidden)("with a stream key in it is refused, and written nowhere: %s", async (id) => {
    const { key_value } = await newKey(service)
    const answer = await ask(publishCall(key_value, { id, path: "live/key-in-id" }))
    assertProblem(answer, "validation")
    expect(pointersOf(answer)).toEqual(["/id"])
    const streams = await call(service, "GET", "/streams?status=connecting,active,inactive&path=live/key-in-id")
    expect(streams.json.count).toBe(0)
    for (const text of [answer.text, ...service.lines.map((line) => line.text)]) expect(text).not.toContain("xxxxx")
  })

  it.each(["/webhook/ready", "/webhook/not-ready"])("is bounded in %s, too", async (path) => {
    const send = (source_id: string | null) =>
      call(service, "POST", path, { body: { path: "live/x", source_id }, secret: null })
    for (const id of [...hidden, "x".repeat(256), "a b", "a\u0000", "ü"]) {
      const answer = await send(id)
      assertProblem(answer, "validation")
      expect(pointersOf(answer)).toEqual(["/source_id"])
      expect(answer.text).not.toContain("xxxxx")
    }
    for (const id of [null, "", crypto.randomUUID(), "x".repeat(255)]) expect((await send(id)).status).toBe(204)
  })
})

describe("the hooks", () => {
  it.each(["/webhook/ready", "/webhook/not-ready"])(
    "%s wakes the reconciler, whatever the content type",
    async (path) => {
      for (const type of ["application/json", "application/x-www-form-urlencoded", "text/plain", "nonsense"]) {
        const body = JSON.stringify({ path: "live/x", source_type: "rtmpConn", source_id: "1", query: "pass=sk_x" })
        const answer = await call(service, "POST", path, { body, secret: null, headers: { "content-type": type } })
        expect([answer.status, answer.text]).toEqual([204, ""])
        expect(answer.headers.get("x-request-id")).not.toBeNull()
      }
    }
  )

  it.each(["/webhook/ready", "/webhook/not-ready"])("%s refuses what is no hook", async (path) => {
    for (const body of [
      "",
      "{",
      "[]",
      "{}",
      '{"path":5}',
      `{"path":"${"x".repeat(1001)}"}`,
      '{"path":"x","source_id":5}'
    ]) {
      assertProblem(await call(service, "POST", path, { body, secret: null }), "validation")
    }
  })

  it("change nothing by themselves", async () => {
    const { key_value } = await newKey(service)
    const { json } = await admit(key_value, "live/hooked")
    await call(service, "POST", "/webhook/ready", { body: { path: "live/hooked" }, secret: null })
    await call(service, "POST", "/webhook/not-ready", { body: { path: "live/other" }, secret: null })
    expect((await call(service, "GET", `/streams/${json.stream_id}`)).json.status).toBe("connecting")
  })
})

describe("with a hook secret", () => {
  let guarded: Service
  beforeAll(async () => {
    guarded = await start({ hookSecret: HOOK_SECRET })
  })
  afterAll(() => guarded.close())

  const basic = (user: string, password: string) => ({
    authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`
  })
  const paths = ["/auth", "/webhook/ready", "/webhook/not-ready"]
  const send = (path: string, headers: Record<string, string>, body: unknown = { action: "read", path: "live/x" }) =>
    call(guarded, "POST", path, { body, secret: null, headers })

  it.each(paths)("%s is answered to its bearer, by Basic with any user or as a token", async (path) => {
    for (const headers of [
      basic("mediamtx", HOOK_SECRET),
      basic("", HOOK_SECRET),
      { authorization: `Bearer ${HOOK_SECRET}` }
    ]) {
      expect((await send(path, headers)).status).toBeLessThan(300)
    }
  })

  it.each(paths)("%s is refused to everybody else, before it is read", async (path) => {
    const without: ReadonlyArray<Record<string, string>> = [
      {},
      basic("mediamtx", "wrong"),
      basic(HOOK_SECRET, ""),
      { authorization: `Basic ${HOOK_SECRET}` },
      { authorization: "Bearer wrong" },
      { authorization: "Bearer" },
      { "x-api-key": HOOK_SECRET },
      { "x-api-key": API_SECRET }
    ]
    for (const headers of without) {
      const answer = await send(path, headers, "{")
      assertProblem(answer, "unauthorized")
      expect(answer.headers.get("www-authenticate")).toMatch(/^Basic realm=/)
    }
  })

  it("the API secret is not it", async () => {
    assertProblem(await send("/auth", { authorization: `Bearer ${API_SECRET}` }), "unauthorized")
  })
})

describe("no key is readable", () => {
  it("in a log line or a problem, wherever it was put", async () => {
    const { key_value: key } = await newKey(service)
    const { id: broadcaster_id } = await newBroadcaster(service)
    const answers = [
      await ask(publishCall(key, { path: `live/${key}` })),
      await ask(publishCall(key, { path: `${key}`, query: `pass=${key}`, userAgent: key, user: key, ip: key })),
      await ask(publishCall("x", { id: key, protocol: key })),
      await ask(publishCall("x", { action: key })),
      await ask(`{"action":"publish","path":"live/x","password":"${key}"`),
      await ask({ action: "publish", path: 5, password: key, token: [key] }),
      await call(service, "GET", `/streams/${key}`),
      await call(service, "GET", `/streams/%73k_${key.slice(3)}`),
      await call(service, "GET", `/streams?path=${key}&key=${key}`),
      await call(service, "GET", `/nothing/${key}?pass=${key}`),
      await call(service, "POST", "/stream-keys", { body: { broadcaster_id, path: `live/${key}` } }),
      await call(service, "GET", "/streams", { headers: { "x-request-id": key } }),
      await call(service, "POST", "/webhook/ready", {
        body: { path: `live/${key}`, query: `pass=${key}` },
        secret: null
      })
    ]
    service.trouble("defect")
    answers.push(await ask(publishCall(key)))
    for (const answer of answers)
      expect(`${answer.text}${JSON.stringify([...answer.headers])}`).not.toContain(key.slice(7))
    expect(service.lines.length).toBeGreaterThan(answers.length - 1)
    for (const line of service.lines) expect(line.text).not.toContain(key.slice(7))
  })
})
