/**
 * The viewers in PostgreSQL, and whose each path is. What the leader records is one statement, which locks the lease's row as a change of a session
 * does; its cost is that of what joined and left. `pathFacts` answers auth calls, so it uses their client.
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import {
  BroadcasterId,
  type Departure,
  StreamId,
  type TokenGrant,
  type Viewer,
  type ViewerFilter,
  ViewerProtocol,
  Viewers
} from "@greenroom/core"
import { Array as Arr, DateTime, Effect, Schema } from "effect"
import { AdmissionDatabase, GeneralDatabase, ReconcilerDatabase } from "./Database.ts"
import { ownsIngestPath } from "./ingestPaths.ts"
import { playbackOf } from "./migrations/0024_who_may_watch.ts"
import { leaseOf } from "./PostgresSessions.ts"
import { At, limitTo, MaybePlayback, MaybeText, onPage, pageOf, rowsAtOf, rowsOf, WholeNumber } from "./rows.ts"
import { keyOfStream } from "./streamRows.ts"

type Port = Viewers["Service"]

/** Was checked when it was written. */
const Grant = Schema.declare((value: unknown): value is TokenGrant => typeof value === "object" && value !== null)

const ViewerRow = Schema.Struct({
  id: Schema.String,
  protocol: ViewerProtocol,
  path: Schema.String,
  stream_id: Schema.NullOr(StreamId),
  broadcaster_id: Schema.NullOr(BroadcasterId),
  ip: MaybeText,
  user_agent: MaybeText,
  since: At,
  token_grant: Schema.NullOr(Grant),
  is_cdn: Schema.Boolean
})

const columns = Object.keys(ViewerRow.fields)
  .map((column) => `v.${column}`)
  .join(", ")

const viewerOf = (row: typeof ViewerRow.Type): Viewer => ({
  id: row.id,
  protocol: row.protocol,
  path: row.path,
  streamId: row.stream_id,
  broadcasterId: row.broadcaster_id,
  ip: row.ip,
  userAgent: row.user_agent,
  since: row.since,
  grant: row.token_grant,
  isCdn: row.is_cdn
})

const rowOf = (viewer: Viewer) => ({
  id: viewer.id,
  protocol: viewer.protocol,
  path: viewer.path,
  stream_id: viewer.streamId,
  broadcaster_id: viewer.broadcasterId,
  viewer_id: viewer.grant?.viewerId ?? null,
  ip: viewer.ip,
  user_agent: viewer.userAgent,
  since: DateTime.formatIso(viewer.since),
  token_grant: viewer.grant,
  is_cdn: viewer.isCdn
})

/** The domain's `LoggedViewer`. */
const image = `jsonb_build_object('id', id, 'viewerId', viewer_id, 'tokenId', token_grant ->> 'tokenId', 'path', path, 'streamId', stream_id,
  'protocol', protocol, 'ip', ip, 'userAgent', user_agent, 'since', since, 'why', why)`

const rows = rowsOf(ViewerRow)
const rowsAt = rowsAtOf(ViewerRow)
const totals = rowsOf(Schema.Struct({ total: WholeNumber }))
const heldRows = rowsOf(Schema.Struct({ held: Schema.Boolean }))
const owner = { broadcasterId: BroadcasterId, playback: MaybePlayback }
const openPaths = rowsOf(Schema.Struct({ path: Schema.String, streamId: StreamId, ...owner }))
const pathOwners = rowsOf(Schema.Struct({ streamId: Schema.NullOr(StreamId), ...owner }))

const matching = (sql: PgClient, { path, streamId, viewerId, broadcasterId }: ViewerFilter) =>
  sql.and([
    sql`true`,
    ...(path === undefined ? [] : [sql`v.path = ${path}::text`]),
    ...(streamId === undefined ? [] : [sql`v.stream_id = ${streamId}::uuid`]),
    ...(viewerId === undefined ? [] : [sql`v.viewer_id = ${viewerId}::text`]),
    ...(broadcasterId === undefined ? [] : [sql`v.broadcaster_id = ${broadcasterId}::uuid`])
  ])

/** The first of each id. */
const firstOfEach = <A extends { readonly id: string }>(items: ReadonlyArray<A>): ReadonlyArray<A> => [
  ...new Map(items.toReversed().map((item) => [item.id, item])).values()
]

