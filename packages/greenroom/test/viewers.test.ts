/** Playback tokens, viewers and signing keys of `createGreenroom`, over memory and a fake MediaMTX, as a host uses them. */
import { fakeMediaMtx } from "@greenroom/testing"
import { exportJWK, generateKeyPair, SignJWT } from "jose"
import { afterEach, describe, expect, it } from "vitest"
import { createGreenroom, GreenroomError, type GreenroomOptions } from "../src/index.ts"

const SECRET = "a secret of some length"
const ENCRYPTION_KEY = "an encryption key of these tests"

let closing: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const close of closing.toReversed()) await close()
  closing = []
})

const host = async (options: Partial<GreenroomOptions> = {}) => {
  const media = await fakeMediaMtx()
  closing.push(() => media.stop())
  const gr = await createGreenroom({
    database: "memory",
    mediaMtx: { apiUrl: media.apiUrl, secret: SECRET },
    publicUrl: "https://media.example.com",
    encryptionKey: ENCRYPTION_KEY,
    logger: () => {},
    ...options
  })
  closing.push(() => gr.close())
  const broadcaster = await gr.broadcasters.upsert({ externalId: "user-1", displayName: "Ada" })
  const watch = async (path: string, token: string | null) => {
    const query = token === null ? "" : `token=${token}`
    return (await gr.authenticate({ action: "read", path, protocol: "rtmp", id: "one", ip: "127.0.0.1", query })).status
  }
  return { gr, broadcaster, watch }
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "resolved",
    (error: unknown) => (error instanceof GreenroomError ? [error.code, error.argument] : error)
  )

describe("playback tokens", () => {
  it("let in, are listed without their texts, and are revoked", async () => {
    const { gr, broadcaster, watch } = await host()
    await gr.keys.create({ broadcaster: { id: broadcaster.id }, path: "live/one", playback: "token" })
    const { playbackToken, token, urls } = await gr.playbackTokens.create({
      path: "live/one",
      viewerId: "user-2",
      expiresInSeconds: 600,
      maxSessions: 1,
      metadata: { order: 7 }
    })
    expect(urls.hls).toBe(`https://media.example.com/live/one/index.m3u8?token=${token}`)
    expect(playbackToken).toMatchObject({ path: "live/one", viewerId: "user-2", maxSessions: 1, revokedAt: null })
    expect(playbackToken.expiresAt.getTime() - playbackToken.createdAt.getTime()).toBe(600_000)
    expect([await watch("live/one", null), await watch("live/one", token)]).toEqual([401, 200])
    expect(await gr.playbackTokens.get(playbackToken.id)).toEqual(playbackToken)
    expect(await gr.playbackTokens.list({ viewerId: "user-2" })).toEqual([playbackToken])
    expect(await gr.playbackTokens.list({ broadcaster: { externalId: "user-1" } })).toEqual([playbackToken])
    expect((await gr.playbackTokens.revoke(playbackToken.id))?.revokedAt).toBeInstanceOf(Date)
    expect(await watch("live/one", token)).toBe(401)
    expect(await gr.playbackTokens.get("unknownunknown00")).toBeNull()
    expect(await gr.playbackTokens.revoke("unknownunknown00")).toBeNull()
  })

  it("say what is wrong with an order", async () => {
    const { gr } = await host()
    const ips = Array.from({ length: 10 }, (_, index) => `2001:db8:1111:2222:3333:4444:5555:${6660 + index}/128`)
    const past = { path: "live/one", notBefore: "2999-01-01T00:00:00Z" }
    expect(await codeOf(gr.playbackTokens.create({}))).toEqual(["invalid_argument", "token"])
    expect(await codeOf(gr.playbackTokens.create({ path: "a", pattern: "**" }))).toEqual(["invalid_argument", "token"])
    expect(await codeOf(gr.playbackTokens.create(past))).toEqual(["invalid_argument", "notBefore"])
    expect(await codeOf(gr.playbackTokens.create({ pattern: "*" }))).toEqual(["invalid_argument", "pattern"])
    expect(await codeOf(gr.playbackTokens.create({ stream: "0192e4a7-3f5e-4c1c-9d2a-5f0a3a1c7b11" }))).toEqual([
      "not_found",
      "stream"
    ])
    expect(await codeOf(gr.playbackTokens.create({ broadcaster: { externalId: "x" } }))).toEqual([
      "unknown_broadcaster",
      null
    ])
    expect(await codeOf(gr.playbackTokens.create({ path: "live/one", viewerId: "v".repeat(64), ips }))).toEqual([
      "token_too_long",
      null
    ])
    const without = await createGreenroom({
      database: "memory",
      mediaMtx: { apiUrl: "http://127.0.0.1:9", secret: SECRET },
      logger: () => {}
    })
    closing.push(() => without.close())
    expect(await codeOf(without.playbackTokens.create({ path: "live/one" }))).toEqual(["no_encryption_key", null])
    expect(await codeOf(without.signingKeys.rotate())).toEqual(["no_encryption_key", null])
  })

  it("of an actor that is limited to a broadcaster are for that one's things alone", async () => {
    const { gr, broadcaster } = await host()
    await gr.keys.create({ broadcaster: { id: broadcaster.id }, path: "live/hers" })
    const bob = await gr.broadcasters.upsert({ externalId: "user-9", displayName: "Bob" })
    const his = gr.as({ name: "bob", broadcasterId: bob.id })
    const hers = gr.as({ name: "ada", broadcasterId: broadcaster.id })
    const { playbackToken } = await hers.playbackTokens.create({ path: "live/hers" })
    expect(await codeOf(his.playbackTokens.create({ path: "live/hers" }))).toEqual(["not_found", "path"])
    expect(await codeOf(his.playbackTokens.create({ pattern: "**" }))).toEqual(["not_found", "pattern"])
    expect(await his.playbackTokens.get(playbackToken.id)).toBeNull()
    expect(await his.playbackTokens.list()).toEqual([])
  })
})

