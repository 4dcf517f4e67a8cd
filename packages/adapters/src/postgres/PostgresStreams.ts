/** The streams in PostgreSQL, as users read and annotate them. A status is derived from the row's times and never stored. */
import type { PgClient } from "@effect/sql-pg/PgClient"
import { readEvent, type StreamFilter, StreamId, type StreamStatus, Streams } from "@greenroom/core"
import { Array as Arr, type DateTime, Effect, Result, Schema } from "effect"
import { GeneralDatabase } from "./Database.ts"
import { onAir } from "./migrations/0019_who_was_live.ts"
import type { Names } from "./names.ts"
import { At, dateOf, limitTo, MaybeAt, onPage, pageOf, type Row, rowsAtInTurns, rowsOf, WholeNumber } from "./rows.ts"
import { mayHaveChanged, versionNow } from "./storeVersion.ts"
import {
  DetailsRow,
  detailsColumns,
  keyOfStream,
  liveStream,
  StreamRow,
  streamColumns,
  streamDetails
} from "./streamRows.ts"

const EventRow = Schema.Struct({ seq: Schema.Int, at: At, type: Schema.String, data: Schema.Unknown })

const streamRowsAt = rowsAtInTurns(StreamRow)
const detailsRows = rowsOf(DetailsRow)
const eventRows = rowsOf(EventRow)
const totals = rowsOf(Schema.Struct({ total: WholeNumber }))
const ids = rowsOf(Schema.Struct({ id: StreamId }))
const VersionRow = Schema.Struct({ now: At, version: Schema.String })
const versionRows = rowsOf(VersionRow)
/** An array of the database's own ids, thousands at times: not checked one by one. */
const Ids = Schema.declare((value): value is ReadonlyArray<StreamId> => Array.isArray(value))
const headRows = rowsOf(Schema.Struct({ ...VersionRow.fields, listed: Ids, last_at: MaybeAt }))
const headOf = (rows: ReadonlyArray<Row>) => headRows(rows.filter(({ listed }) => listed !== null))[0]!

const statusConditions: { readonly [S in StreamStatus]: string } = {
  connecting: "s.ended_at is null and s.ready_at is null",
  active: "s.ended_at is null and s.ready_at is not null",
  inactive: "s.ended_at is not null"
}

/** A key has one broadcaster. With both in the filter, the broadcaster is checked once, and not for every stream. */
const ownedBy = (sql: PgClient, n: Names, { broadcasterId, streamKeyId }: StreamFilter) => {
  if (streamKeyId === undefined) return broadcasterId === undefined ? [] : [sql`s.broadcaster_id = ${broadcasterId}`]
  const ofKey = sql`s.stream_key_id = ${streamKeyId}`
  return broadcasterId === undefined
    ? [ofKey]
    : [
        ofKey,
        sql`exists (select from ${n.stream_keys} where id = ${streamKeyId} and broadcaster_id = ${broadcasterId})`
      ]
}

/**
 * Those that were live at a time, found before anything else: with a limit and an order the planner would read the history from its newest end
 * until it has found enough, and those who are live are few.
 */
const wereLive = (sql: PgClient, n: Names, at: DateTime.Utc) => {
  const then = sql`${dateOf(at)}::timestamptz`
  return sql`s.id = any(array(
    select id from ${n.streams} where ended_at is not null and ${sql.literal(onAir)} @> ${then}
    union all select id from ${n.streams} where ended_at is null and started_at <= ${then}
  ))`
}

/** Without another condition, the media server is one: the index with all streams in order begins with it. */
const matching = (sql: PgClient, n: Names, filter: StreamFilter) => {
  const { at } = filter
  const which = [...ownedBy(sql, n, filter), ...(filter.path === undefined ? [] : [sql`s.path = ${filter.path}`])]
  return sql.and([
    sql.or(filter.status.map((status) => sql`${sql.literal(statusConditions[status])}`)),
    ...(which.length === 0 && at === undefined ? [sql`s.media_server = 'main'`] : which),
    ...(at === undefined ? [] : [wereLive(sql, n, at)])
  ])
}

