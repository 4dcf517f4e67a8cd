/** Keys, ids and hashes from Node's own cryptography. */
import { createHash, randomBytes, randomUUID } from "node:crypto"
import { KeyMint } from "@greenroom/core"
import { Effect, Layer, Redacted } from "effect"

export const layer: Layer.Layer<KeyMint> = Layer.succeed(
  KeyMint,
  KeyMint.of({
    mint: Effect.sync(() => Redacted.make(`sk_${randomBytes(32).toString("base64url")}`, { label: "stream key" })),
    uuid: Effect.sync(() => randomUUID()),
    hash: (key) => new Uint8Array(createHash("sha256").update(Redacted.value(key), "utf8").digest())
  })
)