describe("who may watch", () => {
  it("is of the key, else of its broadcaster, else of the options", async () => {
    const { gr, broadcaster, watch } = await host({ playback: { default: "token", unknownPaths: "deny" } })
    const of = { broadcaster: { id: broadcaster.id } }
    await gr.keys.create({ ...of, path: "live/default" })
    const { key } = await gr.keys.create({ ...of, path: "live/open", playback: "public" })
    expect(key.playback).toBe("public")
    expect([await watch("live/default", null), await watch("live/open", null)]).toEqual([401, 200])
    expect(await watch("camera/one", null)).toBe(401)
    expect((await gr.keys.change(key.id, { playback: null })).playback).toBeNull()
    const open = await gr.broadcasters.upsert({ externalId: "user-1", displayName: "Ada", playback: "public" })
    expect(open.playback).toBe("public")
    expect((await (await host()).gr.broadcasters.list())[0]?.playback).toBeNull()
  })

  it.each([
    [{ playback: { default: "private" } }, "playback.default"],
    [{ playback: { unknown: "deny" } }, "playback.unknown"],
    [{ playback: { unknownPaths: true } }, "playback.unknownPaths"],
    [{ playback: "token" }, "playback"],
    [{ encryptionKey: "short" }, "encryptionKey"]
  ])("%j is refused", async (options, argument) => {
    expect(await codeOf(host(options as never))).toEqual(["invalid_argument", argument])
  })
})

