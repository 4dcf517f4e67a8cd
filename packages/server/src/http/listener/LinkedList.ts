/**
 * An ordered collection whose elements come and go with each request. A `Map` or a `Set` would do, but when V8 replaces its table it
 * links the old one to the new one: an old table that has outlived two collections of the young generation keeps every later table, and
 * whatever stood in them, until the next full collection (docs/measurements.md).
 * Here a removed node holds no link.
 */
export interface Node<A> {
  readonly value: A
  before: Node<A> | null
  after: Node<A> | null
}

export class LinkedList<A> implements Iterable<A> {
  #first: Node<A> | null = null
  #last: Node<A> | null = null
  #size = 0

  get size(): number {
    return this.#size
  }

  /** At the end. */
  add(value: A): Node<A> {
    const node: Node<A> = { value, before: null, after: null }
    this.#append(node)
    return node
  }

  /** `node` must stand in this list. */
  moveToEnd(node: Node<A>): void {
    if (node === this.#last) return
    this.remove(node)
    this.#append(node)
  }

  /** `node` must stand in this list. */
  remove(node: Node<A>): void {
    const { before, after } = node
    if (before === null) this.#first = after
    else before.after = after
    if (after === null) this.#last = before
    else after.before = before
    node.before = null
    node.after = null
    this.#size -= 1
  }

  #append(node: Node<A>): void {
    node.before = this.#last
    if (this.#last === null) this.#first = node
    else this.#last.after = node
    this.#last = node
    this.#size += 1
  }

  /** An element may be removed while it is visited. */
  *[Symbol.iterator](): Iterator<A> {
    let node = this.#first
    while (node !== null) {
      const { after, value } = node
      yield value
      node = after
    }
  }
}
