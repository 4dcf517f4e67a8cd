/**
 * The sessions in PostgreSQL, as the reconciler reads and changes them. Each change is one statement: it locks the rows that the
 * change applies to, in the order of their ids, updates them, and writes their events. A change under a lease locks the lease's
 * row as well, so that no instance takes the lease over between the check and the commit. The domain defines the changes.
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import { type LeaseHolder, Sessions, StreamId } from "@greenroom/core"
import { Effect, Schema } from "effect"
import { ReconcilerDatabase } from "./Database.ts"
import type { Names } from "./names.ts"
import { makeOpenSessions } from "./openSessions.ts"
import { rowsOf } from "./rows.ts"
import { SessionRow, sessionColumns, storedSession } from "./streamRows.ts"

const sessionRows = rowsOf(SessionRow)
const ids = rowsOf(Schema.Struct({ id: StreamId }))

/** The lease of a change: `lease` is the statement's first table expression, `held` its condition. */
export const leaseOf = (sql: PgClient, n: Names, by: LeaseHolder) => ({
  lease: sql`lease as materialized (
    select from ${n.leases} where media_server = 'main' and holder = ${by}::text and until > clock_timestamp() for share
  )`,
  held: sql`(${by}::text is null or exists (select from lease))`
})

const firstOfEach = <A extends { readonly streamId: StreamId }>(items: ReadonlyArray<A>): ReadonlyArray<A> => [
  ...new Map(items.toReversed().map((item) => [item.streamId, item])).values()
]