describe("viewers", () => {
  it("are none at first, and are revoked with their tokens", async () => {
    const { gr, broadcaster, watch } = await host()
    await gr.keys.create({ broadcaster: { id: broadcaster.id }, path: "live/one", playback: "token" })
    expect([await gr.viewers.list(), await gr.viewers.count({ viewerId: "user-3" })]).toEqual([[], 0])
    expect(await gr.viewers.kick("nobody")).toBe(false)
    const { token } = await gr.playbackTokens.create({ path: "live/one", viewerId: "user-3" })
    const until = new Date(Date.now() + 3_600_000)
    const revoked = await gr.viewers.revoke("user-3", { until })
    expect(revoked).toMatchObject({ viewerId: "user-3", tokens: 1, until })
    expect(await watch("live/one", token)).toBe(401)
    const next = await gr.playbackTokens.create({ path: "live/one", viewerId: "user-3" })
    expect(await watch("live/one", next.token)).toBe(401)
    expect(await codeOf(gr.viewers.revoke("user-3", { until: "2020-01-01T00:00:00Z" }))).toEqual([
      "invalid_argument",
      "until"
    ])
    expect(await codeOf(gr.viewers.revoke("a b"))).toEqual(["invalid_argument", "viewerId"])
  })

  it("leave events, also of those that were refused", async () => {
    const { gr, broadcaster, watch } = await host()
    await gr.keys.create({ broadcaster: { id: broadcaster.id }, path: "live/one", playback: "token" })
    const { playbackToken, token } = await gr.playbackTokens.create({ path: "live/one", viewerId: "user-5" })
    await gr.playbackTokens.revoke(playbackToken.id)
    await watch("live/one", token)
    await gr.viewers.revoke("user-5")
    const found = []
    const types = ["playback_token.revoked", "viewer.refused", "viewer.revoked", "signing_key.created"] as const
    for await (const event of gr.events({ from: "beginning", types })) {
      found.push(event)
      if (found.length === 4) break
    }
    const { id, expiresAt } = playbackToken
    const byType = Object.fromEntries(found.map((event) => [event.type, event]))
    expect(byType["playback_token.revoked"]).toMatchObject({ playbackToken: { id, viewerId: "user-5", expiresAt } })
    expect(byType["viewer.refused"]).toMatchObject({
      refusal: { path: "live/one", tokenId: id, viewerId: "user-5", reason: "playback_token_revoked" }
    })
    expect(byType["viewer.revoked"]).toMatchObject({ revocation: { viewerId: "user-5", until: null } })
    expect(byType["signing_key.created"]).toMatchObject({ signingKey: { issuer: "greenroom" } })
    expect(JSON.stringify(found)).not.toContain(token.split(".")[2])
  })
})

describe("signing keys", () => {
  it("of the host verify what the host signs, until they are removed", async () => {
    const { gr, broadcaster, watch } = await host()
    await gr.keys.create({ broadcaster: { id: broadcaster.id }, path: "live/one", playback: "token" })
    const { publicKey, privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true })
    const jwk = (await exportJWK(publicKey)) as { readonly kty: string }
    const added = await gr.signingKeys.add({ publicKey: jwk, id: "shop" })
    expect(added).toMatchObject({ id: "shop", issuer: "application", signs: false, verifiesUntil: null })
    const token = await new SignJWT({ path: "live/one", jti: "appTokenNumber01" })
      .setProtectedHeader({ alg: "EdDSA", kid: "shop" })
      .setIssuedAt()
      .setExpirationTime("1h")
      .sign(privateKey)
    expect(await watch("live/one", token)).toBe(200)
    expect((await gr.signingKeys.jwks()).keys.map(({ kid }) => kid)).toEqual(["shop"])
    const rotated = await gr.signingKeys.rotate({ overlapSeconds: 60 })
    expect(rotated).toMatchObject({ issuer: "greenroom", signs: true })
    expect(await codeOf(gr.signingKeys.remove(rotated.id))).toEqual(["key_signs", null])
    expect([await gr.signingKeys.remove("shop"), await gr.signingKeys.remove("shop")]).toEqual([true, false])
    expect(await watch("live/one", token)).toBe(401)
    expect(await codeOf(gr.signingKeys.add({ publicKey: jwk, id: "shop" }))).toEqual(["id_taken", null])
    const secret = (await exportJWK(privateKey)) as { readonly kty: string }
    expect(await codeOf(gr.signingKeys.add({ publicKey: secret }))).toEqual(["invalid_argument", "key.publicKey"])
    expect(await codeOf(gr.signingKeys.add({ publicKey: { kty: "RSA" } }))).toEqual([
      "invalid_argument",
      "key.publicKey"
    ])
  })
})

it("the REST API has them, too", async () => {
  const { gr } = await host({ rest: true, basePath: "/greenroom" })
  const ask = (method: string, path: string, body?: object) =>
    gr.fetch(
      new Request(`http://host/greenroom${path}`, {
        method,
        headers: { "x-api-key": SECRET, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
    )
  expect((await ask("POST", "/playback-tokens", { path: "live/one" })).status).toBe(201)
  expect((await ask("GET", "/viewers")).status).toBe(200)
  const { keys } = (await (await ask("GET", "/.well-known/jwks.json")).json()) as { keys: ReadonlyArray<unknown> }
  expect(keys).toHaveLength(1)
})
