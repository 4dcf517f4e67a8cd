/** Playback tokens over HTTP: what is signed, what is refused and where, and that a token is written out once. */
import { refusalReasons } from "@greenroom/core"
import { exportJWK, generateKeyPair, SignJWT } from "jose"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import type { ProblemName } from "../../src/http/problems/problemTypes.ts"
import { assertProblem, pointersOf } from "./support/assertProblem.ts"
import { call, newBroadcaster, newKey } from "./support/client.ts"
import { UNKNOWN_ID } from "./support/endpoints.ts"
import { authenticateThrough, onAir } from "./support/media.ts"
import { newToken } from "./support/operations.ts"
import { type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start()
  await authenticateThrough(service)
})
afterEach(() => service.trouble("none"))
afterAll(() => service.close())

const create = (body: object, secret?: string) =>
  call(service, "POST", "/playback-tokens", { body, ...(secret === undefined ? {} : { secret }) })

/** What MediaMTX asks about a viewer who shows the token as a query does. */
const watch = (path: string, token: string, more: object = {}) =>
  call(service, "POST", "/auth", {
    secret: null,
    body: {
      ip: "127.0.0.1",
      user: "",
      password: "",
      action: "read",
      path,
      protocol: "rtmp",
      id: crypto.randomUUID(),
      query: `token=${token}`,
      ...more
    }
  })

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString())

describe("a token for a path", () => {
  it("is answered once, with where it plays, and lets in on that path alone", async () => {
    await newKey(service, { path: "live/one", playback: "token" })
    await newKey(service, { path: "live/two", playback: "token" })
    const created = await create({
      path: "live/one",
      viewer_id: "user-4711",
      expires_in: 120,
      max_sessions: 2,
      ips: ["127.0.0.0/8"],
      metadata: { order: "A-113" }
    })
    expect(created.status).toBe(201)
    const { token, urls, ...rest } = created.json
    expect(created.headers.get("location")).toBe(`/playback-tokens/${rest.id}`)
    expect(created.headers.get("cache-control")).toBe("no-store")
    expect(rest).toMatchObject({
      issuer: "greenroom",
      path: "live/one",
      stream_id: null,
      pattern: null,
      viewer_id: "user-4711",
      actions: ["read"],
      max_sessions: 2,
      ips: ["127.0.0.0/8"],
      metadata: { order: "A-113" },
      not_before: null,
      revoked_at: null
    })
    expect(Date.parse(rest.expires_at) - Date.parse(rest.created_at)).toBe(120_000)
    expect(token.length).toBeLessThanOrEqual(440)
    expect(claimsOf(token)).toMatchObject({ jti: rest.id, path: "live/one", sub: "user-4711", max: 2 })
    expect(JSON.stringify(claimsOf(token))).not.toContain("A-113")
    expect(urls).toEqual({
      hls: `https://media.example.com/live/one/index.m3u8?token=${token}`,
      hls_bearer: { url: `https://media.example.com/live/one/index.m3u8?v=${rest.id}`, bearer: token },
      webrtc: { url: `https://media.example.com/live/one/whep?v=${rest.id}`, bearer: token },
      rtmp: `rtmp://media.example.com/live/one?token=${token}`,
      rtsp: `rtsp://media.example.com:8554/live/one?token=${token}`,
      rtsp_basic: `rtsp://${rest.id}:${token}@media.example.com:8554/live/one`,
      srt: `srt://media.example.com:8890?streamid=read:live/one:${rest.id}:${token}`
    })

    const let_in = await watch("live/one", token)
    expect([let_in.status, let_in.json]).toEqual([200, { decision: "allow", stream_id: null }])
    assertProblem(await watch("live/two", token), "playback-not-allowed")
    assertProblem(await watch("live/one", token, { ip: "192.0.2.7" }), "playback-not-allowed")
    assertProblem(await watch("live/one", token, { action: "playback" }), "playback-not-allowed")
    assertProblem(await watch("live/one", `${token.slice(0, -8)}AAAAAAAA`), "playback-token-invalid")
    assertProblem(await watch("live/one", token, { query: "" }), "playback-token-needed")

    expect((await call(service, "GET", `/playback-tokens/${rest.id}`)).json).toEqual(rest)
    const places = [
      `/playback-tokens/${rest.id}`,
      "/playback-tokens",
      "/audit-logs",
      "/auth-decisions",
      "/events",
      "/metrics"
    ]
    const signature = token.split(".")[2]
    for (const place of places) expect((await call(service, "GET", place)).text).not.toContain(signature)
    expect(service.lines.map(({ text }) => text).join()).not.toContain(signature)
    const line = service.requests().findLast(({ annotations }) => annotations.playback_token_id === rest.id)
    expect(line?.annotations).toMatchObject({ rule: "playback_token", viewer_id: "user-4711", decision: "allow" })
  })

  it("is refused once it is revoked, and says so", async () => {
    await newKey(service, { path: "live/revoked", playback: "token" })
    const { id, token } = (await create({ path: "live/revoked" })).json
    expect((await watch("live/revoked", token)).status).toBe(200)
    expect((await call(service, "DELETE", `/playback-tokens/${id}`)).status).toBe(204)
    assertProblem(await watch("live/revoked", token), "playback-token-revoked")
    expect((await call(service, "GET", `/playback-tokens/${id}`)).json.revoked_at).toMatch(/Z$/)
    expect((await call(service, "DELETE", `/playback-tokens/${id}`)).status).toBe(204)
  })
})

