/** Signed playback tokens: what is signed is verified, and nothing else is, whatever its head says. */
import { createHmac, createPrivateKey, sign as signWith } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { JoseTokenSigner } from "@greenroom/adapters/node"
import {
  jwkOf,
  type PlaybackTokenId,
  type SigningKeyId,
  signedClaims,
  TOKEN_MAX_LENGTH,
  type TokenClaims,
  TokenSigner,
  ViewerId,
  verificationFailures
} from "@greenroom/core"
import { Effect, Redacted } from "effect"

const claims: TokenClaims = {
  id: "x7Kd02mQpL9vTz41" as PlaybackTokenId,
  coverage: { _tag: "Path", path: "live/studio-1" },
  viewerId: ViewerId.make("user-1"),
  actions: ["read"],
  issuedAt: 1_764_000_000.123,
  notBefore: null,
  expiresAt: 1_764_003_600,
  maxSessions: 2,
  ips: ["192.0.2.0/24"]
}

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url")

const setUp = Effect.gen(function* () {
  const signer = yield* TokenSigner
  const pair = yield* signer.generate
  const id = "k1" as SigningKeyId
  const verifier = yield* signer.verifier([{ id, publicKey: pair.publicKey }])
  const token = yield* signer.sign(claims, id, pair)
  const check = (text: string) =>
    Effect.map(verifier.verify(Redacted.make(text)), (verified) =>
      verified._tag === "Verified" ? ("Verified" as const) : verified.failure
    )
  /** A token with any head and payload, signed by the key. */
  const forge = (head: unknown, payload: unknown): string => {
    const unsigned = `${base64(head)}.${base64(payload)}`
    const jwk = { kty: "OKP", crv: "Ed25519", x: pair.publicKey, d: Redacted.value(pair.privateKey) }
    const key = createPrivateKey({ key: jwk, format: "jwk" })
    return `${unsigned}.${signWith(null, Buffer.from(unsigned), key).toString("base64url")}`
  }
  return { signer, pair, id, verifier, token, text: Redacted.value(token), check, forge }
})
const test = <E>(body: (world: Effect.Success<typeof setUp>) => Effect.Effect<void, E, TokenSigner>) =>
  Effect.flatMap(setUp, body).pipe(Effect.provide(JoseTokenSigner.layer))

