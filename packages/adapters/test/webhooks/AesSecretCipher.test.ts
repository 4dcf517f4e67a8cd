import { assert, describe, it } from "@effect/vitest"
import { SecretCipher, SecretUnreadable } from "@greenroom/core"
import { integer, texts } from "@greenroom/testing/arbitraries"
import { Effect, Redacted } from "effect"
import { AesSecretCipher } from "../../src/webhooks/index.ts"

const cipherOf = (key: string) =>
  Effect.provide(SecretCipher, AesSecretCipher.layer(Redacted.make(key)), { local: true })
const ours = cipherOf("an encryption key of ours")

const encrypt = (text: string) => Effect.flatMap(ours, (cipher) => cipher.encrypt(Redacted.make(text)))

describe("AesSecretCipher", () => {
  it.effect.prop("decrypts what it encrypted, also in another process with the same key", [texts], ([drawn]) =>
    Effect.gen(function* () {
      const text = drawn.toWellFormed()
      const again = yield* cipherOf("an encryption key of ours")
      assert.strictEqual(Redacted.value(yield* again.decrypt(yield* encrypt(text))), text)
    })
  )

  it.effect("gives other bytes each time, none of which show the text", () =>
    Effect.gen(function* () {
      const [one, two] = [yield* encrypt("whsec_secret"), yield* encrypt("whsec_secret")]
      assert.notDeepEqual(one, two)
      assert.strictEqual(one.length, 1 + 12 + "whsec_secret".length + 16)
      assert.isFalse(Buffer.from(one).includes("whsec"))
    })
  )

  it.effect.prop("refuses bytes of which one bit was changed, wherever", [integer(0, 8 * 41 - 1)], ([bit]) =>
    Effect.gen(function* () {
      const bytes = yield* encrypt("whsec_secret")
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const error = yield* Effect.flip(Effect.flatMap(ours, (cipher) => cipher.decrypt(bytes)))
      assert.deepStrictEqual([error instanceof SecretUnreadable, error.reason], [true, "wrong_bytes"])
    })
  )

  it.effect.prop(
    "refuses bytes that were cut or made up",
    [integer(0, 40), integer(1, 60), integer(0, 255)],
    ([cutAt, length, value]) =>
      Effect.gen(function* () {
        const cipher = yield* ours
        const cut = (yield* encrypt("whsec_secret")).subarray(0, cutAt)
        const madeUp = new Uint8Array(length).fill(value).with(0, 1)
        for (const bytes of [cut, madeUp]) {
          assert.strictEqual((yield* Effect.flip(cipher.decrypt(bytes))).reason, "wrong_bytes")
        }
      })
  )

  it.effect("refuses what another key encrypted", () =>
    Effect.gen(function* () {
      const other = yield* cipherOf("an encryption key of theirs")
      assert.strictEqual((yield* Effect.flip(other.decrypt(yield* encrypt("whsec_secret")))).reason, "wrong_bytes")
    })
  )

  it.effect("without a key does nothing", () =>
    Effect.gen(function* () {
      const none = yield* Effect.provide(SecretCipher, AesSecretCipher.layerNone, { local: true })
      const bytes = yield* encrypt("whsec_secret")
      assert.isFalse(none.hasKey)
      assert.strictEqual((yield* Effect.flip(none.encrypt(Redacted.make("x")))).reason, "no_key")
      assert.strictEqual((yield* Effect.flip(none.decrypt(bytes))).reason, "no_key")
    })
  )
})
