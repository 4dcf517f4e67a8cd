/**
 * The stream keys in PostgreSQL. The function `issue_key` (migration 0024) issues an ingest path under an advisory lock on
 * its text. Whether a key is in use, and when it was last used, is read from its streams and never stored beside them. Pruning
 * keeps that time for pruned streams.
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import {
  BroadcasterId,
  ingestPath,
  type KeyFilter,
  type KeyStatus,
  type PathBlock,
  PathLimitText,
  parseLimit,
  type RotateOutcome,
  StreamId,
  type StreamKey,
  StreamKeyId,
  StreamKeys
} from "@greenroom/core"
import { Array as Arr, Effect, Schema } from "effect"
import { GeneralDatabase } from "./Database.ts"
import type { Names } from "./names.ts"
import {
  At,
  dateOf,
  limitTo,
  MaybeAt,
  MaybePlayback,
  MaybeText,
  onPage,
  pageOf,
  rowsAtOf,
  rowsOf,
  WholeNumber
} from "./rows.ts"

/** Of the broadcaster of a key. */
export const OwnerColumns = { broadcaster_name: Schema.String, broadcaster_deleted: Schema.Boolean }

/** Both or neither. */
export const BlockColumns = { blocked_path: MaybeText, blocked_until: MaybeAt }

export const blockOf = ({
  blocked_path: path,
  blocked_until: until
}: Pick<typeof KeyRow.Type, keyof typeof BlockColumns>): PathBlock | null =>
  path === null || until === null ? null : { path, until }

export const KeyRow = Schema.Struct({
  now: At,
  id: StreamKeyId,
  broadcaster_id: BroadcasterId,
  ...OwnerColumns,
  key_prefix: Schema.String,
  label: MaybeText,
  path: Schema.NullOr(PathLimitText),
  playback: MaybePlayback,
  enabled: Schema.Boolean,
  created_at: At,
  expires_at: MaybeAt,
  revoked_at: MaybeAt,
  revokes_at: MaybeAt,
  rotated_to: Schema.NullOr(StreamKeyId),
  rotated_from: Schema.NullOr(StreamKeyId),
  ...BlockColumns,
  last_used_at: MaybeAt,
  active_stream_id: Schema.NullOr(StreamId)
})

const storedColumns =
  "k.id, k.broadcaster_id, k.key_prefix, k.label, k.path, k.playback, k.enabled, k.created_at, k.expires_at, k.revoked_at, k.revokes_at, k.rotated_to, k.rotated_from, k.blocked_path, k.blocked_until"

const isRevoked = "k.revoked_at is not null"

/** The parts of the statements that name other tables and functions. */
const partsIn = (n: Names) => {
  const activeStream = `select s.id from ${n.streams} s
    where s.stream_key_id = k.id and ${n.occupies_key_and_path}(s.ended_at, s.stop_reason)`
  const ownerColumns = `(select b.display_name from ${n.broadcasters} b where b.id = k.broadcaster_id) as broadcaster_name,
    (select b.deleted_at is not null from ${n.broadcasters} b where b.id = k.broadcaster_id) as broadcaster_deleted`
  const isValid = `${n.why_key_invalid}(k.revoked_at, k.revokes_at, k.expires_at, k.enabled, t.now) is null`

  /** The columns of the key `k`, which comes from the table or from a statement that has just changed it. */
  const keyColumns = `${storedColumns}, ${ownerColumns},
  greatest(
    (select max(s.started_at) from ${n.streams} s where s.stream_key_id = k.id),
    (select u.last_started_at from ${n.pruned_key_uses} u where u.stream_key_id = k.id)
  ) as last_used_at,
  (${activeStream}) as active_stream_id`

  /**
   * The keys with each status at `t.now`. The rule is the domain's `keyStatus`. It is repeated here as the conditions of indexes, so
   * that a page is read by one of them: with `why_invalid` alone the planner takes each status to be rare. The contract's laws
   * compare both.
   */
  const unrevoked = "k.revoked_at is null and (k.revokes_at is null or k.revokes_at > t.now)"
  const statusConditions: { readonly [S in KeyStatus]: ReadonlyArray<string> } = {
    // The second are keys whose overlap has ended, until that is written.
    revoked: [isRevoked, "k.revoked_at is null and k.revokes_at is not null and k.revokes_at <= t.now"],
    expired: [`${unrevoked} and k.expires_at <= t.now`],
    disabled: [`${unrevoked} and not k.enabled and (k.expires_at is null or k.expires_at > t.now)`],
    in_use: [
      `k.revoked_at is null and ${isValid} and k.id in (
    select s.stream_key_id from ${n.streams} s where ${n.occupies_key_and_path}(s.ended_at, s.stop_reason)
  )`
    ],
    active: [`k.revoked_at is null and ${isValid} and not exists (${activeStream})`]
  }
  /**
   * A key of a deleted broadcaster is revoked: of others the broadcaster's row is not looked at. A CASE, because the planner would make a join of
   * anything else, and read all keys for it.
   */
  const notOfDeleted = `case when k.revoked_at is null then true
    else (select b.deleted_at is null from ${n.broadcasters} b where b.id = k.broadcaster_id) end`
  return { keyColumns, ownerColumns, statusConditions, notOfDeleted }
}

