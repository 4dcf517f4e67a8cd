/** What the commands of viewers refuse before anything is sent, and a JWK on standard input. */
import { Stdio, Stream } from "effect"
import { afterEach, describe, expect, test } from "vitest"
import { problem, SECRET, signingKey } from "./support/answers.ts"
import { type FakeService, fakeService } from "./support/fakeService.ts"
import { at, begin } from "./support/greenroom.ts"

const closing: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const serviceWith = async (replies: Parameters<typeof fakeService>[0]): Promise<FakeService> => {
  const service = await fakeService(replies)
  closing.push(service.close)
  return service
}

const { kty, crv, x } = signingKey.public_key
const D = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"

describe("signing-keys add", () => {
  const add = async (input: string, ...args: ReadonlyArray<string>) => {
    const service = await serviceWith({
      "POST /signing-keys": { status: 201, body: { ...signingKey, issuer: "application", signs: false } }
    })
    const stdin = Stream.make(new TextEncoder().encode(input))
    const environment = { GREENROOM_URL: service.url, API_SECRET: SECRET }
    const printed = await begin(["signing-keys", "add", ...args], environment, { stdio: Stdio.layerTest({ stdin }) })
      .end
    return { ...printed, sent: service.asked.map(({ body }) => JSON.parse(body)) }
  }

  test("sends the public half, and shows its kid", async () => {
    const { code, stdout, sent } = await add(
      `{\n  "kty": "OKP",\n  "crv": "Ed25519",\n  "x": "${x}"\n}\n`,
      "--id",
      "shop"
    )
    expect([code, sent]).toEqual([0, [{ public_key: { kty, crv, x }, id: "shop" }]])
    expect(stdout).toContain("with kid k7Qm2xPa in their heads")
  })

  test("does not send a private half, and does not print it", async () => {
    const { code, stdout, stderr, sent } = await add(JSON.stringify({ kty, crv, x, d: D }))
    expect([code, stdout, sent]).toEqual([64, "", []])
    expect(stderr).toContain("d: Expected the public half only")
    expect(stderr).not.toContain(D)
  })

  test.each(["", "nothing", "{}", '{"kty":"RSA","n":"AQAB","e":"AQAB"}'])("refuses %j", async (input) => {
    const { code, stderr, sent } = await add(input)
    expect([code, sent]).toEqual([64, []])
    expect(stderr).toContain("Expected the public half of an Ed25519 key as a JWK")
  })
})

describe("a wrong invocation asks nothing", () => {
  test.each([
    [["playback-tokens", "create"], "Give exactly one of --path, --stream, --broadcaster and --pattern."],
    [["playback-tokens", "create", "--path", "live/x", "--pattern", "**"], "Give exactly one of"],
    [["playback-tokens", "create", "--pattern", "*"], "live/* (one more segment)"],
    [["playback-tokens", "create", "--path", "live/x", "--ips", "192.0.2.0/33"], "an IP address or a network"],
    [["playback-tokens", "show", "x"], "16 letters and digits"],
    [["viewers", "revoke", "a b"], "1 to 64 letters"],
    [["keys", "update", "3b0f7c52-8a8e-4f0e-9a53-6a1f0f7c2d90", "--playback", "private"], "public"]
  ])("%j", async (args, words) => {
    const service = await serviceWith({})
    const { code, stderr } = await at(service.url)(args)
    expect([code, service.asked]).toEqual([64, []])
    expect(stderr).toContain(words)
  })
})

test.each([
  [["viewers", "kick", "x"], "DELETE /viewers/x", problem(404, "not-found", "Nothing is here"), 66],
  [
    ["viewers", "kick", "x"],
    "DELETE /viewers/x",
    problem(502, "media-server-unavailable", "The media server does not answer"),
    75
  ],
  [["signing-keys", "remove", "x"], "DELETE /signing-keys/x", problem(409, "conflict", "This key signs"), 65],
  [
    ["playback-tokens", "create", "--path", "live/x"],
    "POST /playback-tokens",
    problem(422, "playback-token-too-long", "The playback token would be too long"),
    65
  ]
] as const)("%j ends with the code of the problem", async (args, route, body, expected) => {
  const service = await serviceWith({ [route]: { status: body.status, body } })
  const { code, stderr } = await at(service.url)(args)
  expect(code).toBe(expected)
  expect(stderr).toContain(body.title)
})
