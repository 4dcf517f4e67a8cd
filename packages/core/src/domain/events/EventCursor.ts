/**
 * Where a reader of the event log is: after which position of which log. A log has a random id, which is renewed when the database was
 * restored: the positions of before may then name other events.
 */
import { Option, Schema } from "effect"

/** `evt_…` in the stores here. Opaque: neither order nor time can be read from it. */
export const EventId = Schema.String.pipe(Schema.brand("EventId"))
export type EventId = typeof EventId.Type

/** Counts from 1 without a gap; 0 is before the first event. */
export type LogPosition = number

/** 16 hexadecimal digits. */
export type LogId = string

export interface EventCursor {
  readonly log: LogId
  readonly position: LogPosition
}

/** What the log has at a moment. */
export interface LogHead {
  readonly log: LogId
  /** The last position that was given; 0 when there is none. */
  readonly newest: LogPosition
  /** The oldest position whose event is kept; `newest + 1` when none is. */
  readonly oldest: LogPosition
}

/** The text that a reader keeps: `<log>-<position>`. */
export const writeCursor = ({ log, position }: EventCursor): string => `${log}-${position}`

const PATTERN = /^([0-9a-f]{16})-(0|[1-9][0-9]{0,15})$/

/** Of the text of a cursor, as the OpenAPI document has it. */
export const CURSOR_PATTERN = PATTERN.source

/** `None` for a text that `writeCursor` cannot have written. */
export const readCursor = (text: string): Option.Option<EventCursor> => {
  const [, log, digits] = PATTERN.exec(text) ?? []
  const position = Number(digits)
  return log === undefined || !Number.isSafeInteger(position) ? Option.none() : Option.some({ log, position })
}

/** Why a cursor leads nowhere: of the log of before a restore, of events that are not kept any more, or beyond the newest. */
export type LostCursor = "other_log" | "pruned" | "future"

/** Why events after the cursor cannot all be read; `null` when they can. */
export const whyLost = ({ log, position }: EventCursor, head: LogHead): LostCursor | null => {
  if (log !== head.log) return "other_log"
  if (position > head.newest) return "future"
  return position < head.oldest - 1 ? "pruned" : null
}

/** Before the oldest event that is kept. */
export const beginning = ({ log, oldest }: LogHead): EventCursor => ({ log, position: oldest - 1 })
/** After the newest event. */
export const end = ({ log, newest }: LogHead): EventCursor => ({ log, position: newest })
