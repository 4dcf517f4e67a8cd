/** The viewers that are watching, and whose each path is. */
import {
  type BroadcasterId,
  type LoggedViewer,
  type OpenPath,
  type PathOwner,
  type PlaybackPolicy,
  type StreamId,
  type TokenGrant,
  type Viewer,
  type ViewerFilter,
  type ViewerProtocol,
  Viewers
} from "@greenroom/core"
import { type DateTime, Effect, Option } from "effect"
import { PLAYBACK } from "./eventTriggers.ts"
import { writeLogged } from "./eventWrites.ts"
import { holds } from "./leases.ts"
import { dateOf, millisOf, pageClause, pageOf } from "./page.ts"
import { Sqlite, type Tables } from "./Sqlite.ts"

interface ViewerRow {
  readonly id: string
  readonly protocol: string
  readonly path: string
  readonly stream_id: string | null
  readonly broadcaster_id: string | null
  readonly ip: string | null
  readonly user_agent: string | null
  readonly since: number
  readonly token_grant: string | null
  readonly is_cdn: number
}

const viewerOf = (row: ViewerRow): Viewer => ({
  id: row.id,
  protocol: row.protocol as ViewerProtocol,
  path: row.path,
  streamId: row.stream_id as StreamId | null,
  broadcasterId: row.broadcaster_id as BroadcasterId | null,
  ip: row.ip,
  userAgent: row.user_agent,
  since: dateOf(row.since),
  grant: row.token_grant === null ? null : (JSON.parse(row.token_grant) as TokenGrant),
  isCdn: row.is_cdn === 1
})

interface OwnerRow {
  readonly path: string
  readonly stream_id: string | null
  readonly broadcaster_id: string
  readonly playback: string | null
}

const ownerOf = (row: OwnerRow): PathOwner => ({
  broadcasterId: row.broadcaster_id as BroadcasterId,
  streamId: row.stream_id as StreamId | null,
  playback: row.playback as PlaybackPolicy | null
})

const OPEN_PATHS = `select s.path, s.id as stream_id, s.broadcaster_id, ${PLAYBACK} as playback
  from streams s join stream_keys k on k.id = s.stream_key_id join broadcasters b on b.id = s.broadcaster_id
  where s.ended_at is null and s.stop_reason is not 'superseded'`

/** The newest unrevoked key whose ingest path it is. */
const KEY_WITH_PATH = `select k.ingest_path as path, null as stream_id, k.broadcaster_id, ${PLAYBACK} as playback
  from stream_keys k join broadcasters b on b.id = k.broadcaster_id
  where k.ingest_path = ? and k.revoked_at is null and k.admits_until is null and (k.revokes_at is null or k.revokes_at > ?)
  order by k.created_at desc, k.id desc limit 1`

const LAST_ON_PATH = `select s.path, null as stream_id, s.broadcaster_id, ${PLAYBACK} as playback
  from streams s join stream_keys k on k.id = s.stream_key_id join broadcasters b on b.id = s.broadcaster_id
  where s.path = ? and s.ended_at is not null order by s.started_at desc, s.id desc limit 1`

const log = (tables: Tables, viewer: Viewer, why: LoggedViewer["why"], now: DateTime.Utc): void => {
  const { id, path, streamId, protocol, ip, userAgent, since, broadcasterId, grant } = viewer
  const shown = { id, viewerId: grant?.viewerId ?? null, tokenId: grant?.tokenId ?? null, path, streamId, protocol }
  const type = why === null ? "viewer.joined" : "viewer.left"
  const data = { ...shown, ip, userAgent, since: millisOf(since), why }
  writeLogged(tables, { type, subject: `viewer:${id}`, broadcasterId }, data, now)
}

const join = (tables: Tables, viewer: Viewer, now: DateTime.Utc): void => {
  const { grant } = viewer
  const inserted = tables.run(
    `insert into viewers (id, protocol, path, stream_id, broadcaster_id, viewer_id, ip, user_agent, since, token_grant, is_cdn)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do nothing`,
    ...[viewer.id, viewer.protocol, viewer.path, viewer.streamId, viewer.broadcasterId, grant?.viewerId ?? null],
    ...[viewer.ip, viewer.userAgent, millisOf(viewer.since), grant === null ? null : JSON.stringify(grant)],
    viewer.isCdn ? 1 : 0
  )
  if (inserted > 0) log(tables, viewer, null, now)
}

const matching = ({ path, streamId, viewerId, broadcasterId }: ViewerFilter) => ({
  where: `(? is null or path = ?) and (? is null or stream_id = ?) and (? is null or viewer_id = ?)
    and (? is null or broadcaster_id = ?)`,
  asked: [path, streamId, viewerId, broadcasterId].flatMap((value) => [value ?? null, value ?? null])
})

export const viewers = Effect.map(Sqlite, ({ read, write }) =>
  Viewers.of({
    paths: read("Viewers.paths", ({ all }) =>
      all<OwnerRow>(OPEN_PATHS).map((row) => ({ path: row.path, ...ownerOf(row) }) as OpenPath)
    ),
    pathFacts: (path) =>
      read("Viewers.pathFacts", ({ one }, now) =>
        Option.map(
          Option.fromNullishOr(
            one<OwnerRow>(`${OPEN_PATHS} and s.path = ?`, path) ?? one<OwnerRow>(KEY_WITH_PATH, path, millisOf(now))
          ),
          ownerOf
        )
      ),
    pastFacts: (path) =>
      read("Viewers.pastFacts", ({ one }) =>
        Option.map(Option.fromNullishOr(one<OwnerRow>(LAST_ON_PATH, path)), ownerOf)
      ),
    open: read("Viewers.open", ({ all }) => all<ViewerRow>("select * from viewers").map(viewerOf)),
    record: ({ joined, left }, holder) =>
      write("Viewers.record", (tables, now) => {
        if (!holds(tables, holder, now)) return false
        for (const { id, why } of left) {
          const row = tables.one<ViewerRow>("delete from viewers where id = ? returning *", id)
          if (row !== null) log(tables, viewerOf(row), why, now)
        }
        for (const viewer of joined) join(tables, viewer, now)
        return true
      }),
    list: (filter, page) =>
      read("Viewers.list", ({ all }, now) => {
        const { where, asked } = matching(filter)
        const { sql, values } = pageClause("since", "id", page)
        const rows = all<ViewerRow>(`select * from viewers where ${where} ${sql}`, ...asked, ...values)
        return pageOf(page, now, rows.map(viewerOf), ({ since, id }) => ({ at: since, id }))
      }),
    count: (filter) =>
      read("Viewers.count", ({ one }) => {
        const { where, asked } = matching(filter)
        return one<{ readonly total: number }>(`select count(*) as total from viewers where ${where}`, ...asked)!.total
      }),
    find: (id) =>
      read("Viewers.find", ({ one }) =>
        Option.map(Option.fromNullishOr(one<ViewerRow>("select * from viewers where id = ?", id)), viewerOf)
      ),
    recordRefused: (refusals) =>
      write("Viewers.recordRefused", (tables, now) => {
        for (const refusal of refusals) {
          const { path, broadcasterId } = refusal
          writeLogged(tables, { type: "viewer.refused", subject: `path:${path}`, broadcasterId }, refusal, now)
        }
      })
  })
)
