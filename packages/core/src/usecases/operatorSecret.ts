/** The secret with which the operator, and the service itself, may use the media server's API. */
import { Context, Effect, type Redacted } from "effect"
import type { KeyHash } from "../domain/access/StreamKey.ts"
import { KeyGenerator } from "../ports/KeyGenerator.ts"

/** SHA-256 of the secret, and of the one before it while that is still accepted. */
export class OperatorSecret extends Context.Service<
  OperatorSecret,
  { readonly hash: KeyHash; readonly previousHash?: KeyHash | undefined }
>()("greenroom/OperatorSecret") {}

/** Compares digests in a time that does not depend on where they differ. */
export const sameHash = (a: KeyHash, b: KeyHash): boolean => {
  if (a.length !== b.length) return false
  let difference = 0
  for (let index = 0; index < a.length; index++) difference |= a[index]! ^ b[index]!
  return difference === 0
}

/** Whether one of the candidates is the operator's secret. Compared in constant time. */
export const isOperator = Effect.fnUntraced(function* (candidates: ReadonlyArray<Redacted.Redacted<string>>) {
  const { hash, previousHash = hash } = yield* OperatorSecret
  const generator = yield* KeyGenerator
  return candidates.some((candidate) => {
    const sent = generator.hash(candidate)
    // Both are compared, so that the time does not show which of them it was.
    const [isCurrent, isPrevious] = [sameHash(sent, hash), sameHash(sent, previousHash)]
    return isCurrent || isPrevious
  })
})
