/**
 * The `TokenSigner` of a simulation, and the `SecretCipher` of its keys. `jose` answers with promises, which no simulated time waits for. Tokens are three
 * parts as a JWS has them; the signature is a hash of the key and of what is signed, so the laws of the port hold as far as nobody here breaks hashes.
 */
import { createHash } from "node:crypto"
import {
  readClaims,
  SecretCipher,
  SecretUnreadable,
  signedClaims,
  TOKEN_MAX_LENGTH,
  TokenSigner,
  type TokenText,
  type VerificationFailure,
  type VerifiedToken
} from "@greenroom/core"
import { Effect, Option, Redacted } from "effect"

const ALGORITHM = "EdDSA"

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url")

/** Fails for what is no JSON. */
const decoded = (part: string): unknown => JSON.parse(Buffer.from(part, "base64url").toString("utf8"))

const hashOf = (...parts: ReadonlyArray<string>): string =>
  createHash("sha256").update(parts.join(" ")).digest("base64url")

const publicKeyOf = (privateKey: string): string => hashOf("public", privateKey)

const signatureOf = (publicKey: string, signed: string): string => hashOf("signature", publicKey, signed)

const not = (failure: VerificationFailure): VerifiedToken => ({ _tag: "NotVerified", failure })

interface Head {
  readonly alg?: string
  readonly kid?: string
}

const verify = (keys: ReadonlyMap<string, string>, text: string): VerifiedToken => {
  if (text.length > TOKEN_MAX_LENGTH) return not("too_long")
  const [head = "", payload = "", signature = "", ...more] = text.split(".")
  if (more.length > 0) return not("malformed")
  try {
    const { alg, kid = "" } = decoded(head) as Head
    if (alg !== ALGORITHM) return not("wrong_algorithm")
    const key = keys.get(kid)
    if (key === undefined) return not("unknown_key")
    if (signature !== signatureOf(key, `${head}.${payload}`)) return not("bad_signature")
    const claims = Option.getOrNull(readClaims(decoded(payload)))
    return claims === null ? not("bad_claims") : { _tag: "Verified", claims, signingKeyId: kid }
  } catch {
    return not("malformed")
  }
}

/** Verified tokens are asked about again and again: by each instance, and at each of RTSP's questions. */
const VERIFIED_KEPT = 1_000

const verifierOf: TokenSigner["Service"]["verifier"] = (all) =>
  Effect.sync(() => {
    const keys = new Map<string, string>(all.map(({ id, publicKey }) => [id, publicKey]))
    const known = new Map<string, VerifiedToken>()
    const verifyOnce = (token: TokenText) => {
      const text = Redacted.value(token)
      const before = known.get(text)
      if (before !== undefined) return before
      if (known.size >= VERIFIED_KEPT) known.clear()
      const verified = verify(keys, text)
      known.set(text, verified)
      return verified
    }
    return { verify: (token: TokenText) => Effect.sync(() => verifyOnce(token)) }
  })

/** Ids are counted: a trace reads the same in every replay. A key's id is the first 8 characters of one. */
export const makeTokenSigner = (): TokenSigner["Service"] => {
  let keys = 0
  let ids = 0
  return TokenSigner.of({
    generate: Effect.sync(() => {
      const privateKey = hashOf("private", String(++keys))
      return { publicKey: publicKeyOf(privateKey), privateKey: Redacted.make(privateKey) }
    }),
    sign: (claims, kid, { privateKey }) =>
      Effect.sync(() => {
        const signed = `${encoded({ alg: ALGORITHM, kid })}.${encoded(signedClaims(claims))}`
        return Redacted.make(`${signed}.${signatureOf(publicKeyOf(Redacted.value(privateKey)), signed)}`)
      }),
    verifier: verifierOf,
    tokenId: Effect.sync(() => `${(++ids).toString(36).padStart(8, "0")}simtoken`)
  })
}

/** Bytes that are not the text, so that no look for it finds it; nobody here breaks more than that. */
const turned = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 0xff)

export const simulatedCipher: SecretCipher["Service"] = SecretCipher.of({
  hasKey: true,
  encrypt: (text) => Effect.sync(() => turned(new TextEncoder().encode(Redacted.value(text)))),
  decrypt: (bytes) =>
    Effect.try({
      try: () => Redacted.make(new TextDecoder("utf-8", { fatal: true }).decode(turned(bytes))),
      catch: () => new SecretUnreadable({ reason: "wrong_bytes" })
    })
})
