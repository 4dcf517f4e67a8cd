/**
 * What only the store can find wrong with an order for a stream key. The store itself names the first that it meets; whoever ordered
 * is told all of it at once, together with what is wrong with the rest of the order, so these are asked for apart.
 */
import { DateTime, Effect, Option } from "effect"
import type { BroadcasterId } from "../domain/Ids.ts"
import type { Timestamp } from "../domain/Timestamp.ts"
import { Broadcasters } from "../ports/Broadcasters.ts"

export type OrderFault = "UnknownBroadcaster" | "ExpiryInPast"

/** As much of an order as could be read. */
export interface ReadableOrder {
  readonly broadcasterId?: BroadcasterId | undefined
  readonly expiresAt?: Timestamp | null | undefined
}

/** None when all that could be read is good. Whether a time is past is for the store's clock to say. */
export const orderFaults = Effect.fn("orderFaults")(function* ({ broadcasterId, expiresAt }: ReadableOrder) {
  const broadcasters = yield* Broadcasters
  const faults: Array<OrderFault> = []
  if (broadcasterId !== undefined && Option.isNone(yield* broadcasters.find(broadcasterId))) {
    faults.push("UnknownBroadcaster")
  }
  if (expiresAt !== undefined && expiresAt !== null) {
    const { now } = yield* broadcasters.list({ limit: 1, after: null })
    if (DateTime.isLessThanOrEqualTo(expiresAt, now)) faults.push("ExpiryInPast")
  }
  return faults
})
