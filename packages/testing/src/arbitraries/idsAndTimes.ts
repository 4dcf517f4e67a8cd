/** Ids and moments that show in a failure which one they are. */
import type { BroadcasterId, StreamId, StreamKeyId } from "@greenroom/core"
import { Arbitrary, DateTime } from "effect"
import { element, integer, oneOf } from "./draw.ts"

/** The `n`th UUID of a kind. */
export const uuid = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`
export const streamId = (n: number): StreamId => uuid(n) as StreamId
export const keyId = (n: number): StreamKeyId => uuid(0x10000 + n) as StreamKeyId
export const broadcasterId = (n: number): BroadcasterId => uuid(0x20000 + n) as BroadcasterId

export const NOW: DateTime.Utc = DateTime.makeUnsafe("2026-11-21T01:33:14.640Z")
/** `ms` after `NOW`. */
export const at = (ms: number): DateTime.Utc => DateTime.makeUnsafe(DateTime.toEpochMillis(NOW) + ms)

const DAY_MS = 86_400_000

export const streamIds: Arbitrary.Arbitrary<StreamId> = Arbitrary.map(integer(0, 0xffff), streamId)
export const streamKeyIds: Arbitrary.Arbitrary<StreamKeyId> = Arbitrary.map(integer(0, 0xffff), keyId)
export const broadcasterIds: Arbitrary.Arbitrary<BroadcasterId> = Arbitrary.map(integer(0, 0xffff), broadcasterId)

/** `NOW`, the milliseconds around it, and any time within a year of it. */
export const timestamps: Arbitrary.Arbitrary<DateTime.Utc> = Arbitrary.map(
  oneOf([element([0, 1, -1]), integer(-365 * DAY_MS, 365 * DAY_MS)]),
  at
)
