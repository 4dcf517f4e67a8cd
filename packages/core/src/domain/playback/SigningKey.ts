/**
 * The keys that playback tokens are verified with. Greenroom signs with the newest of its own; an application may have up to ten, whose private halves
 * Greenroom never sees.
 */
import { type DateTime, Schema } from "effect"
import type { TokenIssuer } from "./PlaybackToken.ts"

/** The `kid` in the head of tokens: 8 letters and digits of ours, up to 32 characters of an application's. */
export const SigningKeyId = Schema.String.annotate({ examples: ["k7Qm2xPa"] })
  .check(Schema.isPattern(/^[0-9A-Za-z_-]{1,32}$/u, { message: "Expected 1 to 32 letters, digits, _ and -" }))
  .pipe(Schema.brand("SigningKeyId"))
export type SigningKeyId = typeof SigningKeyId.Type

/** An Ed25519 public key as RFC 8037 writes it: 32 bytes in base64url. */
export const PublicKey = Schema.String.check(
  Schema.isPattern(/^[0-9A-Za-z_-]{42}[AEIMQUYcgkosw048]$/u, {
    message: "Expected the x of an Ed25519 public key (RFC 8037): 43 base64url characters"
  })
)

export interface SigningKey {
  readonly id: SigningKeyId
  readonly issuer: TokenIssuer
  /** The `x` of its JWK. */
  readonly publicKey: string
  readonly createdAt: DateTime.Utc
  /** Tokens that it has signed are good until then; `null`: for as long as it is there. Of ours, once it was rotated. */
  readonly verifiesUntil: DateTime.Utc | null
}

/** Whether tokens that it has signed are still good. `now`: seconds since 1970. */
export const verifies = ({ verifiesUntil }: Pick<SigningKey, "verifiesUntil">, now: number): boolean =>
  verifiesUntil === null || now * 1000 < verifiesUntil.epochMilliseconds

/** Of applications. */
export const APPLICATION_KEYS_MAX = 10

/** The public half as a JWK (RFC 7517, RFC 8037), as `/.well-known/jwks.json` has it. */
export const jwkOf = ({ id, publicKey }: Pick<SigningKey, "id" | "publicKey">) => ({
  kty: "OKP" as const,
  crv: "Ed25519" as const,
  use: "sig" as const,
  alg: "EdDSA" as const,
  kid: id,
  x: publicKey
})
