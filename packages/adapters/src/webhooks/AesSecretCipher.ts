/**
 * AES-256-GCM under a key that HKDF-SHA256 derives from `ENCRYPTION_KEY`. The bytes: a version (1), a random nonce of 12, the ciphertext, a tag of 16.
 * A text is encrypted once in months, so random nonces do not meet (NIST SP 800-38D allows 2^32 of them).
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto"
import { SecretCipher, SecretUnreadable } from "@greenroom/core"
import { Effect, Layer, Redacted } from "effect"

const VERSION = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** What the derived key is for: what the store keeps, of webhooks and of signing keys. The text is of when there were webhooks alone, and what is stored depends on it. */
const PURPOSE = "greenroom/webhook-secrets/1"
const ALGORITHM = "aes-256-gcm"

const deriveKey = (secret: Redacted.Redacted<string>): Buffer =>
  Buffer.from(hkdfSync("sha256", Redacted.value(secret), "", PURPOSE, 32))

const encryptWith =
  (key: Buffer) =>
  (text: Redacted.Redacted<string>): Uint8Array => {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
    const head = Buffer.from([VERSION])
    cipher.setAAD(head)
    const parts = [head, nonce, cipher.update(Redacted.value(text), "utf8"), cipher.final(), cipher.getAuthTag()]
    return new Uint8Array(Buffer.concat(parts))
  }

/** Throws for what this key did not encrypt. */
const decryptWith =
  (key: Buffer) =>
  (bytes: Uint8Array): Redacted.Redacted<string> => {
    if (bytes[0] !== VERSION || bytes.length < 1 + NONCE_BYTES + TAG_BYTES) throw new Error("not of this version")
    const tagAt = bytes.length - TAG_BYTES
    const cipher = createDecipheriv(ALGORITHM, key, bytes.subarray(1, 1 + NONCE_BYTES), { authTagLength: TAG_BYTES })
    cipher.setAAD(bytes.subarray(0, 1))
    cipher.setAuthTag(bytes.subarray(tagAt))
    const text = Buffer.concat([cipher.update(bytes.subarray(1 + NONCE_BYTES, tagAt)), cipher.final()])
    return Redacted.make(text.toString("utf8"), { label: "webhook secret" })
  }

export const layer = (secret: Redacted.Redacted<string>): Layer.Layer<SecretCipher> =>
  Layer.sync(SecretCipher, () => {
    const key = deriveKey(secret)
    const decrypt = decryptWith(key)
    return SecretCipher.of({
      hasKey: true,
      encrypt: (text) => Effect.sync(() => encryptWith(key)(text)),
      decrypt: (bytes) =>
        Effect.try({
          try: () => decrypt(bytes),
          catch: () => new SecretUnreadable({ reason: "wrong_bytes" })
        })
    })
  })

const noKey = Effect.fail(new SecretUnreadable({ reason: "no_key" }))

/** Without a key. */
export const layerNone: Layer.Layer<SecretCipher> = Layer.succeed(SecretCipher, {
  hasKey: false,
  encrypt: () => noKey,
  decrypt: () => noKey
})
