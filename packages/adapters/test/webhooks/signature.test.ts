import { createHmac, timingSafeEqual } from "node:crypto"
import { describe, expect, it } from "@effect/vitest"
import { element, integer, texts } from "@greenroom/testing/arbitraries"
import { Redacted } from "effect"
import { Webhook } from "standardwebhooks"
import { newSecret, signatureHeaders } from "../../src/webhooks/signature.ts"

const now = () => Math.floor(Date.now() / 1000)
const signed = (body: string) => ({ id: "0192e4a7-3f5e-4c1c-9d2a-5f0a3a1c7b11", timestamp: now(), body })

/** Written from the specification's text, apart from what signs: parse, then compare in constant time with each signature of version 1. */
const verifies = (secret: string, headers: Record<string, string>, body: string): boolean => {
  const key = Buffer.from(secret.slice("whsec_".length), "base64")
  const content = [headers["webhook-id"], headers["webhook-timestamp"], body].join(".")
  const expected = createHmac("sha256", key).update(content, "utf8").digest()
  return (headers["webhook-signature"] ?? "").split(" ").some((one) => {
    const [version, text = ""] = one.split(",", 2)
    const given = Buffer.from(text, "base64")
    return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected)
  })
}

describe("signatures", () => {
  it("are those of the specification's own example", () => {
    const secret = Redacted.make("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    const example = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1614265330, body: '{"test": 2432232314}' }
    expect(signatureHeaders(example, [secret])).toEqual({
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    })
  })

  it.prop("are verified by the standardwebhooks package and by one other implementation", [texts], ([text]) => {
    const secret = newSecret()
    const body = JSON.stringify({ text })
    const headers = signatureHeaders(signed(body), [secret])
    expect(new Webhook(Redacted.value(secret)).verify(body, headers)).toEqual(JSON.parse(body))
    expect(verifies(Redacted.value(secret), headers, body)).toBe(true)
  })

  it("by two secrets are verified with either, and not with a third", () => {
    const [one, two, three] = [newSecret(), newSecret(), newSecret()]
    const headers = signatureHeaders(signed("{}"), [one, two])
    expect(headers["webhook-signature"]).toMatch(/^v1,[\w+/]{43}= v1,[\w+/]{43}=$/)
    for (const secret of [one, two]) {
      expect(new Webhook(Redacted.value(secret)).verify("{}", headers)).toEqual({})
      expect(verifies(Redacted.value(secret), headers, "{}")).toBe(true)
    }
    expect(() => new Webhook(Redacted.value(three)).verify("{}", headers)).toThrow("No matching signature")
    expect(verifies(Redacted.value(three), headers, "{}")).toBe(false)
  })

  it.prop(
    "do not hold for another id, time or body",
    [element(["webhook-id", "webhook-timestamp", "body"]), integer(0, 9)],
    ([part, digit]) => {
      const secret = newSecret()
      const body = `{"a":${digit}}`
      const headers = signatureHeaders(signed(body), [secret])
      const changed = part === "body" ? headers : { ...headers, [part]: `${headers[part]}${digit}` }
      expect(verifies(Redacted.value(secret), changed, part === "body" ? `${body} ` : body)).toBe(false)
    }
  )

  it("secrets have 32 random bytes and do not show in text", () => {
    const secrets = Array.from({ length: 50 }, newSecret)
    for (const secret of secrets) expect(Redacted.value(secret)).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(new Set(secrets.map(Redacted.value)).size).toBe(50)
    expect(JSON.stringify(secrets) + String(secrets[0])).not.toContain("whsec_")
  })
})
