/** The event log in PostgreSQL. What gives positions, and why readers lose none, is in migration 0017. */
import type { PgClient } from "@effect/sql-pg/PgClient"
import { type EventFilter, Events, type LogHead, READ_AT_MOST } from "@greenroom/core"
import { Effect, Schema, Stream } from "effect"
import { EventNotifications, GeneralDatabase } from "./Database.ts"
import { eventColumns, loggedEvent } from "./eventRows.ts"
import { type Row, rowsOf, WholeNumber } from "./rows.ts"

const HeadRow = Schema.Struct({ log: Schema.String, newest: WholeNumber, oldest: WholeNumber })
const heads = rowsOf(HeadRow)
const placedRows = rowsOf(Schema.Struct({ placed: Schema.Int, ...HeadRow.fields }))
const counts = rowsOf(Schema.Struct({ gone: Schema.Int }))

const matching = (sql: PgClient, { types, broadcasterId, streamId, subject, path }: EventFilter) =>
  sql.and([
    sql`true`,
    ...(types === undefined ? [] : [sql`l.type = any(${types}::text[])`]),
    ...(broadcasterId === undefined ? [] : [sql`l.broadcaster_id = ${broadcasterId}::uuid`]),
    ...(streamId === undefined ? [] : [sql`l.subject = ${`stream:${streamId}`}`]),
    ...(subject === undefined ? [] : [sql`l.subject = ${subject}`]),
    ...(path === undefined ? [] : [sql`l.type like 'stream.%' and l.data ->> 'path' = ${path}`])
  ])

const headOf = (rows: ReadonlyArray<Row>): LogHead => heads(rows.slice(0, 1))[0]!

export const make: Effect.Effect<Events["Service"], never, GeneralDatabase | EventNotifications> = Effect.gen(
  function* () {
    const database = yield* GeneralDatabase
    const notifications = yield* EventNotifications
    const n = database.names
    const columns = eventColumns(n)

    const place: Events["Service"]["place"] = Effect.fnUntraced(function* (most) {
      const rows = yield* database.run(
        "Events.place",
        (sql) => sql`select placed, log, newest, oldest from ${n.place_events}(${most}::integer)`
      )
      return placedRows(rows)[0]!
    })

    const head: Events["Service"]["head"] = database
      .run("Events.head", (sql) => sql`select log, position as newest, oldest from ${n.event_head}`)
      .pipe(Effect.map(headOf))

    // The head and the events are of one snapshot. Never more than `READ_AT_MOST` rows are read, whatever the filter.
    const read: Events["Service"]["read"] = Effect.fnUntraced(function* (after, filter, limit) {
      const rows = yield* database.run(
        "Events.read",
        (sql) => sql`
          select h.log, h.position as newest, h.oldest, ${sql.literal(columns)}
          from ${n.event_head} h left join lateral (
            select * from ${n.event_log} l
            where l.position > ${after}::bigint and l.position <= ${after + READ_AT_MOST}::bigint and ${matching(sql, filter)}
            order by l.position limit ${limit}::integer
          ) e on true
          order by e.position`
      )
      const { log, newest, oldest } = headOf(rows)
      const events = rows.filter(({ id }) => id !== null).map(loggedEvent)
      const looked = Math.max(after, Math.min(newest, after + READ_AT_MOST))
      return { log, newest, oldest, events, lookedTo: events.length === limit ? events.at(-1)!.position : looked }
    })

    const prune: Events["Service"]["prune"] = Effect.fn("Events.prune")(function* (keepDays, limit) {
      const rows = yield* database.run(
        "Events.prune",
        (sql) => sql`select ${n.prune_events}(${keepDays}::integer, ${limit}::integer) as gone`
      )
      return counts(rows)[0]!.gone
    })

    const renew: Events["Service"]["renew"] = database
      .run("Events.renew", (sql) => sql`select log, "position" as newest, oldest from ${n.renew_event_log}()`)
      .pipe(Effect.map(headOf))

    return Events.of({
      place,
      written: database.written.await,
      head,
      read,
      newest: Stream.map(notifications, (payload) => Number(payload.split(" ")[1] ?? 0)),
      prune,
      renew
    })
  }
)