describe("a viewer of a private stream", () => {
  const path = "live/reasons"
  const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds
  let signed: (claims: object) => Promise<string>
  beforeAll(async () => {
    await newKey(service, { path, playback: "token" })
    const { publicKey, privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true })
    await call(service, "POST", "/signing-keys", { body: { public_key: await exportJWK(publicKey), id: "reasons" } })
    let count = 0
    signed = (claims) =>
      new SignJWT({ path, jti: `reasons${String(count++).padStart(9, "0")}`, ...claims })
        .setProtectedHeader({ alg: "EdDSA", kid: "reasons" })
        .setIssuedAt()
        .sign(privateKey)
  })

  const reasons: ReadonlyArray<readonly [string, ProblemName, () => Promise<readonly [string, object?]>]> = [
    ["no token", "playback-token-needed", async () => ["", { query: "" }]],
    ["what is no token", "playback-token-invalid", async () => ["eyJ.eyJ.AAAA"]],
    [
      "the secret of HS256",
      "playback-token-invalid",
      async () => {
        const secret = new TextEncoder().encode("the-public-key-or-anything-else!")
        const token = new SignJWT({ path, jti: "hmachmachmachmac", exp: inSeconds(60) })
        return [await token.setProtectedHeader({ alg: "HS256", kid: "reasons" }).setIssuedAt().sign(secret)]
      }
    ],
    [
      "no algorithm",
      "playback-token-invalid",
      async () => {
        const [, payload] = (await signed({ exp: inSeconds(60) })).split(".")
        return [`${Buffer.from('{"alg":"none","kid":"reasons"}').toString("base64url")}.${payload}.`]
      }
    ],
    ["no expiry", "playback-token-invalid", async () => [await signed({})]],
    ["an expired token", "playback-token-expired", async () => [await signed({ exp: inSeconds(-10) })]],
    [
      "a token from later on",
      "playback-token-early",
      async () => {
        const not_before = new Date(Date.now() + 60_000).toISOString()
        return [(await create({ path, expires_in: 120, not_before })).json.token]
      }
    ],
    [
      "a revoked token",
      "playback-token-revoked",
      async () => {
        const { id, token } = (await create({ path })).json
        await call(service, "DELETE", `/playback-tokens/${id}`)
        return [token]
      }
    ],
    [
      "a revoked viewer's token",
      "viewer-revoked",
      async () => {
        const token = await signed({ exp: inSeconds(60), sub: "revoked" })
        await call(service, "POST", "/viewers/revoked/revoke", { body: { until: null } })
        return [token]
      }
    ],
    [
      "a token for another path",
      "playback-not-allowed",
      async () => [await signed({ exp: inSeconds(60), path: "live/x" })]
    ],
    [
      "the id of another token",
      "playback-token-invalid",
      async () => {
        const token = await signed({ exp: inSeconds(60) })
        return [token, { query: `token=${token}&v=anotheranother00`, protocol: "hls" }]
      }
    ]
  ]
  it.each(reasons)("with %s is refused as %s", async (_, name, prepare) => {
    const [token, more] = await prepare()
    const answer = await watch(path, token, more)
    assertProblem(answer, name)
    const line = service.requests().at(-1)
    expect(line?.annotations).toMatchObject({ decision: "refuse", reason: name.replaceAll("-", "_"), status: 401 })
    if (token !== "") expect(answer.text + line?.text).not.toContain(token)
  })

  it("is tried with every reason here", () => {
    const tried = new Set<string>(reasons.map(([, name]) => name.replaceAll("-", "_")))
    expect(refusalReasons.filter((reason) => /^(playback|viewer)_/.test(reason) && !tried.has(reason))).toEqual([])
  })
})