const now = "clock_timestamp()::timestamptz(3) as now"

export const streamKey = (row: typeof KeyRow.Type): StreamKey => ({
  id: row.id,
  keyPrefix: row.key_prefix,
  broadcasterId: row.broadcaster_id,
  broadcaster: { displayName: row.broadcaster_name, deleted: row.broadcaster_deleted },
  label: row.label,
  path: row.path,
  playback: row.playback,
  enabled: row.enabled,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
  revokesAt: row.revokes_at,
  rotatedTo: row.rotated_to,
  rotatedFrom: row.rotated_from,
  block: blockOf(row),
  lastUsedAt: row.last_used_at,
  activeStreamId: row.active_stream_id
})

const keyAt = (row: typeof KeyRow.Type) => ({ key: streamKey(row), now: row.now })
const rows = rowsOf(KeyRow)
const rowsAt = rowsAtOf(KeyRow)

const totals = rowsOf(Schema.Struct({ total: WholeNumber }))
const issueAnswer = rowsOf(Schema.Struct({ known: Schema.Boolean, past: Schema.Boolean }))
const changeAnswer = rowsOf(Schema.Struct({ revoked: Schema.Boolean, past: Schema.Boolean }))
const rotateAnswer = rowsOf(
  Schema.Union([
    Schema.Struct({ why: Schema.Literals(["not_found", "revoked", "expired"]) }),
    Schema.Struct({ why: Schema.Literals(["rotated", "overlap"]), other: StreamKeyId })
  ])
)

const whyNot = (
  answer: ReturnType<typeof rotateAnswer>[number]
): Exclude<RotateOutcome, { readonly _tag: "Rotated" }> => {
  switch (answer.why) {
    case "not_found":
      return { _tag: "NotFound" }
    case "revoked":
      return { _tag: "Revoked" }
    case "expired":
      return { _tag: "Expired" }
    case "rotated":
      return { _tag: "RotatedAlready", to: answer.other }
    case "overlap":
      return { _tag: "OverlapRuns", of: answer.other }
  }
}

