/**
 * A point in time: `DateTime.Utc` inside, RFC 3339 on the wire. Sent with any offset, answered in UTC with a `Z` and
 * milliseconds; a lower-case `t` or `z` is taken too (RFC 3339, 5.6), a leap second is not. Stricter than `Date.parse`, which
 * takes "5" for a date and the 30th of February for the 2nd of March.
 */
import { DateTime, Schema, SchemaTransformation } from "effect"

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T(?:[01]\d|2[0-3]):\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** Whether RFC 3339 can write the instant in UTC, and PostgreSQL read it: years 1 to 9999. An invalid date has no year. */
const isWritable = (date: Date): boolean => date.getUTCFullYear() >= 1 && date.getUTCFullYear() <= 9999

const isRealDate = (text: string): boolean => {
  const [, year, month, day] = rfc3339.exec(text) ?? []
  if (year === undefined || !isWritable(new Date(text))) return false
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  return date.getUTCMonth() === Number(month) - 1
}

export const Timestamp = Schema.String.annotate({ format: "date-time", examples: ["2026-11-21T01:33:14.640Z"] })
  .pipe(Schema.decode(SchemaTransformation.toUpperCase()))
  .check(
    Schema.makeFilter((text) =>
      isRealDate(text) ? undefined : "Expected an RFC 3339 date and time, such as 2026-11-21T01:33:14Z"
    )
  )
  .pipe(Schema.decodeTo(Schema.DateTimeUtcFromString))
export type Timestamp = DateTime.Utc

/** Whole milliseconds from `earlier` to `later`; negative when the order is the other way. */
export const millisBetween = (earlier: DateTime.Utc, later: DateTime.Utc): number =>
  DateTime.toEpochMillis(later) - DateTime.toEpochMillis(earlier)
