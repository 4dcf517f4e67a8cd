/** What was observed in a span of time, and whether it is what was promised. */
import type { Observed } from "./observer.ts"

/** Of one span: before, during or after an attack. */
export interface Figures {
  readonly calls: number
  readonly failed: number
  /** Milliseconds; a failed call counts as one that never ended. */
  readonly p50: number
  readonly p99: number
}

export interface Outcome {
  readonly name: string
  readonly bytes: number
  readonly connections: number
  readonly before: Figures
  readonly during: Figures
  readonly after: Figures
  /** Megabytes of the service's process. */
  readonly memory: { readonly before: number; readonly peak: number; readonly after: number }
  /** Milliseconds from each revoke to the end of its stream's connection; `null` for one that did not end. */
  readonly revokes: ReadonlyArray<number | null>
  /** Why it did not hold; empty when it did. */
  readonly broken: ReadonlyArray<string>
}

const AUTH_P99_MS = 250
const QUIET_FACTOR = 10
const REVOKE_MS = 5_000
const MEMORY_MB = 600
const MEMORY_LEFT_MB = 50

const rank = (sorted: ReadonlyArray<number>, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

export const figuresOf = (observed: ReadonlyArray<Observed>, from: number, to: number): Figures => {
  const auth = observed.filter(({ kind, at }) => kind === "auth" && at >= from && at < to)
  const times = auth.map(({ millis }) => millis ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b)
  return {
    calls: auth.length,
    failed: auth.filter(({ millis }) => millis === null).length,
    p50: rank(times, 0.5),
    p99: rank(times, 0.99)
  }
}

/** Every way in which an attack was not held off, in words. */
export const brokenPromises = (
  outcome: Omit<Outcome, "broken">,
  quietP99: number,
  more: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const { during, after, memory, revokes } = outcome
  const bound = Math.max(AUTH_P99_MS, quietP99 * QUIET_FACTOR)
  const slow = (what: string, { p99, calls }: Figures) =>
    calls === 0
      ? [`no auth call ${what}`]
      : p99 > bound
        ? [`auth p99 ${what} ${p99.toFixed(0)} ms, more than ${bound.toFixed(0)}`]
        : []
  const longest = Math.max(0, ...revokes.map((millis) => millis ?? Number.POSITIVE_INFINITY))
  return [
    ...slow("during the attack", during),
    ...slow("after it", after),
    ...(longest > REVOKE_MS ? [`a revoke took ${(longest / 1000).toFixed(1)} s`] : []),
    ...(memory.peak > MEMORY_MB ? [`${memory.peak.toFixed(0)} MB at its peak`] : []),
    ...(memory.after - memory.before > MEMORY_LEFT_MB
      ? [`${(memory.after - memory.before).toFixed(0)} MB more afterwards`]
      : []),
    ...more
  ]
}