export const make: Effect.Effect<StreamKeys["Service"], never, GeneralDatabase> = Effect.gen(function* () {
  const database = yield* GeneralDatabase
  const n = database.names
  const { keyColumns, ownerColumns, statusConditions, notOfDeleted } = partsIn(n)

  const issue: StreamKeys["Service"]["issue"] = Effect.fn("StreamKeys.issue")(function* (key) {
    const own = ingestPath(key.path === null ? null : parseLimit(key.path), key.id)
    const answer = yield* database.runWriting(
      "StreamKeys.issue",
      (sql) => sql`
        select a.known, a.past, ${sql.literal(now)}, ${sql.literal(storedColumns)}, ${sql.literal(ownerColumns)},
          null as last_used_at, null as active_stream_id
        from ${n.issue_key}(
          ${key.id}, ${key.broadcasterId}, ${key.hash}, ${key.keyPrefix}, ${key.label}, ${key.path}, ${dateOf(key.expiresAt)}, ${own}, ${key.playback}
        ) a cross join lateral (select (a.issued).*) k`
    )
    const [issued] = rows(answer.filter(({ id }) => id !== null))
    if (issued !== undefined) return { _tag: "Issued", ...keyAt(issued) }
    const [why] = issueAnswer(answer)
    return { _tag: why?.known !== true ? "UnknownBroadcaster" : why.past ? "ExpiryInPast" : "PathTaken" }
  })

  const find: StreamKeys["Service"]["find"] = Effect.fn("StreamKeys.find")(function* (id) {
    const found = yield* database.run(
      "StreamKeys.find",
      (sql) => sql`select ${sql.literal(now)}, ${sql.literal(keyColumns)} from ${n.stream_keys} k
        where k.id = ${id} and k.admits_until is null`
    )
    return Arr.head(rows(found).map(keyAt))
  })

  /** One for each status that is asked for. No key has two statuses. */
  const conditionsOf = ({ status, ofDeleted }: KeyFilter): ReadonlyArray<string> => {
    if (status === undefined) return [ofDeleted === false ? notOfDeleted : "true"]
    if (status.length === 0) return ["false"]
    const conditions = [...new Set(status)].flatMap((one) => statusConditions[one])
    // A condition that always holds would mislead the planner: only revoked keys can be of a deleted broadcaster.
    return conditions.map((one) => (ofDeleted === false && one === isRevoked ? `${one} and ${notOfDeleted}` : one))
  }

  const matching = (sql: PgClient, { broadcasterId }: KeyFilter) =>
    sql.and([
      sql`k.admits_until is null`,
      ...(broadcasterId === undefined ? [] : [sql`k.broadcaster_id = ${broadcasterId}`])
    ])

  const list: StreamKeys["Service"]["list"] = Effect.fn("StreamKeys.list")(function* (filter, page) {
    const found = yield* database.run("StreamKeys.list", (sql) => {
      // One select for each status, because each has an index in the list's order.
      const newest = (condition: string) => sql`(
        select * from ${n.stream_keys} k
        where ${matching(sql, filter)} and ${sql.literal(condition)} and ${onPage(sql, "k.created_at, k.id", page)}
        order by k.created_at desc, k.id desc
        ${limitTo(sql, page)}
      )`
      return sql`
        select t.now, ${sql.literal(keyColumns)}
        from (select clock_timestamp()::timestamptz(3) as now) t
        left join lateral (
          select * from (${sql.join(" union all ", false)(conditionsOf(filter).map(newest))}) k
          order by k.created_at desc, k.id desc
          ${limitTo(sql, page)}
        ) k on true
        order by k.created_at desc, k.id desc`
    })
    const { now, items } = rowsAt(found)
    return pageOf(page, now, items.map(streamKey), (item) => ({ at: item.createdAt, id: item.id }))
  })

  const count: StreamKeys["Service"]["count"] = Effect.fn("StreamKeys.count")(function* (filter) {
    const counted = yield* database.run(
      "StreamKeys.count",
      (sql) => sql`
        select ${sql.join(
          " + ",
          false
        )(
          conditionsOf(filter).map(
            (condition) =>
              sql`(select count(*) from ${n.stream_keys} k where ${matching(sql, filter)} and ${sql.literal(condition)})`
          )
        )} as total
        from (select clock_timestamp()::timestamptz(3) as now) t`
    )
    return totals(counted)[0]!.total
  })

  const change: StreamKeys["Service"]["change"] = Effect.fn("StreamKeys.change")(function* (id, changes) {
    const answer = yield* database.runWriting("StreamKeys.change", (sql) => {
      const expiresAt = sql`${dateOf(changes.expiresAt ?? null)}::timestamptz`
      return sql`
        with target as materialized (
          select id, revoked_at, revokes_at from ${n.stream_keys} where id = ${id} and admits_until is null for no key update
        ), clock as materialized (
          select clock_timestamp() as now from target
        ), why as materialized (
          select target.id, target.revoked_at is not null or coalesce(target.revokes_at <= clock.now, false) as revoked from target, clock
        ), k as (
          update ${n.stream_keys} set
            label = case when ${changes.label !== undefined} then ${changes.label ?? null} else label end,
            expires_at = case when ${changes.expiresAt !== undefined} then ${expiresAt} else expires_at end,
            enabled = coalesce(${changes.enabled ?? null}, enabled),
            playback = case when ${changes.playback !== undefined} then ${changes.playback ?? null} else playback end,
            blocked_path = case when ${changes.block === undefined} then blocked_path end,
            blocked_until = case when ${changes.block === undefined} then blocked_until end,
            -- Another expiry is another event.
            expired_event_at = case when ${changes.expiresAt === undefined} then expired_event_at end
          from why, clock
          where stream_keys.id = why.id and not why.revoked and (${expiresAt} is null or ${expiresAt} > clock.now)
          returning stream_keys.*
        )
        select why.revoked, coalesce(${expiresAt} <= clock.now, false) as past, k.*
        from why, clock left join (select ${sql.literal(now)}, ${sql.literal(keyColumns)} from k) k on true`
    })
    const [changed] = rows(answer.filter(({ id }) => id !== null))
    if (changed !== undefined) return { _tag: "Changed", ...keyAt(changed) }
    const [why] = changeAnswer(answer)
    return { _tag: why === undefined ? "NotFound" : why.revoked ? "Revoked" : "ExpiryInPast" }
  })

  // The time is read after the lock is taken, so that every admission before the revocation has an earlier start.
  const revoke: StreamKeys["Service"]["revoke"] = Effect.fn("StreamKeys.revoke")(function* (id) {
    const revoked = yield* database.runWriting(
      "StreamKeys.revoke",
      (sql) => sql`
        with target as materialized (
          select id from ${n.stream_keys} where id = ${id} and admits_until is null for no key update
        ), clock as materialized (
          select clock_timestamp() as now from target
        ), k as (
          update ${n.stream_keys} set revoked_at = coalesce(revoked_at, least(revokes_at, clock.now))
          from target, clock
          where stream_keys.id = target.id returning stream_keys.*
        )
        select ${sql.literal(now)}, ${sql.literal(keyColumns)} from k`
    )
    return Arr.head(rows(revoked).map(keyAt))
  })

  const rotate: StreamKeys["Service"]["rotate"] = Effect.fn("StreamKeys.rotate")(function* (id, successor) {
    const answer = yield* database.runWriting(
      "StreamKeys.rotate",
      (sql) => sql`
        select a.why, a.other, ${sql.literal(now)}, ${sql.literal(storedColumns)}, ${sql.literal(ownerColumns)},
          null as last_used_at, null as active_stream_id
        from ${n.rotate_stream_key}(
          ${id}, ${successor.id}, ${successor.hash}, ${successor.keyPrefix}, ${successor.overlapSeconds}
        ) a cross join lateral (select (a.issued).*) k`
    )
    const [issued] = rows(answer.filter(({ id }) => id !== null))
    return issued === undefined ? whyNot(rotateAnswer(answer)[0]!) : { _tag: "Rotated", ...keyAt(issued) }
  })

  const block: StreamKeys["Service"]["block"] = Effect.fn("StreamKeys.block")(function* (id, path, seconds) {
    const blocked = yield* database.runWriting(
      "StreamKeys.block",
      (sql) => sql`
        update ${n.stream_keys} set blocked_path = ${path}, blocked_until = clock_timestamp() + make_interval(secs => ${seconds}::integer)
        where id = ${id} and admits_until is null and ${n.why_key_invalid}(revoked_at, revokes_at, null, true, clock_timestamp()) is null
        returning id`
    )
    return blocked.length > 0
  })

  return StreamKeys.of({ issue, find, list, count, change, revoke, rotate, block })
})
