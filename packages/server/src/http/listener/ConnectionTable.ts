/**
 * The open connections of one listener, within two bounds: in all, and for one client address. When a bound is reached, a connection is
 * closed to make room: of the new one's address, or, when all places are taken, of the address that has most, the one that has waited
 * longest for its client. So a client that only holds connections open cannot keep others out. A connection whose request is being
 * handled is never closed for that. Bookkeeping alone: no sockets, no clock.
 */
import { LinkedList, type Node } from "./LinkedList.ts"

export interface Limits {
  readonly total: number
  readonly perAddress: number
}

/** Where an open connection stands; from `add`, for `touch` and `remove`. */
export interface Place<C> {
  readonly address: string
  /** `null`: it was removed. */
  inAll: Node<Place<C>> | null
  inAddress: Node<Place<C>> | null
  isApart: boolean
  readonly connection: C
}

/** What to do with a new connection: keep it; keep it and close another; or close it. */
export type Verdict<C> =
  | { readonly _tag: "Kept"; readonly place: Place<C> }
  | { readonly _tag: "KeptInsteadOf"; readonly place: Place<C>; readonly closed: C }
  | { readonly _tag: "Refused" }

type Places<C> = LinkedList<Place<C>>

/** So many connections are asked whether they are waiting before a new one is refused: the work for one connection is bounded. */
const CANDIDATES = 64
/** So many addresses without a connection may stay in the table of addresses: most come back at once. */
const EMPTY_ADDRESSES = 64

export class ConnectionTable<C> {
  readonly #limits: Limits
  readonly #isWaiting: (connection: C) => boolean
  /** In the order of their last activity, the oldest first. */
  readonly #all: Places<C> = new LinkedList()
  /** The same, by the client's address. */
  readonly #byAddress = new Map<string, Places<C>>()
  #emptyAddresses = 0
  #apart = 0

  /** `isWaiting`: the next thing that happens on the connection is the client's to do. */
  constructor(limits: Limits, isWaiting: (connection: C) => boolean) {
    this.#limits = limits
    this.#isWaiting = isWaiting
  }

  get size(): number {
    return this.#all.size + this.#apart
  }

  /** Those that are open now and not kept apart, whatever happens to them meanwhile. */
  get all(): ReadonlyArray<C> {
    return Array.from(this.#all, ({ connection }) => connection)
  }

  /** A connection that makes room is removed at once; the caller closes it. */
  add(connection: C, address: string): Verdict<C> {
    const ofAddress = this.#byAddress.get(address)
    const isAddressFull = ofAddress !== undefined && ofAddress.size >= this.#limits.perAddress
    if (!isAddressFull && this.size < this.#limits.total)
      return { _tag: "Kept", place: this.#insert(connection, address) }
    const closed = isAddressFull
      ? this.#oldestWaiting(ofAddress)
      : (this.#oldestWaiting(this.#largest()) ?? this.#oldestWaiting(this.#all))
    if (closed === undefined) return { _tag: "Refused" }
    this.remove(closed)
    return { _tag: "KeptInsteadOf", place: this.#insert(connection, address), closed: closed.connection }
  }

  /** Something happened on the connection: it is the youngest now. */
  touch(place: Place<C>): void {
    const { inAll, inAddress } = place
    const ofAddress = this.#byAddress.get(place.address)
    if (inAll === null || inAddress === null || ofAddress === undefined) return
    this.#all.moveToEnd(inAll)
    ofAddress.moveToEnd(inAddress)
  }

  /**
   * From now on the connection counts in the total alone, until it is removed, and is never closed to make room: its answer does not end, and
   * the number of such answers has a bound of its own.
   */
  keepApart(place: Place<C>): void {
    if (place.inAll === null) return
    this.remove(place)
    place.isApart = true
    this.#apart += 1
  }

  remove(place: Place<C>): void {
    if (place.isApart) {
      place.isApart = false
      this.#apart -= 1
    }
    const { inAll, inAddress } = place
    const ofAddress = this.#byAddress.get(place.address)
    if (inAll === null || inAddress === null || ofAddress === undefined) return
    this.#all.remove(inAll)
    ofAddress.remove(inAddress)
    place.inAll = null
    place.inAddress = null
    if (ofAddress.size > 0) return
    this.#emptyAddresses += 1
    if (this.#emptyAddresses > EMPTY_ADDRESSES) this.#forgetEmptyAddresses()
  }

  #oldestWaiting(places: Iterable<Place<C>>): Place<C> | undefined {
    let asked = 0
    for (const place of places) {
      if (this.#isWaiting(place.connection)) return place
      asked += 1
      if (asked === CANDIDATES) return undefined
    }
    return undefined
  }

  /** Of the address with the most connections. */
  #largest(): Places<C> {
    let largest: Places<C> = new LinkedList()
    for (const ofAddress of this.#byAddress.values()) if (ofAddress.size > largest.size) largest = ofAddress
    return largest
  }

  #insert(connection: C, address: string): Place<C> {
    const place: Place<C> = { address, inAll: null, inAddress: null, isApart: false, connection }
    place.inAll = this.#all.add(place)
    place.inAddress = this.#ofAddress(address).add(place)
    return place
  }

  #ofAddress(address: string): Places<C> {
    const known = this.#byAddress.get(address)
    if (known !== undefined) {
      if (known.size === 0) this.#emptyAddresses -= 1
      return known
    }
    const places: Places<C> = new LinkedList()
    this.#byAddress.set(address, places)
    return places
  }

  #forgetEmptyAddresses(): void {
    for (const [address, { size }] of this.#byAddress) if (size === 0) this.#byAddress.delete(address)
    this.#emptyAddresses = 0
  }
}
