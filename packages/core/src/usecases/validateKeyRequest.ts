/**
 * What only the store can find wrong with an order for a stream key. The store itself names the first that it meets; whoever ordered
 * is told all of it at once, together with what is wrong with the rest of the order, so these are asked for apart.
 */
import { DateTime, Effect, Option } from "effect"
import type { BroadcasterId } from "../domain/values/Ids.ts"
import type { Timestamp } from "../domain/values/Timestamp.ts"
import { Broadcasters } from "../ports/Broadcasters.ts"

export type KeyRequestFault = "UnknownBroadcaster" | "ExpiryInPast"

/** As much of an order as could be read. */
export interface ReadableKeyRequest {
  readonly broadcasterId?: BroadcasterId | undefined
  readonly expiresAt?: Timestamp | null | undefined
}

/** None when all that could be read is good. Whether a time is past is for the store's clock to say. */
export const validateKeyRequest = Effect.fn("orderFaults")(function* ({
  broadcasterId,
  expiresAt
}: ReadableKeyRequest) {
  const broadcasters = yield* Broadcasters
  const faults: Array<KeyRequestFault> = []
  if (broadcasterId !== undefined && Option.isNone(yield* broadcasters.find(broadcasterId))) {
    faults.push("UnknownBroadcaster")
  }
  if (expiresAt !== undefined && expiresAt !== null) {
    const { now } = yield* broadcasters.list({ limit: 1, after: null })
    if (DateTime.isLessThanOrEqualTo(expiresAt, now)) faults.push("ExpiryInPast")
  }
  return faults
})
