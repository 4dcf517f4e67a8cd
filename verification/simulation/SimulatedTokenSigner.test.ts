/** The simulation's own signer keeps the laws of the port: what is signed is verified, by its own key alone, and nothing that was changed. */
import { assert, describe, it } from "@effect/vitest"
import { type PlaybackTokenId, SigningKeyId, TOKEN_MAX_LENGTH, type TokenClaims, ViewerId } from "@greenroom/core"
import { Effect, Exit, Redacted } from "effect"
import { makeTokenSigner, simulatedCipher } from "./SimulatedTokenSigner.ts"

const claims: TokenClaims = {
  id: "x7Kd02mQpL9vTz41" as PlaybackTokenId,
  coverage: { _tag: "Path", path: "live/studio-1" },
  viewerId: ViewerId.make("user-1"),
  actions: ["read"],
  issuedAt: 1_764_000_000.123,
  notBefore: null,
  expiresAt: 1_764_003_600,
  maxSessions: 2,
  ips: []
}
const id = SigningKeyId.make("k1")

const setUp = Effect.gen(function* () {
  const signer = makeTokenSigner()
  const [pair, other] = [yield* signer.generate, yield* signer.generate]
  const verifier = yield* signer.verifier([{ id, publicKey: pair.publicKey }])
  const text = Redacted.value(yield* signer.sign(claims, id, pair))
  const check = (token: string) =>
    Effect.map(verifier.verify(Redacted.make(token)), (found) =>
      found._tag === "Verified" ? ("Verified" as const) : found.failure
    )
  return { signer, pair, other, verifier, text, check }
})

describe("the signer of the simulation", () => {
  it.effect("verifies what it has signed, with its claims and its key, and with no other key of that name", () =>
    Effect.gen(function* () {
      const { signer, other, verifier, text, check } = yield* setUp
      const verified = yield* verifier.verify(Redacted.make(text))
      assert.deepStrictEqual(verified, { _tag: "Verified", claims, signingKeyId: id })
      assert.isAtMost(text.length, TOKEN_MAX_LENGTH)
      assert.strictEqual(yield* check(Redacted.value(yield* signer.sign(claims, id, other))), "bad_signature")
      const unknown = SigningKeyId.make("k2")
      assert.strictEqual(yield* check(Redacted.value(yield* signer.sign(claims, unknown, other))), "unknown_key")
    })
  )

  it.effect("verifies no text of which a character was changed", () =>
    Effect.gen(function* () {
      const { text, check } = yield* setUp
      for (let index = 0; index < text.length; index++) {
        const changed = `${text.slice(0, index)}${text[index] === "A" ? "B" : "A"}${text.slice(index + 1)}`
        assert.notStrictEqual(yield* check(changed), "Verified", `at ${index}`)
      }
      for (const cut of ["", text.slice(1), text.slice(0, -1), `${text}A`, `${text}.A`, "a.b.c"])
        assert.notStrictEqual(yield* check(cut), "Verified", cut)
    })
  )

  it.effect("takes EdDSA alone, and no text that is longer than a token", () =>
    Effect.gen(function* () {
      const { text, check } = yield* setUp
      const [, payload, signature] = text.split(".")
      const head = Buffer.from(JSON.stringify({ alg: "none", kid: id })).toString("base64url")
      assert.strictEqual(yield* check(`${head}.${payload}.${signature}`), "wrong_algorithm")
      assert.strictEqual(yield* check("a".repeat(TOKEN_MAX_LENGTH + 1)), "too_long")
    })
  )

  it.effect("encrypts so that the text is not seen, and decrypts nothing else", () =>
    Effect.gen(function* () {
      const bytes = yield* simulatedCipher.encrypt(Redacted.make("a private key"))
      assert.notInclude(Buffer.from(bytes).toString(), "private")
      assert.strictEqual(Redacted.value(yield* simulatedCipher.decrypt(bytes)), "a private key")
      assert.isTrue(Exit.isFailure(yield* Effect.exit(simulatedCipher.decrypt(new Uint8Array([0, 1])))))
    })
  )
})
