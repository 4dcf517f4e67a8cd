/** The stream keys. Workers' keys are in the same table, with `admits_until`, and in no list. */
import {
  type BroadcasterId,
  type IssueOutcome,
  ingestPath,
  type KeyAt,
  type KeyFilter,
  keyStatus,
  type NewSuccessor,
  type PageRequest,
  type PathBlock,
  type PathLimitText,
  type PlaybackPolicy,
  parseLimit,
  type RotateOutcome,
  revocationOf,
  type StreamId,
  type StreamKey,
  type StreamKeyId,
  StreamKeys,
  whyNotRotatable
} from "@greenroom/core"
import { type DateTime, Effect, Option } from "effect"
import { dateOf, maybeDateOf, maybeMillisOf, millisOf, pageOf } from "./page.ts"
import { Sqlite, type Tables } from "./Sqlite.ts"

export interface KeyRow {
  readonly id: string
  readonly key_prefix: string
  readonly broadcaster_id: string
  readonly broadcaster_name: string
  readonly broadcaster_deleted: number
  readonly label: string | null
  readonly path: string | null
  readonly playback: string | null
  readonly enabled: number
  readonly created_at: number
  readonly expires_at: number | null
  readonly revoked_at: number | null
  readonly revokes_at: number | null
  readonly rotated_to: string | null
  readonly rotated_from: string | null
  readonly blocked_path: string | null
  readonly blocked_until: number | null
  readonly last_used_at: number | null
  readonly admits_until: number | null
  readonly active_stream_id: string | null
}

export const SELECT_KEYS = `select k.*, s.id as active_stream_id, b.display_name as broadcaster_name,
  b.deleted_at is not null as broadcaster_deleted from stream_keys k join broadcasters b on b.id = k.broadcaster_id
  left join streams s on s.stream_key_id = k.id and s.ended_at is null and s.stop_reason is not 'superseded'`

export const blockOf = ({ blocked_path: path, blocked_until: until }: KeyRow): PathBlock | null =>
  path === null || until === null ? null : { path, until: dateOf(until) }

export const keyOf = (row: KeyRow): StreamKey => ({
  id: row.id as StreamKeyId,
  keyPrefix: row.key_prefix,
  broadcasterId: row.broadcaster_id as BroadcasterId,
  broadcaster: { displayName: row.broadcaster_name, deleted: row.broadcaster_deleted === 1 },
  label: row.label,
  path: row.path as PathLimitText | null,
  playback: row.playback as PlaybackPolicy | null,
  enabled: row.enabled === 1,
  createdAt: dateOf(row.created_at),
  expiresAt: maybeDateOf(row.expires_at),
  revokedAt: maybeDateOf(row.revoked_at),
  revokesAt: maybeDateOf(row.revokes_at),
  rotatedTo: row.rotated_to as StreamKeyId | null,
  rotatedFrom: row.rotated_from as StreamKeyId | null,
  block: blockOf(row),
  lastUsedAt: maybeDateOf(row.last_used_at),
  activeStreamId: row.active_stream_id as StreamId | null
})

const find = ({ one }: Tables, id: StreamKeyId, now: DateTime.Utc): Option.Option<KeyAt> =>
  Option.map(
    Option.fromNullishOr(one<KeyRow>(`${SELECT_KEYS} where k.id = ? and k.admits_until is null`, id)),
    (row) => ({ key: keyOf(row), now })
  )

export const isOwnedByOther = ({ one }: Tables, path: string, owner: string): boolean =>
  one(
    "select 1 from stream_keys where ingest_path = ? and revoked_at is null and admits_until is null and broadcaster_id <> ?",
    ...[path, owner]
  ) !== null

export const ingestPathOf = (path: string | null, id: StreamKeyId): string =>
  ingestPath(path === null ? null : parseLimit(path), id)

const isPast = (at: DateTime.Utc | null | undefined, now: DateTime.Utc): boolean =>
  at !== null && at !== undefined && millisOf(at) <= millisOf(now)

const matching = (
  { all }: Tables,
  { broadcasterId, status, ofDeleted }: KeyFilter,
  after: PageRequest["after"],
  now: DateTime.Utc
): ReadonlyArray<StreamKey> =>
  all<KeyRow>(
    `${SELECT_KEYS} where k.admits_until is null and (?1 is null or k.broadcaster_id = ?1) and (?2 or b.deleted_at is null)
     and (?3 is null or (k.created_at, k.id) < (?4, ?3)) order by k.created_at desc, k.id desc`,
    ...[broadcasterId ?? null, ofDeleted === false ? 0 : 1, after?.id ?? null, maybeMillisOf(after?.at ?? null)]
  )
    .map(keyOf)
    .filter((key) => status === undefined || status.includes(keyStatus(key, now)))

