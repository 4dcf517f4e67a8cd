/** Rows of `event_log` as the domain's events. `data` is the image of a row as JSON, so its times are texts. */
import {
  type EventId,
  EventType,
  isBroadcasterEvent,
  isKeyEvent,
  isStreamEvent,
  isViewerEvent,
  isWorkerEvent,
  type LoggedEvent
} from "@greenroom/core"
import { DateTime, Schema } from "effect"
import type { Names } from "./names.ts"
import { BroadcasterRow, broadcaster } from "./PostgresBroadcasters.ts"
import { KeyRow, streamKey } from "./PostgresStreamKeys.ts"
import { WorkerRow, workerRecord } from "./PostgresWorkers.ts"
import { At, JsonObject, MaybeText, type Row, WholeNumber } from "./rows.ts"
import { DetailsRow, streamDetails } from "./streamRows.ts"

const EventRow = Schema.Struct({
  id: Schema.String,
  position: WholeNumber,
  type: EventType,
  at: At,
  subject: Schema.String,
  stream_seq: Schema.NullOr(Schema.Int),
  broadcaster_id: MaybeText,
  data: JsonObject
})
type EventRow = typeof EventRow.Type

const ofOwner = (n: Names, expression: string) =>
  `case when e.type like 'key.%' then (select ${expression} from ${n.broadcasters} b where b.id = e.broadcaster_id) end`

/** The broadcaster of a key is as it is now. */
export const eventColumns = (n: Names): string =>
  `e.id, e.position, e.type, e.at, e.subject, e.stream_seq, e.broadcaster_id, e.data,
    ${ofOwner(n, "b.display_name")} as owner_name, ${ofOwner(n, "b.deleted_at is not null")} as owner_deleted`

const isTime = (column: string): boolean =>
  column.endsWith("_at") || column === "blocked_until" || column === "state_since" || column === "state_as_of"

const nulls = (columns: object): Row => Object.fromEntries(Object.keys(columns).map((column) => [column, null]))
const ofDetails = nulls(DetailsRow.fields)
/** The image of a former release has not all columns. */
const ofKey = nulls(KeyRow.fields)
const ofBroadcaster = nulls(BroadcasterRow.fields)

/** The row that the image is of, as the driver would give it. The image of a stream leaves out what is null. */
const rowOf = (image: Row, more: Row = {}): Row => {
  const row: Record<string, unknown> = { ...more }
  for (const [column, value] of Object.entries(image))
    row[column] = isTime(column) && typeof value === "string" ? new Date(value) : value
  return row
}

const decodeDetails = Schema.decodeUnknownSync(DetailsRow)
const decodeKey = Schema.decodeUnknownSync(KeyRow)
const decodeBroadcaster = Schema.decodeUnknownSync(BroadcasterRow)
const decodeWorker = Schema.decodeUnknownSync(WorkerRow)

/** Which resource the data is of follows from the type alone. */
const dataOf = (row: EventRow, raw: Row): unknown => {
  const event = row as unknown as LoggedEvent
  const image: Row = row.data
  const at = raw.at as Date
  if (isStreamEvent(event))
    return streamDetails(
      decodeDetails({ ...rowOf(image, { ...ofDetails, now: at }), inbound_bytes: BigInt(Number(image.inbound_bytes)) })
    )
  if (isKeyEvent(event)) {
    const owner = { broadcaster_name: raw.owner_name, broadcaster_deleted: raw.owner_deleted }
    return streamKey(decodeKey(rowOf(image, { ...ofKey, ...owner, now: at })))
  }
  if (isBroadcasterEvent(event)) return broadcaster(decodeBroadcaster(rowOf(image, ofBroadcaster)))
  if (isWorkerEvent(event)) return workerRecord(decodeWorker(rowOf(image)))
  if (isViewerEvent(event)) return { ...image, since: DateTime.makeUnsafe(String(image.since)) }
  // The rest is written as it is read.
  return image
}

const decode = Schema.decodeUnknownSync(EventRow)

export const loggedEvent = (raw: Row): LoggedEvent => {
  const row = decode(raw)
  const { id, position, type, at, subject, stream_seq, broadcaster_id } = row
  return {
    id: id as EventId,
    position,
    type,
    at,
    subject,
    streamSeq: stream_seq,
    broadcasterId: broadcaster_id,
    data: dataOf(row, raw)
  } as LoggedEvent
}