describe("a token for something else", () => {
  it("is for a stream, a broadcaster or a pattern, and has URLs where it is for one path", async () => {
    const key = await newKey(service, { path: "live/target", playback: "token" })
    const { stream } = await onAir(service, key.key_value, "live/target")
    const ofStream = (await create({ stream_id: stream.id })).json
    const ofBroadcaster = (await create({ broadcaster_id: key.broadcaster_id })).json
    const ofPattern = (await create({ pattern: "live/**" })).json
    const targets = ({ path, stream_id, pattern, broadcaster_id }: Record<string, unknown>) => ({
      path,
      stream_id,
      pattern,
      broadcaster_id
    })
    const none = { path: null, stream_id: null, pattern: null, broadcaster_id: key.broadcaster_id }
    expect(targets(ofStream)).toEqual({ ...none, stream_id: stream.id })
    expect(targets(ofBroadcaster)).toEqual(none)
    expect(targets(ofPattern)).toEqual({ ...none, pattern: "live/**", broadcaster_id: null })
    expect(ofStream.urls.hls).toContain("/live/target/index.m3u8?token=")
    for (const { urls } of [ofBroadcaster, ofPattern]) expect(Object.values(urls)).toEqual(Array(7).fill(null))
    for (const { token } of [ofStream, ofBroadcaster, ofPattern])
      expect((await watch("live/target", token)).status).toBe(200)
  })

  it.each([
    [{}, [""]],
    [{ viewer_id: "x" }, [""]],
    [{ path: "live/x", pattern: "**" }, ["/path", "/pattern"]],
    [{ stream_id: UNKNOWN_ID }, ["/stream_id"]],
    [{ broadcaster_id: UNKNOWN_ID }, ["/broadcaster_id"]],
    [{ path: "live/x", not_before: "2999-01-01T00:00:00Z" }, ["/not_before"]]
  ])("of %j is refused, and the answer points there", async (body, pointers) => {
    const answer = await create(body)
    assertProblem(answer, "validation")
    expect(pointersOf(answer)).toEqual(pointers)
  })
})