export const make: Effect.Effect<Sessions["Service"], never, ReconcilerDatabase> = Effect.gen(function* () {
  const database = yield* ReconcilerDatabase
  const n = database.names

  const { open, after } = makeOpenSessions(database)

  const requestStopsForInvalidKeys: Sessions["Service"]["requestStopsForInvalidKeys"] = database
    .runWriting(
      "Sessions.requestStopsForInvalidKeys",
      (sql) => sql`
        with due as (
          select s.id, why.reason
          from ${n.streams} s join ${n.stream_keys} k on k.id = s.stream_key_id join ${n.broadcasters} b on b.id = k.broadcaster_id
          cross join lateral (
            select case
              when b.deleted_at is not null then 'broadcaster_deleted'
              else ${n.why_key_invalid}(k.revoked_at, k.revokes_at, k.expires_at, k.enabled, statement_timestamp())
            end as reason
          ) why
          where s.ended_at is null and s.stop_reason is null and why.reason is not null
          order by s.id for no key update of s
        ), stopped as (
          update ${n.streams} s set stop_reason = due.reason, stop_requested_at = clock_timestamp(), last_seq = s.last_seq + 1
          from due where s.id = due.id
          returning s.id, s.last_seq, s.stop_requested_at, s.stop_reason
        )
        insert into ${n.stream_events} (stream_id, seq, type, at, data)
        select id, last_seq, 'stop_requested', stop_requested_at, jsonb_build_object('reason', stop_reason) from stopped
        returning stream_id`
    )
    .pipe(
      Effect.map((marked) => marked.length),
      Effect.withSpan("Sessions.requestStopsForInvalidKeys")
    )

  const requestStop: Sessions["Service"]["requestStop"] = Effect.fn("Sessions.requestStop")(
    function* (streamId, reason, by) {
      const marked = yield* database.runWriting("Sessions.requestStop", (sql) => {
        const { lease, held } = leaseOf(sql, n, by)
        return sql`
          with ${lease}, stopped as (
            update ${n.streams} set stop_reason = ${reason}, stop_requested_at = clock_timestamp(), last_seq = last_seq + 1
            where id = ${streamId} and ended_at is null and stop_reason is null and ${held}
            returning id, last_seq, stop_requested_at, stop_reason
          )
          insert into ${n.stream_events} (stream_id, seq, type, at, data)
          select id, last_seq, 'stop_requested', stop_requested_at, jsonb_build_object('reason', stop_reason) from stopped
          returning stream_id`
      })
      return marked.length > 0
    }
  )

  const markReady: Sessions["Service"]["markReady"] = Effect.fn("Sessions.markReady")(function* (ready, by) {
    if (ready.length === 0) return
    yield* database.runWriting("Sessions.markReady", (sql) => {
      const { lease, held } = leaseOf(sql, n, by)
      return sql`
        with ${lease}, seen as (
          select s.id, r."sourceType" as source_type
          from ${n.streams} s join jsonb_to_recordset(${sql.json(firstOfEach(ready))}) as r("streamId" uuid, "sourceType" text)
            on r."streamId" = s.id
          where s.ended_at is null and s.ready_at is null and ${held}
          order by s.id for no key update of s
        ), moved as (
          update ${n.streams} s set ready_at = clock_timestamp(), source_type = seen.source_type, last_seq = s.last_seq + 1
          from seen where s.id = seen.id
          returning s.id, s.last_seq, s.ready_at, s.source_type
        )
        insert into ${n.stream_events} (stream_id, seq, type, at, data)
        select id, last_seq, 'ready', ready_at, jsonb_build_object('source_type', source_type) from moved
        returning stream_id`
    })
  })

  const markKicked: Sessions["Service"]["markKicked"] = Effect.fn("Sessions.markKicked")(function* (streamIds, by) {
    if (streamIds.length === 0) return
    yield* database.runWriting("Sessions.markKicked", (sql) => {
      const { lease, held } = leaseOf(sql, n, by)
      return sql`
        with ${lease}, due as (
          select id from ${n.streams}
          where id = any(${streamIds}::uuid[]) and ended_at is null and stop_reason is not null and kicked_at is null and ${held}
          order by id for no key update
        ), moved as (
          update ${n.streams} s set kicked_at = clock_timestamp(), last_seq = s.last_seq + 1
          from due where s.id = due.id
          returning s.id, s.last_seq, s.kicked_at
        )
        insert into ${n.stream_events} (stream_id, seq, type, at) select id, last_seq, 'kicked', kicked_at from moved
        returning stream_id`
    })
  })

  const end: Sessions["Service"]["end"] = Effect.fn("Sessions.end")(function* (streamIds, cause, by) {
    if (streamIds.length === 0) return []
    const ended = yield* database.runWriting("Sessions.end", (sql) => {
      const { lease, held } = leaseOf(sql, n, by)
      const ownReason =
        cause === "media_server_restarted"
          ? sql`'media_server_restarted'`
          : sql`case when s.ready_at is null then 'never_ready' else 'disconnected' end`
      return sql`
        with ${lease}, gone as (
          select id from ${n.streams}
          where id = any(${streamIds}::uuid[]) and ended_at is null and ${held}
          order by id for no key update
        ), moved as (
          update ${n.streams} s set
            ended_at = clock_timestamp(), end_reason = coalesce(s.stop_reason, ${ownReason}), last_seq = s.last_seq + 1
          from gone where s.id = gone.id
          returning s.id, s.last_seq, s.ended_at, s.end_reason
        )
        insert into ${n.stream_events} (stream_id, seq, type, at, data)
        select id, last_seq, 'ended', ended_at, jsonb_build_object('reason', end_reason) from moved
        returning stream_id as id`
    })
    return ids(ended).map(({ id }) => id)
  })

  const observe: Sessions["Service"]["observe"] = Effect.fn("Sessions.observe")(function* (observations, by) {
    if (observations.length === 0) return
    yield* database.run("Sessions.observe", (sql) => {
      const { lease, held } = leaseOf(sql, n, by)
      const observed = firstOfEach(observations).map(({ streamId, observation }) => ({ id: streamId, ...observation }))
      return sql`
        with ${lease}, seen as (
          select s.id, o.tracks, o."viewerCount" as viewer_count, o."inboundBytes" as inbound_bytes
          from ${n.streams} s
          join jsonb_to_recordset(${sql.json(observed)}) as o(id uuid, tracks jsonb, "viewerCount" integer, "inboundBytes" bigint)
            on o.id = s.id
          where s.ended_at is null and ${held}
          order by s.id for no key update of s
        )
        update ${n.streams} s set
          earlier_bytes = s.earlier_bytes + case when seen.inbound_bytes < s.inbound_bytes then s.inbound_bytes else 0 end,
          tracks = seen.tracks, viewer_count = seen.viewer_count, inbound_bytes = seen.inbound_bytes,
          state_as_of = clock_timestamp()
        from seen where s.id = seen.id`
    })
  })

  const stillOpen: Sessions["Service"]["stillOpen"] = Effect.fn("Sessions.stillOpen")(function* (streamIds) {
    const found = yield* database.run(
      "Sessions.stillOpen",
      (sql) => sql`
        select ${sql.literal(sessionColumns)} from ${n.streams} s where s.id = any(${streamIds}::uuid[]) and s.ended_at is null`
    )
    return sessionRows(found).map(storedSession)
  })

  const bySource: Sessions["Service"]["bySource"] = Effect.fn("Sessions.bySource")(function* (sourceIds) {
    const found = yield* database.run(
      "Sessions.bySource",
      (sql) => sql`
        select ${sql.literal(sessionColumns)} from ${n.streams} s
        where s.media_server = 'main' and s.source_id = any(${sourceIds}::text[]) and s.ended_at is null`
    )
    return sessionRows(found).map(storedSession)
  })

  return Sessions.of({
    open,
    after,
    requestStopsForInvalidKeys,
    requestStop,
    markReady,
    markKicked,
    end,
    observe,
    stillOpen,
    bySource
  })
})
