/**
 * Where everything random in the simulation comes from: one seed, and a stream of numbers for each purpose, so that a step that is taken
 * away (by the shrinker) disturbs the draws of the others as little as possible. Never `Math.random`, never the time of day.
 */
export interface Rng {
  /** From 0 to 1, 1 excluded. */
  readonly next: () => number
  /** A whole number below `n`. */
  readonly below: (n: number) => number
  /** A whole number from `low` to `high`, both included. */
  readonly between: (low: number, high: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <A>(items: ReadonlyArray<A>) => A
  /** One of the items, each as often as its weight says. */
  readonly weighted: <A>(items: ReadonlyArray<readonly [weight: number, item: A]>) => A
}

/** One number out of several: FNV-1a over their 32-bit words, then mixed. */
export const mixed = (...numbers: ReadonlyArray<number>): number => {
  let hash = 0x811c9dc5
  for (const number of numbers) hash = Math.imul(hash ^ (number | 0), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** The generator is mulberry32. */
export const makeRng = (seed: number): Rng => {
  let state = mixed(seed, 0x9e3779b9)
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (n: number): number => Math.floor(next() * n)
  const weighted = <A>(items: ReadonlyArray<readonly [number, A]>): A => {
    let left = next() * items.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, item] of items) {
      left -= weight
      if (left < 0) return item
    }
    return items.at(-1)![1]
  }
  return {
    next,
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (probability) => next() < probability,
    pick: (items) => items[below(items.length)]!,
    weighted
  }
}
