/** From samples to figures: nearest-rank percentiles of a round, medians over rounds. */
import type { Sample } from "./load.ts"

export interface Figures {
  readonly count: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
  /** How many calls went wrong, and the first reason: a run with some shows them and ends with an exit code. */
  readonly failed: number
  readonly failure: string | null
}

/** The figures of several rounds as one, and the p95 of the round that was least disturbed. */
export interface Rounds extends Figures {
  readonly best: number
}

export class Failed extends Error {}

/** Throws when more than one call in a hundred went wrong: such samples measure nothing. */
export const figuresOf = (what: string, samples: ReadonlyArray<Sample>): Figures => {
  const wrong = samples.filter(({ error }) => error !== null)
  const failure = wrong[0] === undefined ? null : `${what}: ${wrong[0].error}`
  if (wrong.length > samples.length / 100) throw new Failed(`${wrong.length} of ${samples.length} failed. ${failure}`)
  const sorted = samples.map(({ millis }) => millis).sort((a, b) => a - b)
  const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
  const [count, failed] = [sorted.length, wrong.length]
  return { count, p50: rank(0.5), p95: rank(0.95), p99: rank(0.99), max: rank(1), failed, failure }
}

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Figure by figure the median of the rounds; the largest maximum, and all samples counted. */
export const medianOf = (rounds: ReadonlyArray<Figures>): Rounds => ({
  count: rounds.reduce((sum, { count }) => sum + count, 0),
  p50: median(rounds.map(({ p50 }) => p50)),
  p95: median(rounds.map(({ p95 }) => p95)),
  p99: median(rounds.map(({ p99 }) => p99)),
  max: Math.max(...rounds.map(({ max }) => max)),
  failed: rounds.reduce((sum, { failed }) => sum + failed, 0),
  failure: rounds.find(({ failure }) => failure !== null)?.failure ?? null,
  best: Math.min(...rounds.map(({ p95 }) => p95))
})