const rotate = (tables: Tables, id: StreamKeyId, successor: NewSuccessor, now: DateTime.Utc): RotateOutcome => {
  const old = find(tables, id, now)
  if (Option.isNone(old)) return { _tag: "NotFound" }
  const { key } = old.value
  const former = key.rotatedFrom === null ? Option.none() : find(tables, key.rotatedFrom, now)
  const why = whyNotRotatable(key, Option.getOrNull(Option.map(former, ({ key }) => key)), now)
  if (why !== null) return why
  tables.run(
    `insert into stream_keys (id, hash, key_prefix, broadcaster_id, label, path, ingest_path, enabled, created_at, expires_at, rotated_from,
       blocked_path, blocked_until, playback)
     select ?, ?, ?, broadcaster_id, label, path, ingest_path, enabled, ?, expires_at, id, blocked_path, blocked_until, playback
     from stream_keys where id = ?`,
    ...[successor.id, successor.hash, successor.keyPrefix, millisOf(now), id]
  )
  const end = millisOf(now) + successor.overlapSeconds * 1_000
  const [revokedAt, revokesAt] = successor.overlapSeconds === 0 ? [millisOf(now), null] : [null, end]
  tables.run(
    "update stream_keys set rotated_to = ?, revoked_at = ?, revokes_at = ? where id = ?",
    ...[successor.id, revokedAt, revokesAt, id]
  )
  return { _tag: "Rotated", ...Option.getOrThrow(find(tables, successor.id, now)) }
}

export const streamKeys = Effect.map(Sqlite, ({ read, write }) =>
  StreamKeys.of({
    issue: ({ id, hash, keyPrefix, broadcasterId, label, path, playback, expiresAt }) =>
      write("StreamKeys.issue", (tables, now): IssueOutcome => {
        const owner = tables.one("select 1 from broadcasters where id = ? and deleted_at is null", broadcasterId)
        if (owner === null) return { _tag: "UnknownBroadcaster" }
        if (isPast(expiresAt, now)) return { _tag: "ExpiryInPast" }
        const own = ingestPathOf(path, id)
        if (isOwnedByOther(tables, own, broadcasterId)) return { _tag: "PathTaken" }
        tables.run(
          `insert into stream_keys (id, hash, key_prefix, broadcaster_id, label, path, ingest_path, created_at, expires_at, playback)
           values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          ...[id, hash, keyPrefix, broadcasterId, label, path, own, millisOf(now), maybeMillisOf(expiresAt), playback]
        )
        return { _tag: "Issued", ...Option.getOrThrow(find(tables, id, now)) }
      }),
    find: (id) => read("StreamKeys.find", (tables, now) => find(tables, id, now)),
    list: (filter, page) =>
      read("StreamKeys.list", (tables, now) =>
        pageOf(page, now, matching(tables, filter, page.after, now), ({ createdAt, id }) => ({ at: createdAt, id }))
      ),
    count: (filter) => read("StreamKeys.count", (tables, now) => matching(tables, filter, null, now).length),
    change: (id, changes) =>
      write("StreamKeys.change", (tables, now) => {
        const found = find(tables, id, now)
        if (Option.isNone(found)) return { _tag: "NotFound" }
        if (revocationOf(found.value.key, now).revokedAt !== null) return { _tag: "Revoked" }
        if (isPast(changes.expiresAt, now)) return { _tag: "ExpiryInPast" }
        const { label, expiresAt, enabled, playback, block } = { ...found.value.key, ...changes }
        tables.run(
          // Another expiry is another event.
          `update stream_keys set label = ?, expires_at = ?2, enabled = ?, playback = ?, blocked_path = ?, blocked_until = ?,
             expired_event_at = iif(expires_at is ?2, expired_event_at, null) where id = ?`,
          ...[
            label,
            maybeMillisOf(expiresAt),
            enabled ? 1 : 0,
            playback,
            block?.path ?? null,
            maybeMillisOf(block?.until ?? null),
            id
          ]
        )
        if (playback !== found.value.key.playback)
          tables.run(
            `update streams set version = ? where stream_key_id in (select id from stream_keys where ?2 in (id, source_key_id))`,
            ...[tables.version, id]
          )
        return { _tag: "Changed", ...Option.getOrThrow(find(tables, id, now)) }
      }),
    revoke: (id) =>
      write("StreamKeys.revoke", (tables, now) => {
        tables.run(
          "update stream_keys set revoked_at = coalesce(revoked_at, min(?1, coalesce(revokes_at, ?1))) where id = ?2 and admits_until is null",
          ...[millisOf(now), id]
        )
        return find(tables, id, now)
      }),
    rotate: (id, successor) => write("StreamKeys.rotate", (tables, now) => rotate(tables, id, successor, now)),
    block: (id, path, seconds) =>
      write("StreamKeys.block", (tables, now) => {
        const found = find(tables, id, now)
        if (Option.isNone(found) || revocationOf(found.value.key, now).revokedAt !== null) return false
        tables.run(
          "update stream_keys set blocked_path = ?, blocked_until = ? where id = ?",
          ...[path, millisOf(now) + seconds * 1_000, id]
        )
        return true
      })
  })
)
