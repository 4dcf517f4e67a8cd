/**
 * How many refusals a network may leave in the audit log: ten a minute, and a hundred a minute all networks together. The sender chooses how many there
 * are, and each is a row. Times are milliseconds of the monotonic clock.
 */
const A_MINUTE = 60_000
export const ENTRIES_OF_NETWORK = 10
export const ENTRIES_OF_ALL = 100

export class AuditQuota {
  #endsAt = 0
  #all = 0
  readonly #byNetwork = new Map<string, number>()

  /** Whether one more may be written now. */
  take(network: string, now: number): boolean {
    if (now >= this.#endsAt) {
      this.#endsAt = now + A_MINUTE
      this.#all = 0
      this.#byNetwork.clear()
    }
    const own = this.#byNetwork.get(network) ?? 0
    if (own >= ENTRIES_OF_NETWORK || this.#all >= ENTRIES_OF_ALL) return false
    this.#all += 1
    this.#byNetwork.set(network, own + 1)
    return true
  }
}