export const make: Effect.Effect<Port, never, AdmissionDatabase | GeneralDatabase | ReconcilerDatabase> = Effect.gen(
  function* () {
    const admission = yield* AdmissionDatabase
    const general = yield* GeneralDatabase
    const reconciler = yield* ReconcilerDatabase
    const n = general.names

    const openPath = (
      where: string
    ) => `select s.path, s.id as "streamId", s.broadcaster_id as "broadcasterId", ${playbackOf(n)} as playback
      from ${n.streams} s join ${n.broadcasters} b on b.id = s.broadcaster_id cross join lateral ${keyOfStream(n)} k
      where s.media_server = 'main' and ${n.occupies_key_and_path}(s.ended_at, s.stop_reason) and ${where}`

    const paths: Port["paths"] = reconciler
      .run("Viewers.paths", (sql) => sql`${sql.literal(openPath("true"))}`)
      .pipe(Effect.map(openPaths), Effect.withSpan("Viewers.paths"))

    // The keys are looked at when no stream is on the path. The newest is the one that publishes next.
    const pathFacts: Port["pathFacts"] = Effect.fn("Viewers.pathFacts")(function* (path) {
      const found = yield* admission.run(
        "Viewers.pathFacts",
        (sql) => sql`
          with open as materialized (
            ${sql.literal(openPath("s.path = "))}${path}::text
          )
          select "streamId", "broadcasterId", playback from open
          union all (
            select null, k.broadcaster_id, ${sql.literal(playbackOf(n))}
            from ${n.stream_keys} k join ${n.broadcasters} b on b.id = k.broadcaster_id
            where not exists (select from open) and k.ingest_path = ${path}::text and ${sql.literal(ownsIngestPath.replaceAll("other.", "k."))}
              and (k.revokes_at is null or k.revokes_at > clock_timestamp())
            order by k.created_at desc, k.id desc limit 1
          )`
      )
      return Arr.head(pathOwners(found))
    })

    const pastFacts: Port["pastFacts"] = Effect.fn("Viewers.pastFacts")(function* (path) {
      const found = yield* admission.run(
        "Viewers.pastFacts",
        (sql) => sql`
          select null as "streamId", s.broadcaster_id as "broadcasterId", ${sql.literal(playbackOf(n))} as playback
          from (
            select p.stream_key_id, p.broadcaster_id from ${n.streams} p
            where p.path = ${path}::text and p.ended_at is not null order by p.started_at desc, p.id desc limit 1
          ) s
          join ${n.stream_keys} k on k.id = s.stream_key_id join ${n.broadcasters} b on b.id = s.broadcaster_id`
      )
      return Arr.head(pathOwners(found))
    })

    const open: Port["open"] = reconciler
      .run("Viewers.open", (sql) => sql`select ${sql.literal(columns)} from ${n.viewers} v`)
      .pipe(
        Effect.map((found) => rows(found).map(viewerOf)),
        Effect.withSpan("Viewers.open")
      )

    const record: Port["record"] = Effect.fn("Viewers.record")(function* ({ joined, left }, holder) {
      const departures: ReadonlyArray<{ readonly id: string; readonly why: Departure }> = firstOfEach(left)
      const answer = yield* reconciler.runWriting("Viewers.record", (sql) => {
        const { lease, held } = leaseOf(sql, n, holder)
        return sql`
          with ${lease}, gone as (
            delete from ${n.viewers} v using jsonb_to_recordset(${sql.json(departures)}) as d(id text, why text)
            where v.id = d.id and ${held}
            returning v.*, d.why
          ), came as (
            insert into ${n.viewers} (id, protocol, path, stream_id, broadcaster_id, viewer_id, ip, user_agent, since, token_grant, is_cdn)
            select id, protocol, path, stream_id, broadcaster_id, viewer_id, ip, user_agent, since, token_grant, is_cdn
            from jsonb_to_recordset(${sql.json(firstOfEach(joined).map(rowOf))}) as j(
              id text, protocol text, path text, stream_id uuid, broadcaster_id uuid, viewer_id text, ip text, user_agent text,
              since timestamptz, token_grant jsonb, is_cdn boolean)
            where ${held}
            order by id
            on conflict (id) do nothing
            returning *, null::text as why
          ), events as (
            insert into ${n.event_log} (type, at, subject, broadcaster_id, data)
            select case when why is null then 'viewer.joined' else 'viewer.left' end, clock_timestamp(), 'viewer:' || id, broadcaster_id,
              ${sql.literal(image)}
            from (select * from gone union all select * from came) changed
          )
          select ${held} as held`
      })
      return heldRows(answer)[0]!.held
    })

    const list: Port["list"] = Effect.fn("Viewers.list")(function* (filter, page) {
      const found = yield* general.run(
        "Viewers.list",
        (sql) => sql`
          select c.now, v.*
          from (select clock_timestamp()::timestamptz(3) as now) c
          left join lateral (
            select ${sql.literal(columns)} from ${n.viewers} v
            where ${matching(sql, filter)} and ${onPage(sql, "v.since, v.id", page, "text")}
            order by v.since desc, v.id desc
            ${limitTo(sql, page)}
          ) v on true
          order by v.since desc, v.id desc`
      )
      const { now, items } = rowsAt(found)
      return pageOf(page, now, items.map(viewerOf), ({ since, id }) => ({ at: since, id }))
    })

    const count: Port["count"] = Effect.fn("Viewers.count")(function* (filter) {
      const counted = yield* general.run(
        "Viewers.count",
        (sql) => sql`select count(*) as total from ${n.viewers} v where ${matching(sql, filter)}`
      )
      return totals(counted)[0]!.total
    })

    const find: Port["find"] = Effect.fn("Viewers.find")(function* (id) {
      const found = yield* general.run(
        "Viewers.find",
        (sql) => sql`select ${sql.literal(columns)} from ${n.viewers} v where v.id = ${id}`
      )
      return Arr.head(rows(found).map(viewerOf))
    })

    const recordRefused: Port["recordRefused"] = Effect.fn("Viewers.recordRefused")(function* (refusals) {
      if (refusals.length === 0) return
      yield* general.runWriting(
        "Viewers.recordRefused",
        (sql) => sql`
          insert into ${n.event_log} (type, at, subject, broadcaster_id, data)
          select 'viewer.refused', clock_timestamp(), 'path:' || (r ->> 'path'), (r ->> 'broadcasterId')::uuid, r
          from jsonb_array_elements(${sql.json(refusals)}) r
          returning log_id`
      )
    })

    return Viewers.of({ paths, pathFacts, pastFacts, open, record, list, count, find, recordRefused })
  }
)
