/**
 * Encrypts what the store keeps and must give back: the secrets of webhook endpoints. Laws: `decrypt` undoes `encrypt`; two encryptions of one
 * text differ; bytes that were changed, or that another key encrypted, fail and never decrypt to another text.
 */
import { Context, type Effect, type Redacted, Schema } from "effect"

export class SecretUnreadable extends Schema.TaggedError<SecretUnreadable>()("SecretUnreadable", {
  /** `no_key`: ENCRYPTION_KEY is not set. `wrong_bytes`: changed, encrypted under another key, or by a later version. */
  reason: Schema.Literals(["no_key", "wrong_bytes"])
}) {
  override get message() {
    return this.reason === "no_key"
      ? "There is no key to encrypt with: ENCRYPTION_KEY is not set"
      : "The secret cannot be decrypted: ENCRYPTION_KEY is another than it was encrypted under, or the bytes were changed"
  }
}

export class SecretCipher extends Context.Service<
  SecretCipher,
  {
    /** Whether there is a key. Without one both operations fail with `no_key`. */
    readonly hasKey: boolean
    readonly encrypt: (text: Redacted.Redacted<string>) => Effect.Effect<Uint8Array, SecretUnreadable>
    readonly decrypt: (bytes: Uint8Array) => Effect.Effect<Redacted.Redacted<string>, SecretUnreadable>
  }
>()("greenroom/SecretCipher") {}
