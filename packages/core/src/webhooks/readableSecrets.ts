/**
 * The secrets of an endpoint that can be decrypted, at least one. After a change of ENCRYPTION_KEY and a rotation the previous secret cannot be, and the
 * endpoint must not wait until it has expired.
 */
import { Effect, Option, type Redacted } from "effect"
import { SecretCipher, SecretUnreadable } from "../ports/SecretCipher.ts"
import type { EncryptedSecret } from "../ports/WebhookEndpoints.ts"

export const readableSecrets = Effect.fnUntraced(function* (encrypted: ReadonlyArray<EncryptedSecret>) {
  const cipher = yield* SecretCipher
  const secrets = yield* Effect.forEach(encrypted, (bytes) => Effect.option(cipher.decrypt(bytes)))
  const readable: ReadonlyArray<Redacted.Redacted<string>> = secrets.flatMap(Option.toArray)
  if (readable.length > 0) return readable
  return yield* new SecretUnreadable({ reason: cipher.hasKey ? "wrong_bytes" : "no_key" })
})
