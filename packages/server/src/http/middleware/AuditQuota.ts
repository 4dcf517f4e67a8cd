/**
 * How many entries that no use case writes, refusals above all, may come into the audit log: the sender chooses how many there are, and each is a row.
 * Times are milliseconds of the monotonic clock.
 */
const A_MINUTE = 60_000
/** A minute, of one network whose callers are not known. */
export const ENTRIES_OF_NETWORK = 10
/** A minute, of all such networks together. */
export const ENTRIES_OF_NETWORKS = 100
/** A minute, of one API token. There are at most a thousand. */
export const ENTRIES_OF_TOKEN = 120

export class AuditQuota {
  #endsAt = 0
  #ofNetworks = 0
  readonly #taken = new Map<string, number>()

  /** Whether one more of this network may be written now. */
  takeOfNetwork(network: string, now: number): boolean {
    this.#settle(now)
    if (this.#ofNetworks >= ENTRIES_OF_NETWORKS || !this.#take(`network ${network}`, ENTRIES_OF_NETWORK)) return false
    this.#ofNetworks += 1
    return true
  }

  /** Whether one more of this token may be written now. */
  takeOfToken(id: string, now: number): boolean {
    this.#settle(now)
    return this.#take(`token ${id}`, ENTRIES_OF_TOKEN)
  }

  #settle(now: number): void {
    if (now < this.#endsAt) return
    this.#endsAt = now + A_MINUTE
    this.#ofNetworks = 0
    this.#taken.clear()
  }

  #take(name: string, most: number): boolean {
    const taken = this.#taken.get(name) ?? 0
    if (taken >= most) return false
    this.#taken.set(name, taken + 1)
    return true
  }
}
