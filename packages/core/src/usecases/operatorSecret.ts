/** The secret with which the operator, and the service itself, may use the media server's API. */
import { Context, Effect, type Redacted } from "effect"
import type { KeyHash } from "../domain/access/StreamKey.ts"
import { KeyGenerator } from "../ports/KeyGenerator.ts"

/** SHA-256 of the secret. */
export class OperatorSecret extends Context.Service<OperatorSecret, { readonly hash: KeyHash }>()(
  "greenroom/OperatorSecret"
) {}

/** Compares digests in a time that does not depend on where they differ. */
export const sameHash = (a: KeyHash, b: KeyHash): boolean => {
  if (a.length !== b.length) return false
  let difference = 0
  for (let index = 0; index < a.length; index++) difference |= a[index]! ^ b[index]!
  return difference === 0
}

/** Whether one of the candidates is the operator's secret. Compared in constant time. */
export const isOperator = Effect.fnUntraced(function* (candidates: ReadonlyArray<Redacted.Redacted<string>>) {
  const { hash } = yield* OperatorSecret
  const generator = yield* KeyGenerator
  return candidates.some((candidate) => sameHash(generator.hash(candidate), hash))
})
