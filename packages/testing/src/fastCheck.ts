/**
 * Arbitraries of Effect for fast-check, which is an optional peer: this module alone loads it. fast-check draws a seed and a size, and Effect's
 * arbitrary makes the value of them. So a failure is replayed by fast-check's own seed. It shrinks the size; Effect's `Arbitrary.checkEffect`
 * shrinks the value itself, and finds smaller counterexamples.
 */
import "./effectOfTesting.ts"

import { Arbitrary, Effect } from "effect"
import * as FastCheck from "fast-check"

const MAX_SEED = 2 ** 31 - 1

/** `size`: how long lists and texts without a bound of their own may grow. */
export const toFastCheck = <A>(
  arbitrary: Arbitrary.Arbitrary<A>,
  { size = 60 }: { readonly size?: number } = {}
): FastCheck.Arbitrary<A> => {
  const seeds = FastCheck.noShrink(FastCheck.integer({ min: 0, max: MAX_SEED }))
  const sizes = FastCheck.integer({ min: 0, max: size })
  return FastCheck.tuple(seeds, sizes).map(([seed, most]) => {
    const [value] = Effect.runSync(Arbitrary.sampleEffect(arbitrary, { count: 1, seed, size: most }))
    return value as A
  })
}
