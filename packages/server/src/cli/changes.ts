/** What has changed between two lists of the streams on the air. Pure. How streams ended that have left is asked elsewhere. */
import type { StreamId } from "@greenroom/core"
import type { Stream } from "../http/api/streamSchemas.ts"

/** A stream, decoded, and as JSON. */
export interface Seen {
  readonly value: typeof Stream.Type
  readonly wire: unknown
}

/** The state of a stream, in the words of `streams watch`. */
export type Standing = "connecting" | "on_air" | "ending" | "off_air"

export interface Change {
  readonly change: Standing
  readonly seen: Seen
}

export const standingOf = ({
  endedAt,
  ending,
  status
}: Pick<Seen["value"], "endedAt" | "ending" | "status">): Standing =>
  endedAt !== null ? "off_air" : ending !== null ? "ending" : status === "active" ? "on_air" : "connecting"

export interface Difference {
  /** New streams and those with another state than before, oldest first. */
  readonly changes: ReadonlyArray<Change>
  /** Streams that are no longer listed. */
  readonly left: ReadonlyArray<StreamId>
}

/** `now` is newest first, as the service lists. */
export const difference = (before: ReadonlyMap<StreamId, Seen>, now: ReadonlyArray<Seen>): Difference => {
  const listed = new Set(now.map(({ value }) => value.id))
  const changed = now.filter(({ value }) => {
    const known = before.get(value.id)
    return known === undefined || standingOf(known.value) !== standingOf(value)
  })
  return {
    changes: changed.map((seen) => ({ change: standingOf(seen.value), seen })).reverse(),
    left: [...before.keys()].filter((id) => !listed.has(id))
  }
}
