/** Signing keys over HTTP, the public JWK Set, and that no private half goes in or out. */
import { exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT } from "jose"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { assertProblem, pointersOf } from "./support/assertProblem.ts"
import { call, newKey } from "./support/client.ts"
import { newToken } from "./support/operations.ts"
import { type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start()
})
afterAll(() => service.close())

const newPair = async (kid?: string) => {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true })
  return { jwk: { ...(await exportJWK(publicKey)), ...(kid === undefined ? {} : { kid }) }, privateKey }
}

const add = (body: object) => call(service, "POST", "/signing-keys", { body })
const listed = async () => (await call(service, "GET", "/signing-keys")).json.signing_keys

const watch = (path: string, token: string) =>
  call(service, "POST", "/auth", {
    secret: null,
    body: { ip: "127.0.0.1", action: "read", path, protocol: "rtmp", id: crypto.randomUUID(), query: `token=${token}` }
  })

describe("the service's own key", () => {
  it("is made with the first token, verifies it for others, and is rotated", async () => {
    const own = await start()
    try {
      expect((await call(own, "GET", "/signing-keys")).json.signing_keys).toEqual([])
      const { token } = (await call(own, "POST", "/playback-tokens", { body: { path: "live/one" } })).json
      const jwks = await call(own, "GET", "/.well-known/jwks.json", { secret: null })
      expect(jwks.headers.get("cache-control")).toBe("public, max-age=60")
      expect(jwks.headers.get("content-type")).toMatch(/^application\/json/)
      const [jwk] = jwks.json.keys
      expect(Object.keys(jwk).toSorted()).toEqual(["alg", "crv", "kid", "kty", "use", "x"])
      expect((await jwtVerify(token, await importJWK(jwk, "EdDSA"))).payload).toMatchObject({ path: "live/one" })

      const [before] = (await call(own, "GET", "/signing-keys")).json.signing_keys
      expect(before).toMatchObject({ id: jwk.kid, issuer: "greenroom", signs: true, verifies_until: null })
      assertProblem(await call(own, "DELETE", `/signing-keys/${before.id}`), "conflict")
      const rotated = await call(own, "POST", "/signing-keys/rotate", { body: { overlap_seconds: 600 } })
      expect(rotated.json).toMatchObject({ issuer: "greenroom", signs: true, verifies_until: null })
      const after = (await call(own, "GET", "/signing-keys")).json.signing_keys
      expect(after.map(({ id, signs }: { id: string; signs: boolean }) => [id, signs])).toEqual([
        [rotated.json.id, true],
        [before.id, false]
      ])
      expect(Date.parse(after[1].verifies_until) - Date.now()).toBeGreaterThan(500_000)
      const next = (await call(own, "POST", "/playback-tokens", { body: { path: "live/one" } })).json
      expect(next.signing_key_id).toBe(rotated.json.id)
      expect((await call(own, "DELETE", `/signing-keys/${before.id}`)).status).toBe(204)
      assertProblem(await call(own, "DELETE", `/signing-keys/${before.id}`), "not-found")
    } finally {
      await own.close()
    }
  })
})

describe("an application's key", () => {
  it("verifies the application's own tokens until it is removed", async () => {
    await newKey(service, { path: "live/app", playback: "token" })
    const { jwk, privateKey } = await newPair("shop")
    const added = await add({ public_key: { ...jwk, use: "sig", alg: "EdDSA", key_ops: ["verify"], ext: true } })
    expect(added.status).toBe(201)
    expect(added.json).toMatchObject({ id: "shop", issuer: "application", signs: false, verifies_until: null })
    expect(added.json.public_key.x).toBe(jwk.x)
    const token = await new SignJWT({ path: "live/app" })
      .setProtectedHeader({ alg: "EdDSA", kid: "shop" })
      .setJti("appTokenNumber01")
      .setIssuedAt()
      .setExpirationTime("1h")
      .sign(privateKey)
    expect((await watch("live/app", token)).status).toBe(200)
    expect((await call(service, "DELETE", "/signing-keys/shop")).status).toBe(204)
    assertProblem(await watch("live/app", token), "playback-token-invalid")
    const again = await add({ public_key: jwk })
    assertProblem(again, "conflict")
    expect(pointersOf(again)).toEqual(["/public_key/kid"])
  })

  it("takes its id from the body, from the JWK, or gets one", async () => {
    const [one, two, three] = [await newPair(), await newPair("of-jwk"), await newPair("other")]
    expect((await add({ public_key: one.jwk, id: "of-body" })).json.id).toBe("of-body")
    expect((await add({ public_key: two.jwk })).json.id).toBe("of-jwk")
    expect((await add({ public_key: (await newPair()).jwk })).json.id).toMatch(/^[0-9A-Za-z]{16}$/)
    const contradiction = await add({ public_key: three.jwk, id: "another" })
    assertProblem(contradiction, "validation")
    expect(pointersOf(contradiction)).toEqual(["/id"])
    const taken = await add({ public_key: three.jwk, id: "other" })
    expect(taken.status).toBe(201)
    expect(pointersOf(await add({ public_key: one.jwk, id: "other" }))).toEqual(["/id"])
  })

  it("is refused with its private half, which is in no answer and no log", async () => {
    const { jwk, privateKey } = await newPair("private")
    const { d } = await exportJWK(privateKey)
    const answer = await add({ public_key: { ...jwk, d } })
    assertProblem(answer, "validation")
    expect(answer.json.errors).toEqual([
      { pointer: "/public_key/d", detail: expect.stringMatching(/^Expected the public half only/) }
    ])
    expect(answer.text).not.toContain(d)
    expect((await call(service, "GET", "/audit-logs")).text).not.toContain(d)
    expect(service.lines.map(({ text }) => text).join()).not.toContain(d)
    expect((await listed()).map(({ id }: { id: string }) => id)).not.toContain("private")
  })

  it("is one of ten at most", async () => {
    const own = await start()
    try {
      const { jwk } = await newPair()
      const answers = []
      for (let index = 0; index < 11; index++)
        answers.push(await call(own, "POST", "/signing-keys", { body: { public_key: jwk, id: `key-${index}` } }))
      expect(answers.slice(0, 10).map(({ status }) => status)).toEqual(Array(10).fill(201))
      assertProblem(answers[10]!, "conflict")
    } finally {
      await own.close()
    }
  })
})

it("only a caller for all broadcasters may touch them", async () => {
  const { broadcaster_id } = await newKey(service)
  const { token } = await newToken(service, { scopes: ["admin"], broadcaster_id })
  assertProblem(await call(service, "GET", "/signing-keys", { secret: token }), "forbidden")
  const writer = await newToken(service, { scopes: ["viewers:write"] })
  assertProblem(await call(service, "GET", "/signing-keys", { secret: writer.token }), "forbidden")
})

it("the JWK Set is there while the store is down", async () => {
  const before = await call(service, "GET", "/.well-known/jwks.json", { secret: null })
  service.trouble("down")
  const answer = await call(service, "GET", "/.well-known/jwks.json", { secret: null })
  service.trouble("none")
  expect([answer.status, answer.json]).toEqual([200, before.json])
})
