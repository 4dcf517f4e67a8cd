/**
 * Where a page begins. A list's cursor holds the time and the id of the last item; that of a stream's events holds the last number. Clients
 * treat cursors as opaque. The document has their patterns, because a cursor ends in a query and is decoded as strictly as any input. Every
 * wrong cursor has the same error.
 */
import {
  BroadcasterId,
  CURSOR_PATTERN,
  type EventCursor as LogCursor,
  type Position,
  readCursor,
  writeCursor
} from "@greenroom/core"
import { DateTime, Option, Schema, SchemaTransformation } from "effect"
import { Limit, Switch } from "./Input.ts"

const cursorText = (pattern: RegExp, example: string) =>
  Schema.String.annotate({ description: "The `next_cursor` of an earlier answer", examples: [example] }).check(
    Schema.isPattern(pattern, { message: "Expected the next_cursor of an earlier answer" })
  )

const opaque = <A>(pattern: RegExp, example: string, read: (text: string) => A, write: (value: A) => string) =>
  cursorText(pattern, example).pipe(
    Schema.decodeTo(
      Schema.declare((_: unknown): _ is A => true),
      SchemaTransformation.transform({ decode: read, encode: write })
    )
  )

/** Milliseconds since 1970 in at most 14 digits, which is until the year 5138, and a UUID without its hyphens. */
const position = /^([0-9]{1,14})-([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/u
const positionPattern = /^[0-9]{1,14}-[0-9a-f]{32}$/u

export const cursorExample = "1763688794640-3b0f7c528a8e4f0e9a536a1f0f7c2d90"

/** Every list is ordered by a date and an id; which entity's id it is does not matter here. */
export const ListCursor = opaque<Position>(
  positionPattern,
  cursorExample,
  (text) => {
    const [, millis, ...groups] = position.exec(text) ?? []
    return { at: DateTime.makeUnsafe(Number(millis)), id: BroadcasterId.make(groups.join("-")) }
  },
  ({ at, id }) => `${Math.max(0, DateTime.toEpochMillis(at))}-${id.replaceAll("-", "")}`
)

/** The same of a list whose ids are texts: of playback tokens and of viewers. */
const textPosition = /^([0-9]{1,14})-([0-9A-Za-z_-]{1,64})$/u

export const textCursorExample = "1763688794640-x7Kd02mQpL9vTz41"

export const TextListCursor = opaque<Position>(
  textPosition,
  textCursorExample,
  (text) => {
    const [, millis, id = ""] = textPosition.exec(text) ?? []
    return { at: DateTime.makeUnsafe(Number(millis)), id }
  },
  ({ at, id }) => `${Math.max(0, DateTime.toEpochMillis(at))}-${id}`
)

/** The number of the last event seen. */
export const EventCursor = opaque<number>(/^[0-9]{1,9}$/u, "2", Number, String)

const EXPECTED_PLACE = "Expected the cursor of an event, the next of an earlier answer, or now"

export const logCursorExample = "7d1f0a521c1e4b39-4711"

const isLogPlace = (text: string): boolean => text === "now" || Option.isSome(readCursor(text))

/** Where a reader of the event log is; `now` is after its newest event. */
export const LogPlace = Schema.String.annotate({ examples: [logCursorExample] })
  .check(
    Schema.makeFilter((text) => (isLogPlace(text) ? undefined : EXPECTED_PLACE), {
      toJsonSchema: () => ({ pattern: `^now$|${CURSOR_PATTERN}` })
    })
  )
  .pipe(
    Schema.decodeTo(
      Schema.declare((_: unknown): _ is LogCursor | "now" => true),
      SchemaTransformation.transform({
        decode: (text) => (text === "now" ? text : Option.getOrElse(readCursor(text), () => "now" as const)),
        encode: (place) => (place === "now" ? place : writeCursor(place))
      })
    )
  )

/** Whether to count the whole list, for lists that can be counted. */
export const totalQuery = {
  total: Schema.optionalKey(Switch).annotate({
    description:
      "`true`: the answer has `total`, how many items all pages have together. It is counted anew for each answer"
  })
}

/** Which page of a list. */
export const pageQuery = { limit: Schema.optionalKey(Limit), cursor: Schema.optionalKey(ListCursor) }

/** The same of a list whose ids are texts. */
export const textPageQuery = { limit: Schema.optionalKey(Limit), cursor: Schema.optionalKey(TextListCursor) }
