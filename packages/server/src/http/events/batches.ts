/** New events in batches: put together, kept for clients that are about to join, and given to clients. Nothing here waits. */
import { type EventCursor, type LoggedEvent, type LogHead, matchesFilter } from "@greenroom/core"
import type { EventReader } from "./EventReader.ts"

/** So many events stay for those who are about to join. */
const RECENT_EVENTS_MAX = 1_000

export interface Written {
  readonly event: LoggedEvent
  readonly frame: Uint8Array
}

export interface Batch<E> {
  /** The events after the one position, up to the other. */
  readonly after: EventCursor
  readonly to: number
  readonly events: ReadonlyArray<E>
}

/** The log became another one. */
export interface Renewed {
  readonly renewed: LogHead
}

export type Pending = Batch<LoggedEvent> | Renewed

export const isRenewed = (pending: Pending): pending is Renewed => "renewed" in pending

/** Batches that follow on each other, as one. */
export const merged = (all: ReadonlyArray<Pending>): ReadonlyArray<Pending> => {
  const result: Array<Pending> = []
  for (const next of all) {
    const last = result.at(-1)
    if (last === undefined || isRenewed(last) || isRenewed(next) || last.to !== next.after.position) result.push(next)
    else result[result.length - 1] = { after: last.after, to: next.to, events: [...last.events, ...next.events] }
  }
  return result
}

const matching = (batch: Batch<Written>, { filter, cursor }: EventReader): ReadonlyArray<Uint8Array> =>
  batch.events
    .filter(({ event }) => event.position > (cursor?.position ?? 0) && matchesFilter(event, filter))
    .map(({ frame }) => frame)

/** Those of one batch, put together once for all that want every event. */
const wholes = new WeakMap<Batch<Written>, Uint8Array>()
const wholeOf = (batch: Batch<Written>): Uint8Array => {
  const known = wholes.get(batch) ?? Buffer.concat(batch.events.map(({ frame }) => frame))
  wholes.set(batch, known)
  return known
}

const wantsAll = ({ filter }: EventReader): boolean => Object.values(filter).every((wanted) => wanted === undefined)

/** `missed`: there is a gap before the batch. */
export const giveBatch = (reader: EventReader, batch: Batch<Written>): "given" | "missed" | "over" => {
  const { cursor, output } = reader
  if (cursor === null || cursor.log !== batch.after.log || cursor.position < batch.after.position) return "missed"
  if (cursor.position >= batch.to) return "given"
  const isWhole = cursor.position === batch.after.position && wantsAll(reader)
  const frames = isWhole ? batch.events.map(({ frame }) => frame) : matching(batch, reader)
  if (frames.length > 0 && !output.offer(isWhole ? wholeOf(batch) : Buffer.concat(frames), frames.length)) return "over"
  reader.cursor = { log: cursor.log, position: batch.to }
  return "given"
}

/** The last events, with those of a batch that follows on them. */
export const withBatch = (recent: Batch<Written> | null, batch: Batch<Written>): Batch<Written> => {
  const isContiguous = recent !== null && recent.after.log === batch.after.log && recent.to === batch.after.position
  const events = isContiguous ? [...recent.events, ...batch.events] : batch.events
  const cut = events.length - RECENT_EVENTS_MAX
  const after = cut <= 0 ? (isContiguous ? recent.after : batch.after) : batch.after
  if (cut <= 0) return { after, to: batch.to, events }
  const position = events[cut - 1]?.event.position ?? batch.after.position
  return { after: { log: batch.after.log, position }, to: batch.to, events: events.slice(cut) }
}
