/** The key that signs now, made when it is first needed. Its private half is encrypted in the store, and `Redacted` here. */
import { Effect, Option } from "effect"
import type { SigningKeyId } from "../domain/playback/SigningKey.ts"
import { PlaybackAccess } from "../playback/PlaybackAccess.ts"
import { SecretCipher } from "../ports/SecretCipher.ts"
import { type OwnSigningKey, SigningKeys } from "../ports/SigningKeys.ts"
import { type KeyPair, TokenSigner } from "../ports/TokenSigner.ts"

/** Of the `kid` in each token. */
const KEY_ID_LENGTH = 8

/** A new pair, with its private half as the store gets it. Fails without a key to encrypt with. */
export const newSigningKey = Effect.gen(function* () {
  const signer = yield* TokenSigner
  const cipher = yield* SecretCipher
  const pair = yield* signer.generate
  const id = (yield* signer.tokenId).slice(0, KEY_ID_LENGTH) as SigningKeyId
  const key: OwnSigningKey = { id, publicKey: pair.publicKey, privateKey: yield* cipher.encrypt(pair.privateKey) }
  return key
})

export interface SigningPair extends KeyPair {
  readonly id: SigningKeyId
}

/** Fails with `SecretUnreadable` without a key to encrypt with, or with another than it was encrypted under. */
export const signingKeyPair = Effect.gen(function* () {
  const keys = yield* SigningKeys
  const cipher = yield* SecretCipher
  const known = yield* keys.signing
  const own = Option.isSome(known) ? known.value : yield* keys.ensure(yield* newSigningKey)
  if (Option.isNone(known)) yield* (yield* PlaybackAccess).refreshKeys
  const pair: SigningPair = { id: own.id, publicKey: own.publicKey, privateKey: yield* cipher.decrypt(own.privateKey) }
  return pair
})