export const make: Effect.Effect<Streams["Service"], never, GeneralDatabase> = Effect.gen(function* () {
  const database = yield* GeneralDatabase
  const n = database.names

  /**
   * One statement, so that the list, its version and its clock are of one moment. The ids of all that are listed come with one of the rows,
   * in the list's order; the other columns are those of the streams that may have changed.
   */
  const listSince: Streams["Service"]["listSince"] = Effect.fn("Streams.listSince")(function* (filter, page, since) {
    const found = yield* database.run(
      "Streams.listSince",
      (sql) => sql`
        with page as materialized (
          select s.xmin as written_by, s.* from ${n.streams} s
          where ${matching(sql, n, filter)} and ${onPage(sql, "s.started_at, s.id", page)}
          order by s.started_at desc, s.id desc
          ${limitTo(sql, page)}
        ), changed as (
          select row_number() over () as number, ${sql.literal(streamColumns(n))}
          from page s join ${n.broadcasters} b on b.id = s.broadcaster_id cross join lateral ${sql.literal(keyOfStream(n))} k
            left join lateral (select xmin from ${n.stream_keys} where id = k.source_key_id offset 0) x on true
          where ${mayHaveChanged(sql, ["s.written_by", "b.xmin", "k.xmin", "coalesce(x.xmin, k.xmin)"], since)}
        )
        select t.*, case when coalesce(c.number, 1) = 1 then array(select id from page order by started_at desc, id desc) end as listed, c.*
        from (
          select clock_timestamp()::timestamptz(3) as now, ${sql.literal(versionNow)} as version, (
            select started_at from page order by started_at desc, id desc offset ${(page.limit ?? 1) - 1}::int limit 1
          ) as last_at
        ) t left join changed c on true`
    )
    const { now, version, listed, last_at } = headOf(found)
    const { items: changed } = yield* streamRowsAt(found)
    const streams = new Map(changed.map((row) => [row.id, liveStream(row)]))
    const items = listed.map((id) => ({ id, stream: streams.get(id) ?? null }))
    return { ...pageOf(page, now, items, ({ id }) => ({ at: last_at!, id })), version }
  })

  const list: Streams["Service"]["list"] = (filter, page) =>
    Effect.map(listSince(filter, page, null), ({ items, next, now }) => ({
      items: items.flatMap(({ stream }) => stream ?? []),
      next,
      now
    }))

  const count: Streams["Service"]["count"] = Effect.fn("Streams.count")(function* (filter) {
    const counted = yield* database.run(
      "Streams.count",
      (sql) => sql`select count(*) as total from ${n.streams} s where ${matching(sql, n, filter)}`
    )
    return totals(counted)[0]!.total
  })

  const version: Streams["Service"]["version"] = database
    .run(
      "Streams.version",
      (sql) => sql`select clock_timestamp()::timestamptz(3) as now, ${sql.literal(versionNow)} as version`
    )
    .pipe(
      Effect.map((rows) => versionRows(rows)[0]!),
      Effect.withSpan("Streams.version")
    )

  const find: Streams["Service"]["find"] = Effect.fn("Streams.find")(function* (id) {
    const found = yield* database.run(
      "Streams.find",
      (sql) => sql`
        select ${sql.literal(detailsColumns(n))}
        from ${n.streams} s join ${n.broadcasters} b on b.id = s.broadcaster_id cross join lateral ${sql.literal(keyOfStream(n))} k
        where s.id = ${id}`
    )
    return Arr.head(detailsRows(found).map(streamDetails))
  })

  const annotate: Streams["Service"]["annotate"] = Effect.fn("Streams.annotate")(function* (id, annotation) {
    const { title, description, metadata, recordingRef } = annotation
    const annotated = yield* database.run(
      "Streams.annotate",
      (sql) => sql`
        with s as (
          update ${n.streams} set
            title = case when ${title !== undefined} then ${title ?? null} else title end,
            description = case when ${description !== undefined} then ${description ?? null} else description end,
            metadata = coalesce(${metadata === undefined ? null : sql.json(metadata)}, metadata),
            recording_ref = case when ${recordingRef !== undefined} then ${recordingRef ?? null} else recording_ref end
          where id = ${id}
          returning *
        )
        select ${sql.literal(detailsColumns(n))}
        from s join ${n.broadcasters} b on b.id = s.broadcaster_id cross join lateral ${sql.literal(keyOfStream(n))} k`
    )
    return Arr.head(detailsRows(annotated).map(streamDetails))
  })

  const events: Streams["Service"]["events"] = Effect.fn("Streams.events")(function* (id, afterSeq, limit) {
    const found = yield* database.run(
      "Streams.events",
      (sql) => sql`
        select seq, type, at, data from ${n.stream_events} where stream_id = ${id} and seq > ${afterSeq}
        order by seq limit ${limit}`
    )
    return eventRows(found).map((row) => Result.getOrThrow(readEvent(row)))
  })

  const unendedOf: Streams["Service"]["unendedOf"] = Effect.fn("Streams.unendedOf")(function* (owner) {
    const found = yield* database.run("Streams.unendedOf", (sql) =>
      "streamKeyId" in owner
        ? sql`select id from ${n.streams} where stream_key_id = ${owner.streamKeyId} and ended_at is null`
        : sql`select id from ${n.streams} where broadcaster_id = ${owner.broadcasterId} and ended_at is null`
    )
    return ids(found).map(({ id }) => id)
  })

  return Streams.of({ list, count, listSince, version, find, annotate, events, unendedOf })
})