describe("what does not fit", () => {
  it("into a token is 422, and names what could be shorter, the longest first", async () => {
    const ips = Array.from({ length: 10 }, (_, index) => `2001:db8:1111:2222:3333:4444:5555:${6660 + index}/128`)
    const answer = await create({ path: "live/one", viewer_id: "v".repeat(64), ips })
    assertProblem(answer, "playback-token-too-long")
    expect(answer.status).toBe(422)
    expect(answer.json.detail).toMatch(
      /^The token would have \d+ characters more than the 440 that it may have: shorten ips \(\d+\), viewer_id \(64\), path \(8\)$/
    )
    expect(pointersOf(answer)).toEqual(["/ips", "/viewer_id", "/path"])
  })

  it("into the SRT stream id is 422, too", async () => {
    const answer = await create({ path: `live/${"x".repeat(120)}` })
    assertProblem(answer, "playback-token-too-long")
    expect(answer.json.detail).toMatch(/^The token's SRT stream id would have \d+ characters more than the 500/)
    expect(pointersOf(answer)).toEqual(["/path"])
  })
})

describe("the list", () => {
  it("has pages, and filters by viewer and by broadcaster", async () => {
    const { id: broadcaster_id } = await newBroadcaster(service)
    const ids: Array<string> = []
    for (let index = 0; index < 5; index++)
      ids.unshift((await create({ broadcaster_id, viewer_id: `pages-${index % 2}` })).json.id)
    const found: Array<string> = []
    let cursor = ""
    do {
      const { json } = await call(service, "GET", `/playback-tokens?broadcaster_id=${broadcaster_id}&limit=2${cursor}`)
      found.push(...json.playback_tokens.map(({ id }: { id: string }) => id))
      cursor = json.next_cursor === null ? "" : `&cursor=${json.next_cursor}`
    } while (cursor !== "")
    expect([...found].toSorted()).toEqual([...ids].toSorted())
    const one = await call(service, "GET", "/playback-tokens?viewer_id=pages-1")
    expect(one.json.count).toBe(2)
    for (const bad of ["x", "1-", `1-${"a".repeat(65)}`, `1-${UNKNOWN_ID}%0A`])
      expect(pointersOf(await call(service, "GET", `/playback-tokens?cursor=${bad}`))).toEqual(["/cursor"])
  })
})

describe("a caller that is limited to a broadcaster", () => {
  it("issues tokens for what is that one's, and for nothing else", async () => {
    const key = await newKey(service, { path: "live/limited" })
    const { token: secret } = await newToken(service, {
      scopes: ["viewers:write"],
      broadcaster_id: key.broadcaster_id
    })
    expect((await create({ path: "live/limited" }, secret)).status).toBe(201)
    expect((await create({ broadcaster_id: key.broadcaster_id }, secret)).status).toBe(201)
    for (const [field, body] of [
      ["/path", { path: "live/one" }],
      ["/path", { path: "live/nobodys" }],
      ["/pattern", { pattern: "live/limited/**" }],
      ["/pattern", { pattern: "**" }]
    ] as const) {
      const answer = await create(body, secret)
      assertProblem(answer, "validation")
      expect(pointersOf(answer)).toEqual([field])
    }
    const foreign = (await create({ path: "live/one" })).json.id
    for (const method of ["GET", "DELETE"])
      assertProblem(await call(service, method, `/playback-tokens/${foreign}`, { secret }), "not-found")
  })
})

describe("without what it needs", () => {
  it("is 409 without ENCRYPTION_KEY, and verifies none", async () => {
    const own = await start({ webhooks: { key: null } })
    try {
      const answer = await call(own, "POST", "/playback-tokens", { body: { path: "live/one" } })
      assertProblem(answer, "conflict")
      expect(answer.json.detail).toContain("ENCRYPTION_KEY")
      assertProblem(await call(own, "POST", "/signing-keys/rotate", { body: {} }), "conflict")
    } finally {
      await own.close()
    }
  })

  it("is 503 while the store is down; tokens from before let in all the same", async () => {
    const key = await newKey(service, { path: "live/down", playback: "token" })
    await onAir(service, key.key_value, "live/down")
    const { token } = (await create({ path: "live/down" })).json
    expect((await watch("live/down", token)).status).toBe(200)
    service.trouble("down")
    assertProblem(await create({ path: "live/down" }), "store-unavailable")
    expect((await watch("live/down", token)).status).toBe(200)
    assertProblem(await watch("live/down", "x"), "playback-token-needed")
  })
})
