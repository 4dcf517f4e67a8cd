/** What has changed between two looks at the streams on the air. Pure; what became of those that have left is asked elsewhere. */
import type { StreamId } from "@greenroom/core"
import type { Stream } from "../http/api/Stream.ts"

/** A stream, decoded and in the wire's words. */
export interface Seen {
  readonly value: typeof Stream.Type
  readonly wire: unknown
}

/** Where a stream stands, in the words of `streams watch`. */
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
  /** Newcomers and those that stand elsewhere than before, oldest first. */
  readonly changes: ReadonlyArray<Change>
  /** Those that are listed no more. */
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
