/**
 * The stored sessions with their events in PostgreSQL, one statement a page. Events are read by the range of ids that the page spans, so
 * that those without a stream are found, too. A page of streams that have more events than any session can ends early.
 */
import { History, type HistoryPage, type StoredEvent, type StoredHistory, StreamId } from "@greenroom/core"
import { DateTime, Effect, Layer, Schema } from "effect"
import { GeneralDatabase } from "./Database.ts"
import { At, MaybeAt, MaybeText, type Row, rowsOf } from "./rows.ts"

const EventRow = Schema.Struct({
  seq: Schema.Int,
  type: Schema.String,
  /** Milliseconds since the epoch. */
  at: Schema.Number,
  data: Schema.Unknown
})

const ids = rowsOf(Schema.Struct({ id: StreamId, events: Schema.NullOr(Schema.Array(EventRow)) }))
const lastRows = rowsOf(Schema.Struct({ last: Schema.NullOr(StreamId) }))
const stateRows = rowsOf(
  Schema.Struct({
    started_at: At,
    ready_at: MaybeAt,
    source_type: MaybeText,
    stop_reason: MaybeText,
    stop_requested_at: MaybeAt,
    kicked_at: MaybeAt,
    ended_at: MaybeAt,
    end_reason: MaybeText,
    last_seq: Schema.Int
  })
)

/** A session has five events at most; this leaves room for what must not be. */
const EVENTS_A_STREAM = 10
const BEFORE_ALL = "00000000-0000-0000-0000-000000000000"
const AFTER_ALL = "ffffffff-ffff-ffff-ffff-ffffffffffff"

const event = ({ at, ...rest }: typeof EventRow.Type): StoredEvent => ({ ...rest, at: DateTime.makeUnsafe(at) })

const stored = (row: Row): StoredHistory => {
  const { id, events } = ids([row])[0]!
  const [state] = stateRows(row.started_at === null ? [] : [row])
  return {
    id,
    row:
      state === undefined
        ? null
        : {
            startedAt: state.started_at,
            readyAt: state.ready_at,
            sourceType: state.source_type,
            stopReason: state.stop_reason,
            stopRequestedAt: state.stop_requested_at,
            kickedAt: state.kicked_at,
            endedAt: state.ended_at,
            endReason: state.end_reason,
            lastSeq: state.last_seq
          },
    events: (events ?? []).map(event)
  }
}

/** Those of which all events were surely read: not the last that has any, unless it is the only one. */
const whole = (items: ReadonlyArray<StoredHistory>): HistoryPage => {
  const cut = items.findLastIndex(({ events }) => events.length > 0)
  const sure = items.slice(0, Math.max(1, cut))
  return { items: sure, next: sure.at(-1)?.id ?? null }
}

const make = Effect.gen(function* () {
  const database = yield* GeneralDatabase

  const page: History["Service"]["page"] = Effect.fn("History.page")(function* (after, limit) {
    const begin = after ?? BEFORE_ALL
    const most = limit * EVENTS_A_STREAM
    const found = yield* database.run(
      "History.page",
      (sql) => sql<Row>`
        with page as materialized (
          select id, started_at, ready_at, source_type, stop_reason, stop_requested_at, kicked_at, ended_at, end_reason, last_seq
          from streams where id > ${begin}::uuid order by id limit ${limit}::int
        ), last as materialized (
          select id from page order by id offset ${limit}::int - 1
        ), said as materialized (
          select stream_id, seq, type, at, data from stream_events
          where stream_id > ${begin}::uuid and stream_id <= coalesce((select id from last), ${AFTER_ALL}::uuid)
          order by stream_id, seq limit ${most}::int
        ), history as (
          select stream_id, jsonb_agg(jsonb_build_object(
            'seq', seq, 'type', type, 'at', round(extract(epoch from at) * 1000), 'data', data) order by seq) as events
          from said group by stream_id
        )
        select coalesce(page.id, history.stream_id) as id, history.events, started_at, ready_at, source_type,
          stop_reason, stop_requested_at, kicked_at, ended_at, end_reason, last_seq, (select id from last) as last
        from page full join history on history.stream_id = page.id
        order by 1`
    )
    const items = found.map(stored)
    const read = items.reduce((sum, { events }) => sum + events.length, 0)
    return read < most ? { items, next: lastRows(found.slice(0, 1))[0]?.last ?? null } : whole(items)
  })

  return History.of({ page })
})

export const layer: Layer.Layer<History, never, GeneralDatabase> = Layer.effect(History, make)
