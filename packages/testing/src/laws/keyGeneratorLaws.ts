/** The laws of `KeyGenerator`. */

import { KEY_PREFIX_LENGTH, KeyGenerator, StreamId } from "@greenroom/core"
import { Effect, type Layer, Redacted, Schema } from "effect"
import * as assert from "../assert.ts"
import { LAW_TIMEOUT_MS, type Law, type LawSuite } from "../LawSuite.ts"

export const keyGeneratorLaws = (generator: {
  readonly name: string
  readonly layer: Layer.Layer<KeyGenerator>
}): LawSuite<KeyGenerator> => {
  const laws: Array<Law<KeyGenerator>> = []
  const law = (name: string, check: Law<KeyGenerator>["check"]) =>
    laws.push({ name, check, timeoutMillis: LAW_TIMEOUT_MS })
  law(
    "a key is sk_ and 43 base64url characters, of which no two are alike",
    Effect.gen(function* () {
      const mint = yield* KeyGenerator
      const values = new Set<string>()
      for (let index = 0; index < 1_000; index++) values.add(Redacted.value(yield* mint.generate))
      assert.strictEqual(values.size, 1_000)
      for (const value of values) assert.match(value, /^sk_[0-9A-Za-z_-]{43}$/)
      const beginnings = new Set([...values].map((value) => value.slice(0, KEY_PREFIX_LENGTH + 4)))
      assert.isAbove(beginnings.size, 990)
    })
  )

  law(
    "a token is gr_ and 43 base64url characters, of which no two are alike",
    Effect.gen(function* () {
      const { generateToken } = yield* KeyGenerator
      const values = new Set<string>()
      for (let index = 0; index < 1_000; index++) values.add(Redacted.value(yield* generateToken))
      assert.strictEqual(values.size, 1_000)
      for (const value of values) assert.match(value, /^gr_[0-9A-Za-z_-]{43}$/)
    })
  )

  law(
    "a key does not show itself when it is written anywhere",
    Effect.gen(function* () {
      const key = yield* Effect.flatMap(KeyGenerator, (mint) => mint.generate)
      for (const text of [String(key), JSON.stringify({ key })]) assert.notInclude(text, Redacted.value(key))
    })
  )

  law(
    "an id is a lower-case random UUID, of which no two are alike",
    Effect.gen(function* () {
      const mint = yield* KeyGenerator
      const ids = new Set<string>()
      for (let index = 0; index < 1_000; index++) ids.add(yield* mint.uuid)
      assert.strictEqual(ids.size, 1_000)
      for (const id of ids) {
        assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        assert.isTrue(Schema.is(StreamId)(id as never))
      }
    })
  )

  law(
    "a hash is SHA-256 of the key's UTF-8 bytes",
    Effect.gen(function* () {
      const { hash } = yield* KeyGenerator
      const hex = (text: string) => Buffer.from(hash(Redacted.make(text))).toString("hex")
      // FIPS 180-2, appendix B.1; the second one from `printf 'é' | sha256sum`.
      assert.strictEqual(hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
      assert.strictEqual(hex("é"), "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c")
      assert.strictEqual(hash(Redacted.make("abc")).length, 32)
    })
  )
  return { name: `KeyGenerator, ${generator.name}`, layer: generator.layer, laws }
}
