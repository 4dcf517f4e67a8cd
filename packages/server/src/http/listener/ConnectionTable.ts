/**
 * The open connections of one listener, within two bounds: in all, and for one client address. When a bound is reached, a connection is
 * closed to make room: of the new one's address, or, when all places are taken, of the address that has most, the one that has waited
 * longest for its client. So a client that only holds connections open cannot keep others out. A connection whose request is being
 * handled is never closed for that. Bookkeeping alone: no sockets, no clock.
 */

export interface Limits {
  readonly total: number
  readonly perAddress: number
}

/** What to do with a new connection: keep it; keep it and close another; or close it. */
export type Verdict<C> =
  | { readonly _tag: "Kept" }
  | { readonly _tag: "KeptInsteadOf"; readonly closed: C }
  | { readonly _tag: "Refused" }

/** So many connections are asked whether they are waiting before a new one is refused: the work for one connection is bounded. */
const CANDIDATES = 64

const oldestWaiting = <C>(connections: Iterable<C>, isWaiting: (connection: C) => boolean): C | undefined => {
  let asked = 0
  for (const connection of connections) {
    if (isWaiting(connection)) return connection
    asked += 1
    if (asked === CANDIDATES) return undefined
  }
  return undefined
}

export class ConnectionTable<C> {
  readonly #limits: Limits
  readonly #isWaiting: (connection: C) => boolean
  /** In the order of their last activity, the oldest first; with the client's address. */
  readonly #all = new Map<C, string>()
  readonly #byAddress = new Map<string, Set<C>>()

  /** `isWaiting`: the next thing that happens on the connection is the client's to do. */
  constructor(limits: Limits, isWaiting: (connection: C) => boolean) {
    this.#limits = limits
    this.#isWaiting = isWaiting
  }

  get size(): number {
    return this.#all.size
  }

  /** Those that are open now, whatever happens to them meanwhile. */
  get all(): ReadonlyArray<C> {
    return [...this.#all.keys()]
  }

  /** A connection that makes room is removed at once; the caller closes it. */
  add(connection: C, address: string): Verdict<C> {
    const ofAddress = this.#byAddress.get(address)
    const isAddressFull = ofAddress !== undefined && ofAddress.size >= this.#limits.perAddress
    if (!isAddressFull && this.#all.size < this.#limits.total) {
      this.#insert(connection, address)
      return { _tag: "Kept" }
    }
    const closed = isAddressFull
      ? oldestWaiting(ofAddress, this.#isWaiting)
      : (oldestWaiting(this.#largest(), this.#isWaiting) ?? oldestWaiting(this.#all.keys(), this.#isWaiting))
    if (closed === undefined) return { _tag: "Refused" }
    this.remove(closed)
    this.#insert(connection, address)
    return { _tag: "KeptInsteadOf", closed }
  }

  /** Something happened on the connection: it is the youngest now. */
  touch(connection: C): void {
    const address = this.#all.get(connection)
    if (address === undefined) return
    this.remove(connection)
    this.#insert(connection, address)
  }

  remove(connection: C): void {
    const address = this.#all.get(connection)
    if (address === undefined) return
    this.#all.delete(connection)
    const ofAddress = this.#byAddress.get(address)
    ofAddress?.delete(connection)
    if (ofAddress?.size === 0) this.#byAddress.delete(address)
  }

  /** Of the address with the most connections. */
  #largest(): ReadonlySet<C> {
    let largest: ReadonlySet<C> = new Set()
    for (const ofAddress of this.#byAddress.values()) if (ofAddress.size > largest.size) largest = ofAddress
    return largest
  }

  #insert(connection: C, address: string): void {
    this.#all.set(connection, address)
    const ofAddress = this.#byAddress.get(address)
    if (ofAddress === undefined) this.#byAddress.set(address, new Set([connection]))
    else ofAddress.add(connection)
  }
}
