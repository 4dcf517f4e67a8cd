/** Keys, ids and hashes from Node's crypto module. */
import { hash, randomBytes, randomUUID } from "node:crypto"
import { KeyGenerator } from "@greenroom/core"
import { Effect, Layer, Redacted } from "effect"

export const layer: Layer.Layer<KeyGenerator> = Layer.succeed(
  KeyGenerator,
  KeyGenerator.of({
    generate: Effect.sync(() => Redacted.make(`sk_${randomBytes(32).toString("base64url")}`, { label: "stream key" })),
    generateToken: Effect.sync(() =>
      Redacted.make(`gr_${randomBytes(32).toString("base64url")}`, { label: "API token" })
    ),
    uuid: Effect.sync(() => randomUUID()),
    hash: (key) => new Uint8Array(hash("sha256", Redacted.value(key), "buffer"))
  })
)
