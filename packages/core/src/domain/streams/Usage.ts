/** What is left of streams that were pruned: one sum a broadcaster and day. The store's trigger adds up the same; one suite compares them. */
import { DateTime } from "effect"
import type { SessionState } from "./LiveStream.ts"

export interface Usage {
  readonly streams: number
  /** On the air: from ready to the end. */
  readonly seconds: number
  /** As the last look of each stream counted them; what came in the last second before its end may be missing. */
  readonly bytes: number
}

/** The day in UTC on which a stream began: all of its usage counts there. */
export const usageDay = (state: SessionState): string => DateTime.formatIsoDate(DateTime.toUtc(state.startedAt))

/** The usage of one stream that has ended. */
export const usageOf = (state: Extract<SessionState, { readonly _tag: "Inactive" }>, bytes: number): Usage => {
  const millis = state.readyAt === null ? 0 : state.endedAt.epochMilliseconds - state.readyAt.epochMilliseconds
  // The database's clock may have been set back between the two.
  return { streams: 1, seconds: Math.max(0, millis) / 1000, bytes }
}

/** The sum of both. */
export const addUsage = (a: Usage, b: Usage): Usage => ({
  streams: a.streams + b.streams,
  seconds: a.seconds + b.seconds,
  bytes: a.bytes + b.bytes
})
