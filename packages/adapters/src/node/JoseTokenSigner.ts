/** Playback tokens as compact JWS with Ed25519 (RFC 8037), by `jose`. A token is at most `TOKEN_MAX_LENGTH` characters long, so verifying one is bounded. */
import { hash, randomInt } from "node:crypto"
import {
  type KeyPair,
  readClaims,
  type SigningKey,
  signedClaims,
  TOKEN_MAX_LENGTH,
  TokenSigner,
  type TokenText,
  type VerificationFailure,
  type VerifiedToken
} from "@greenroom/core"
import { Effect, Layer, Option, Redacted } from "effect"
import { CompactSign, compactVerify, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK } from "jose"

/** The second one is the name that RFC 9864 gives the same signature. */
const ALGORITHMS = ["EdDSA", "Ed25519"]
const [ALGORITHM] = ALGORITHMS as [string]
const ID_LENGTH = 16
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

type VerifyKey = Awaited<ReturnType<typeof importJWK>>
interface Found {
  readonly kid: string
  readonly key: VerifyKey
}

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { fatal: true })

const publicJwk = (x: string) => ({ kty: "OKP", crv: "Ed25519", x })

const generate = Effect.promise(async (): Promise<KeyPair> => {
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM, { crv: "Ed25519", extractable: true })
  const { x } = await exportJWK(publicKey)
  const { d } = await exportJWK(privateKey)
  return { publicKey: x!, privateKey: Redacted.make(d!, { label: "signing key" }) }
})

const sign: TokenSigner["Service"]["sign"] = (claims, kid, { publicKey, privateKey }) =>
  Effect.promise(async () => {
    const key = await importJWK({ ...publicJwk(publicKey), d: Redacted.value(privateKey) }, ALGORITHM)
    const text = await new CompactSign(encoder.encode(JSON.stringify(signedClaims(claims))))
      .setProtectedHeader({ alg: ALGORITHM, kid })
      .sign(key)
    return Redacted.make(text, { label: "playback token" })
  })

const not = (failure: VerificationFailure): VerifiedToken => ({ _tag: "NotVerified", failure })

/** The key that the head of the token names; a failure when the head is none, or names an algorithm of others. */
const keyOf = (text: string, known: ReadonlyMap<string, VerifyKey>): Found | VerificationFailure => {
  try {
    const { alg, kid } = decodeProtectedHeader(text)
    if (alg === undefined || !ALGORITHMS.includes(alg)) return "wrong_algorithm"
    const key = kid === undefined ? undefined : known.get(kid)
    return key === undefined || kid === undefined ? "unknown_key" : { kid, key }
  } catch {
    return "malformed"
  }
}

const payloadOf = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch {
    return null
  }
}

const verifyWith =
  (known: ReadonlyMap<string, VerifyKey>) =>
  async (token: TokenText): Promise<VerifiedToken> => {
    const text = Redacted.value(token)
    if (text.length > TOKEN_MAX_LENGTH) return not("too_long")
    const found = keyOf(text, known)
    if (typeof found === "string") return not(found)
    try {
      const { payload } = await compactVerify(text, found.key, { algorithms: ALGORITHMS })
      const claims = Option.getOrNull(readClaims(payloadOf(payload)))
      if (claims === null) return not("bad_claims")
      return { _tag: "Verified", claims, signingKeyId: found.kid }
    } catch {
      return not("bad_signature")
    }
  }

/** Of tokens that were verified a moment ago: RTSP asks twice, players ask again. */
const REMEMBERED_MAX = 20_000

/** By the token's hash, so that no token stays in memory; a verifier of other keys remembers anew. */
const remembering = (verify: (token: TokenText) => Promise<VerifiedToken>) => {
  const known = new Map<string, VerifiedToken>()
  return (token: TokenText): Effect.Effect<VerifiedToken> =>
    Effect.suspend(() => {
      const name = hash("sha256", Redacted.value(token), "base64")
      const found = known.get(name)
      if (found !== undefined) return Effect.succeed(found)
      return Effect.map(
        Effect.promise(() => verify(token)),
        (verified) => {
          if (verified._tag === "NotVerified") return verified
          if (known.size >= REMEMBERED_MAX) known.delete(known.keys().next().value!)
          known.set(name, verified)
          return verified
        }
      )
    })
}

const importKey = async ({ id, publicKey }: Pick<SigningKey, "id" | "publicKey">) => {
  try {
    return [[id, await importJWK(publicJwk(publicKey), ALGORITHM)] as const]
  } catch {
    return []
  }
}

const verifier: TokenSigner["Service"]["verifier"] = (keys) =>
  Effect.promise(async () => {
    const known = new Map<string, VerifyKey>((await Promise.all(keys.map(importKey))).flat())
    return { verify: remembering(verifyWith(known)) }
  })

const tokenId = Effect.sync(() =>
  Array.from({ length: ID_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join("")
)

export const layer: Layer.Layer<TokenSigner> = Layer.succeed(TokenSigner, { generate, sign, verifier, tokenId })
