/** The streams, as people read and annotate them. */
import { readEvent, type StreamDetails, type StreamFilter, type StreamId, Streams } from "@greenroom/core"
import { type DateTime, Effect, Option, Result } from "effect"
import { type BroadcasterRow, broadcasterOf } from "./broadcasters.ts"
import { PLAYBACK } from "./eventTriggers.ts"
import { dateOf, maybeMillisOf, pageClause, pageOf } from "./page.ts"
import { Sqlite, type Tables } from "./Sqlite.ts"
import { liveStream, type StreamRow } from "./streamRows.ts"

type ListedRow = ShownRow & { readonly display_name: string; readonly broadcaster_version: number }

/** With who may watch it. */
type ShownRow = StreamRow & { readonly playback: string | null }

const STATUS = "iif(s.ended_at is not null, 'inactive', iif(s.ready_at is null, 'connecting', 'active'))"

const pageAt = ({ all }: Tables, filter: StreamFilter, page: Parameters<typeof pageClause>[2], now: DateTime.Utc) => {
  const { status, broadcasterId = null, streamKeyId = null, path = null, at } = filter
  const then = maybeMillisOf(at ?? null)
  const { sql, values } = pageClause("s.started_at", "s.id", page)
  const rows = all<ListedRow>(
    `select s.*, b.display_name, b.version as broadcaster_version, ${PLAYBACK} as playback from streams s
     join broadcasters b on b.id = s.broadcaster_id join stream_keys k on k.id = s.stream_key_id
     where ${STATUS} in (select value from json_each(?)) and (? is null or s.broadcaster_id = ?)
       and (? is null or s.stream_key_id = ?) and (? is null or s.path = ?)
       and (? is null or (s.started_at <= ? and (s.ended_at is null or s.ended_at > ?))) ${sql}`,
    ...[JSON.stringify(status), broadcasterId, broadcasterId, streamKeyId, streamKeyId, path, path, then, then, then],
    ...values
  )
  return pageOf(page, now, rows, ({ started_at, id }) => ({ at: dateOf(started_at), id }))
}

export const detailsOf = (row: ShownRow, owner: BroadcasterRow, now: DateTime.Utc): StreamDetails => ({
  stream: liveStream({ ...row, display_name: owner.display_name }),
  broadcaster: broadcasterOf(owner),
  now
})

const find = ({ one }: Tables, id: StreamId, now: DateTime.Utc): Option.Option<StreamDetails> => {
  const row = one<ShownRow>(
    `select s.*, ${PLAYBACK} as playback from streams s join broadcasters b on b.id = s.broadcaster_id
     join stream_keys k on k.id = s.stream_key_id where s.id = ?`,
    id
  )
  if (row === null) return Option.none()
  const owner = one<BroadcasterRow>("select * from broadcasters where id = ?", row.broadcaster_id)!
  return Option.some(detailsOf(row, owner, now))
}

interface EventRow {
  readonly seq: number
  readonly at: number
  readonly type: string
  readonly data: string
}

const eventOf = ({ seq, at, type, data }: EventRow) =>
  Result.getOrThrow(readEvent({ seq, at: dateOf(at), type, data: JSON.parse(data) }))

export const streams = Effect.map(Sqlite, ({ read, write }) =>
  Streams.of({
    list: (filter, page) =>
      read("Streams.list", (tables, now) => {
        const found = pageAt(tables, filter, page, now)
        return { ...found, items: found.items.map(liveStream) }
      }),
    count: (filter) =>
      read("Streams.count", (tables, now) => pageAt(tables, filter, { limit: null, after: null }, now).items.length),
    listSince: (filter, page, since) =>
      read("Streams.listSince", (tables, now) => {
        const found = pageAt(tables, filter, page, now)
        const items = found.items.map((row) => {
          const isSame = since !== null && Math.max(row.version, row.broadcaster_version) <= Number(since)
          return { id: row.id as StreamId, stream: isSame ? null : liveStream(row) }
        })
        return { ...found, items, version: String(tables.version) }
      }),
    version: read("Streams.version", ({ version }, now) => ({ version: String(version), now })),
    find: (id) => read("Streams.find", (tables, now) => find(tables, id, now)),
    annotate: (id, annotation) =>
      write("Streams.annotate", (tables, now) => {
        const found = find(tables, id, now)
        if (Option.isNone(found)) return found
        const { title, description, metadata, recordingRef } = { ...found.value.stream, ...annotation }
        tables.run(
          "update streams set title = ?, description = ?, metadata = ?, recording_ref = ?, version = ? where id = ?",
          ...[title, description, JSON.stringify(metadata), recordingRef, tables.version, id]
        )
        return find(tables, id, now)
      }),
    events: (id, afterSeq, limit) =>
      read("Streams.events", ({ all }) =>
        all<EventRow>(
          "select * from stream_events where stream_id = ? and seq > ? order by seq limit ?",
          ...[id, afterSeq, limit]
        ).map(eventOf)
      ),
    unendedOf: (owner) =>
      read("Streams.unendedOf", ({ all }) => {
        const [column, id] =
          "streamKeyId" in owner ? ["stream_key_id", owner.streamKeyId] : ["broadcaster_id", owner.broadcasterId]
        const sql = `select id from streams where ended_at is null and ${column} = ? order by started_at, id`
        return all<{ readonly id: StreamId }>(sql, id).map((row) => row.id)
      })
  })
)