describe("JoseTokenSigner", () => {
  it.effect("verifies what it has signed, with its claims and its key", () =>
    test(({ verifier, token, id }) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* verifier.verify(token), { _tag: "Verified", claims, signingKeyId: id })
        assert.isAtMost(Redacted.value(token).length, TOKEN_MAX_LENGTH)
      })
    )
  )

  it.effect("verifies no text of which a character was changed", () =>
    test(({ text, check }) =>
      Effect.gen(function* () {
        for (let index = 0; index < text.length; index++) {
          if (text[index] === ".") continue
          const changed = `${text.slice(0, index)}${text[index] === "A" ? "B" : "A"}${text.slice(index + 1)}`
          const outcome = yield* check(changed)
          assert.include(verificationFailures as ReadonlyArray<string>, outcome, `at ${index}`)
        }
        for (const cut of [text.slice(0, -1), text.slice(0, text.lastIndexOf(".")), text.slice(1), `${text}A`]) {
          assert.notStrictEqual(yield* check(cut), "Verified", cut)
        }
      })
    )
  )

  it.effect("takes EdDSA alone: not none, and not HS256 with the public key as the secret", () =>
    test(({ check, forge, pair, text }) =>
      Effect.gen(function* () {
        const payload = signedClaims(claims)
        assert.strictEqual(yield* check(`${base64({ alg: "none", kid: "k1" })}.${base64(payload)}.`), "wrong_algorithm")
        for (const secret of [
          pair.publicKey,
          Buffer.from(pair.publicKey, "base64url"),
          JSON.stringify(jwkOf({ id: "k1" as SigningKeyId, publicKey: pair.publicKey }))
        ]) {
          const unsigned = `${base64({ alg: "HS256", kid: "k1" })}.${base64(payload)}`
          const mac = createHmac("sha256", secret).update(unsigned).digest("base64url")
          assert.strictEqual(yield* check(`${unsigned}.${mac}`), "wrong_algorithm")
        }
        assert.strictEqual(yield* check(forge({ alg: "ES256", kid: "k1" }, payload)), "wrong_algorithm")
        assert.strictEqual(yield* check(forge({ alg: "EdDSA", kid: "k1" }, payload)), "Verified")
        assert.strictEqual(yield* check(forge({ alg: "Ed25519", kid: "k1" }, payload)), "Verified")
        assert.strictEqual(yield* check(text), "Verified")
      })
    )
  )

  it.effect("says what is wrong: no token, too long, a key of others, claims that are none", () =>
    test(({ check, forge, signer, id }) =>
      Effect.gen(function* () {
        const payload = signedClaims(claims)
        for (const text of ["", "a.b.c", "...", "sk_x", `${"A".repeat(400)}`]) {
          assert.strictEqual(yield* check(text), "malformed", text)
        }
        assert.strictEqual(yield* check(`${"A".repeat(TOKEN_MAX_LENGTH)}.B`), "too_long")
        assert.strictEqual(yield* check(forge({ alg: "EdDSA", kid: "k2" }, payload)), "unknown_key")
        assert.strictEqual(yield* check(forge({ alg: "EdDSA" }, payload)), "unknown_key")
        assert.strictEqual(
          yield* check(forge({ alg: "EdDSA", kid: "k1" }, { ...payload, act: ["publish"] })),
          "bad_claims"
        )
        assert.strictEqual(yield* check(forge({ alg: "EdDSA", kid: "k1" }, "text")), "bad_claims")
        const others = yield* signer.generate
        assert.strictEqual(yield* check(Redacted.value(yield* signer.sign(claims, id, others))), "bad_signature")
      })
    )
  )

  it.effect("a head that demands extensions is not taken", () =>
    test(({ check, forge }) =>
      Effect.gen(function* () {
        const head = { alg: "EdDSA", kid: "k1", crit: ["b64"], b64: false }
        assert.notStrictEqual(yield* check(forge(head, signedClaims(claims))), "Verified")
      })
    )
  )

  it.effect("a public key that is none verifies nothing, and does not stop the others", () =>
    test(({ signer, pair, token }) =>
      Effect.gen(function* () {
        const keys = [
          { id: "bad" as SigningKeyId, publicKey: "AAAA" },
          { id: "k1" as SigningKeyId, publicKey: pair.publicKey }
        ]
        const verifier = yield* signer.verifier(keys)
        assert.strictEqual((yield* verifier.verify(token))._tag, "Verified")
        const ofBad = yield* verifier.verify(yield* signer.sign(claims, "bad", pair))
        assert.deepStrictEqual(ofBad, { _tag: "NotVerified", failure: "unknown_key" })
      })
    )
  )

  it.effect("never shows a private key or a token in what is printed", () =>
    test(({ pair, token }) =>
      Effect.sync(() => {
        for (const shown of [JSON.stringify({ pair, token }), String(token), `${pair.privateKey}`]) {
          assert.notInclude(shown, Redacted.value(token))
          assert.notInclude(shown, Redacted.value(pair.privateKey))
        }
      })
    )
  )

  it.effect("gives ids of 16 letters and digits, never twice", () =>
    test(({ signer }) =>
      Effect.gen(function* () {
        const ids = yield* Effect.all(Array.from({ length: 500 }, () => signer.tokenId))
        assert.strictEqual(new Set(ids).size, 500)
        for (const id of ids) assert.match(id, /^[0-9A-Za-z]{16}$/)
      })
    )
  )
})
