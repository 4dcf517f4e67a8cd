/**
 * Where ids and stream keys come from, and how a key becomes what may be stored. Laws: values of `generate`, `generateToken` and `uuid` never come
 * twice and cannot be guessed (32 random bytes, a random UUID); `hash` is SHA-256 of the key's UTF-8 bytes.
 */
import { Context, type Effect } from "effect"
import type { KeyHash, KeyValue } from "../domain/access/StreamKey.ts"
import type { TokenValue } from "../domain/identity/ApiToken.ts"

export class KeyGenerator extends Context.Service<
  KeyGenerator,
  {
    /** `sk_` and 43 base64url characters. */
    readonly generate: Effect.Effect<KeyValue>
    /** `gr_` and 43 base64url characters. */
    readonly generateToken: Effect.Effect<TokenValue>
    /** A lower-case version 4 UUID. */
    readonly uuid: Effect.Effect<string>
    readonly hash: (key: KeyValue) => KeyHash
  }
>()("greenroom/KeyGenerator") {}
