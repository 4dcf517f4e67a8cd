/**
 * Signs and verifies playback tokens (Ed25519, RFC 8037). Laws: what `sign` made with a key, `verify` takes with its public half, and with no other;
 * a text of which any character was changed is not verified; only EdDSA is taken, whatever algorithm the head of the token names. `verify` looks at the signature and at the form of
 * the claims alone; the rest is decided in the domain.
 */
import { Context, type Effect, type Redacted } from "effect"
import type { VerifiedToken } from "../domain/playback/decidePlayback.ts"
import type { TokenClaims, TokenText } from "../domain/playback/PlaybackToken.ts"
import type { SigningKey } from "../domain/playback/SigningKey.ts"

export interface KeyPair {
  /** The `x` of the JWK, 43 base64url characters. */
  readonly publicKey: string
  /** The private JWK's `d`. */
  readonly privateKey: Redacted.Redacted<string>
}

/** The keys of a moment by their ids, prepared for verification once. */
export interface VerifierKeys {
  readonly verify: (token: TokenText) => Effect.Effect<VerifiedToken>
}

export class TokenSigner extends Context.Service<
  TokenSigner,
  {
    readonly generate: Effect.Effect<KeyPair>
    readonly sign: (claims: TokenClaims, signingKeyId: string, keys: KeyPair) => Effect.Effect<TokenText>
    /** A key that cannot be imported verifies nothing. */
    readonly verifier: (keys: ReadonlyArray<Pick<SigningKey, "id" | "publicKey">>) => Effect.Effect<VerifierKeys>
    /** 16 random letters and digits. */
    readonly tokenId: Effect.Effect<string>
  }
>()("greenroom/TokenSigner") {}
