/** Ids as MediaMTX draws them, repeatable. */
import { Effect, Random } from "effect"

const hex = (digits: number) =>
  Effect.map(Random.nextIntBetween(0, 16 ** digits - 1), (n) => n.toString(16).padStart(digits, "0"))

/** A version 4 UUID from Effect's `Random`: the same again under the same seed. */
export const randomUuid = Effect.gen(function* () {
  const variant = "89ab"[yield* Random.nextIntBetween(0, 3)]
  return `${yield* hex(8)}-${yield* hex(4)}-4${yield* hex(3)}-${variant}${yield* hex(3)}-${yield* hex(6)}${yield* hex(6)}`
})
