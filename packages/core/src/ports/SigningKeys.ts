/**
 * The keys of playback tokens. Laws: at most one key signs at a time, the newest of ours that was not rotated; `rotate` puts a new one in its
 * place in one atomic step, and of several at once each takes the place of the one before; `ensure` makes none when one signs already, however many ask at once; there are at
 * most `APPLICATION_KEYS_MAX` keys of applications; the id of a key that is there or was removed is not taken again: a removed key is gone, and its tokens with it. Its id is free
 * `SIGNING_KEY_ID_KEPT_DAYS` later, when no token can name it any more; a key whose `verifiesUntil` has passed is in no list; each change writes `signing_key.created`, `signing_key.rotated` or `signing_key.removed`. Time is the
 * database's.
 */
import type { Effect, Option } from "effect"
import type { SigningKey, SigningKeyId } from "../domain/playback/SigningKey.ts"
import { port } from "./Repositories.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

/** No token lives longer (`EXPIRES_IN.most`). */
export const SIGNING_KEY_ID_KEPT_DAYS = 30

/** A key of ours: `privateKey` is what `SecretCipher` made of it. */
export interface OwnSigningKey extends Pick<SigningKey, "id" | "publicKey"> {
  readonly privateKey: Uint8Array
}

export type AddKeyOutcome =
  | { readonly _tag: "Added"; readonly key: SigningKey }
  | { readonly _tag: "IdTaken" }
  | { readonly _tag: "TooMany" }

export interface SigningKeysPort {
  /** Those that verify, newest first. */
  readonly list: Effect.Effect<ReadonlyArray<SigningKey>, StoreUnavailable>
  /** The one that signs. */
  readonly signing: Effect.Effect<Option.Option<OwnSigningKey>, StoreUnavailable>
  /** The one that signs: the given one when there was none. */
  readonly ensure: (key: OwnSigningKey) => Effect.Effect<OwnSigningKey, StoreUnavailable>
  /** The given one signs from now on, and the private half of the one before is erased; the one before verifies for so long. */
  readonly rotate: (key: OwnSigningKey, overlapSeconds: number) => Effect.Effect<SigningKey, StoreUnavailable>
  /** Of an application. */
  readonly add: (key: Pick<SigningKey, "id" | "publicKey">) => Effect.Effect<AddKeyOutcome, StoreUnavailable>
  /** Not the one that signs. Whether there was one to remove. */
  readonly remove: (id: SigningKeyId) => Effect.Effect<boolean, StoreUnavailable>
}

export class SigningKeys extends port("signingKeys") {}
