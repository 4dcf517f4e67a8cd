/**
 * What a listener knows about a connection, attached to the socket under a symbol of its own. A `WeakMap` would hold the value until the next
 * full collection: in V8 a collection of the young generation keeps the values of a table that has grown old, and most of these values
 * reach their socket.
 */
import type { Duplex } from "node:stream"

export interface Attached<A> {
  readonly of: (socket: Duplex) => A | undefined
  readonly attach: (socket: Duplex, value: A) => void
}

/** One kind of value. */
export const attached = <A>(): Attached<A> => {
  const key = Symbol("greenroom")
  type Carrier = { [key]?: A }
  return {
    of: (socket) => (socket as Carrier)[key],
    attach: (socket, value) => {
      ;(socket as Carrier)[key] = value
    }
  }
}
