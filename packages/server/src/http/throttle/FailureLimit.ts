/**
 * How many wrong secrets a network may send: ten within a minute, then a minute's pause. Effect's `RateLimiter` has the same windows, but
 * it keeps every key for ever and cannot be read without taking a token. Here the memory is bounded, because the sender chooses the keys.
 * Times are milliseconds of the monotonic clock.
 */
export const FAILURES_ALLOWED = 10
export const WINDOW_MS = 60_000
/** Networks of which failures are known. Beyond it the one that failed first is forgotten. */
export const NETWORKS_KEPT = 4_096
/** A network that has sent the right secret counts as proven for so long. Only callers with the secret can fill this list. */
export const PROVEN_MS = 24 * 60 * 60 * 1_000
export const PROVEN_KEPT = 1_024

interface Failures {
  count: number
  windowEnds: number
  /** 0: it never was throttled. */
  throttledUntil: number
  /** It was reported, and sent wrong secrets within the last window. */
  reported: boolean
}

export interface Failed {
  /** It is throttled from now on, and that has not been reported. */
  readonly begins: boolean
}

const trim = (map: Map<string, unknown>, size: number): void => {
  for (const key of map.keys()) {
    if (map.size <= size) return
    map.delete(key)
  }
}

export class FailureLimit {
  readonly #failures = new Map<string, Failures>()
  readonly #proven = new Map<string, number>()

  /** Seconds until the network may try again, at least 1; 0 when it may now. */
  waitSeconds(network: string, now: number): number {
    const until = this.#failures.get(network)?.throttledUntil ?? 0
    return until > now ? Math.max(1, Math.ceil((until - now) / 1_000)) : 0
  }

  isProven(network: string, now: number): boolean {
    return (this.#proven.get(network) ?? 0) > now
  }

  prove(network: string, now: number): void {
    this.#proven.delete(network)
    this.#proven.set(network, now + PROVEN_MS)
    trim(this.#proven, PROVEN_KEPT)
  }

  /** A wrong secret of a network that is not throttled. */
  fail(network: string, now: number): Failed {
    const known = this.#failures.get(network) ?? { count: 0, windowEnds: 0, throttledUntil: 0, reported: false }
    if (known.windowEnds <= now) {
      known.count = 0
      known.windowEnds = now + WINDOW_MS
    }
    known.count += 1
    const throttled = known.count >= FAILURES_ALLOWED
    if (throttled) {
      known.throttledUntil = now + WINDOW_MS
      known.windowEnds = known.throttledUntil
    }
    const begins = throttled && !known.reported
    known.reported ||= throttled
    this.#failures.set(network, known)
    trim(this.#failures, NETWORKS_KEPT)
    return { begins }
  }

  /** Removes what has expired; returns the networks that were reported and have sent no wrong secret for a window since. */
  settle(now: number): ReadonlyArray<string> {
    const calm: Array<string> = []
    for (const [network, { windowEnds, throttledUntil, reported }] of this.#failures) {
      if (windowEnds > now || throttledUntil + WINDOW_MS > now) continue
      this.#failures.delete(network)
      if (reported) calm.push(network)
    }
    return calm
  }

  /** How many networks are throttled now. */
  throttled(now: number): number {
    let count = 0
    for (const { throttledUntil } of this.#failures.values()) if (throttledUntil > now) count += 1
    return count
  }

  get size(): number {
    return this.#failures.size + this.#proven.size
  }
}
