/** The playback tokens in PostgreSQL, and what was revoked. A revocation and its event are one statement. */
import type { PgClient } from "@effect/sql-pg/PgClient"
import {
  BroadcasterId,
  CLOCK_AHEAD_MAX_MS,
  type Coverage,
  type PlaybackAction,
  type PlaybackToken,
  PlaybackTokenId,
  PlaybackTokens,
  type StreamId,
  tokenIssuers,
  ViewerId
} from "@greenroom/core"
import { Array as Arr, DateTime, Effect, Schema } from "effect"
import { GeneralDatabase } from "./Database.ts"
import type { Names } from "./names.ts"
import { At, dateOf, JsonObject, limitTo, MaybeAt, onPage, pageOf, rowsAtOf, rowsOf, WholeNumber } from "./rows.ts"

type Port = PlaybackTokens["Service"]

const MaybeBroadcaster = Schema.NullOr(BroadcasterId)
const Actions = Schema.declare((value: unknown): value is ReadonlyArray<PlaybackAction> => Array.isArray(value))

const TokenRow = Schema.Struct({
  id: PlaybackTokenId,
  issuer: Schema.Literals(tokenIssuers),
  signing_key_id: Schema.String,
  covers: Schema.Literals(["path", "stream", "broadcaster", "pattern"]),
  covered: Schema.String,
  broadcaster_id: MaybeBroadcaster,
  viewer_id: Schema.NullOr(ViewerId),
  actions: Actions,
  max_sessions: Schema.NullOr(Schema.Int),
  ips: Schema.Array(Schema.String),
  metadata: JsonObject,
  created_at: At,
  not_before: MaybeAt,
  expires_at: At,
  revoked_at: MaybeAt
})
type TokenRow = typeof TokenRow.Type

const columns = Object.keys(TokenRow.fields)
  .map((column) => `t.${column}`)
  .join(", ")

const coverageOf = ({ covers, covered }: TokenRow): Coverage => {
  switch (covers) {
    case "path":
      return { _tag: "Path", path: covered }
    case "stream":
      return { _tag: "Stream", streamId: covered as StreamId }
    case "broadcaster":
      return { _tag: "Broadcaster", broadcasterId: covered as BroadcasterId }
    case "pattern":
      return { _tag: "Pattern", pattern: covered }
  }
}

const coverageColumns = (coverage: Coverage): Pick<TokenRow, "covers" | "covered"> => {
  switch (coverage._tag) {
    case "Path":
      return { covers: "path", covered: coverage.path }
    case "Stream":
      return { covers: "stream", covered: coverage.streamId }
    case "Broadcaster":
      return { covers: "broadcaster", covered: coverage.broadcasterId }
    case "Pattern":
      return { covers: "pattern", covered: coverage.pattern }
  }
}

const tokenOf = (row: TokenRow): PlaybackToken => ({
  id: row.id,
  issuer: row.issuer,
  signingKeyId: row.signing_key_id,
  coverage: coverageOf(row),
  broadcasterId: row.broadcaster_id,
  viewerId: row.viewer_id,
  actions: row.actions,
  maxSessions: row.max_sessions,
  ips: row.ips,
  metadata: row.metadata,
  createdAt: row.created_at,
  notBefore: row.not_before,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at
})

const rows = rowsOf(TokenRow)
const rowsAt = rowsAtOf(TokenRow)
const revokedTokenRows = rowsOf(Schema.Struct({ id: PlaybackTokenId, expires_at: At }))
const revokedViewerRows = rowsOf(
  Schema.Struct({ viewer_id: ViewerId, broadcaster_id: MaybeBroadcaster, at: At, until: MaybeAt })
)
const counts = rowsOf(Schema.Struct({ count: WholeNumber }))

/** As tokens have it: seconds since 1970. */
const secondsOf = (at: DateTime.Utc): number => DateTime.toEpochMillis(at) / 1_000
const revokedViewerOf = ({ viewer_id, broadcaster_id, at, until }: ReturnType<typeof revokedViewerRows>[number]) => ({
  viewerId: viewer_id,
  broadcasterId: broadcaster_id,
  at: secondsOf(at),
  until: until === null ? null : secondsOf(until)
})

/**
 * The tokens of a removed key are gone with it, however many they are: pruning deletes their rows. A CASE, because of anything else the planner
 * expects to leave no token, where most are of one key, and reads all of them for a page (measured: 49 ms of 100,000).
 */
const isKnown = (n: Names) =>
  `case when t.signing_key_id = any(array(select x.id from ${n.signing_keys} x where x.removed_at is not null)) then false else true end`

/** When the last token from before a revocation has expired (`viewerRevocationEnds`): 30 days, and what clocks may differ. */
const revocationEnds = "greatest(r.at + interval '720 hours 5 seconds', r.until)"

const rowOf = (token: Omit<PlaybackToken, "revokedAt">) => ({
  ...coverageColumns(token.coverage),
  id: token.id,
  issuer: token.issuer,
  signing_key_id: token.signingKeyId,
  broadcaster_id: token.broadcasterId,
  viewer_id: token.viewerId,
  actions: token.actions,
  max_sessions: token.maxSessions,
  ips: token.ips,
  metadata: token.metadata,
  created_at: DateTime.formatIso(token.createdAt),
  not_before: token.notBefore === null ? null : DateTime.formatIso(token.notBefore),
  expires_at: DateTime.formatIso(token.expiresAt)
})

const insertIn = (sql: PgClient, n: Names, tokens: ReadonlyArray<Omit<PlaybackToken, "revokedAt">>) => {
  const names = sql.literal(
    "id, issuer, signing_key_id, covers, covered, broadcaster_id, viewer_id, actions, max_sessions, ips, metadata, created_at, not_before, expires_at"
  )
  return sql`
    insert into ${n.playback_tokens} (${names})
    select ${names} from jsonb_to_recordset(${sql.json(tokens.map(rowOf))}) as r(
      id text, issuer text, signing_key_id text, covers text, covered text, broadcaster_id uuid, viewer_id text, actions text[],
      max_sessions integer, ips text[], metadata jsonb, created_at timestamptz, not_before timestamptz, expires_at timestamptz)
    order by id
    on conflict (id) do nothing
    returning id`
}

export const make: Effect.Effect<Port, never, GeneralDatabase> = Effect.gen(function* () {
  const database = yield* GeneralDatabase
  const n = database.names
  const known = isKnown(n)

  const create: Port["create"] = Effect.fn("PlaybackTokens.create")(function* (token) {
    const created = yield* database.run("PlaybackTokens.create", (sql) => insertIn(sql, n, [token]))
    return created.length > 0
  })

  const recordSeen: Port["recordSeen"] = Effect.fn("PlaybackTokens.recordSeen")(function* (tokens) {
    if (tokens.length > 0) yield* database.run("PlaybackTokens.recordSeen", (sql) => insertIn(sql, n, tokens))
  })

  const findAll: Port["findAll"] = Effect.fn("PlaybackTokens.findAll")(function* (ids) {
    const found = yield* database.run(
      "PlaybackTokens.findAll",
      (sql) => sql`
        select ${sql.literal(columns)} from ${n.playback_tokens} t where t.id = any(${ids}::text[]) and ${sql.literal(known)}`
    )
    return rows(found).map(tokenOf)
  })

  const list: Port["list"] = Effect.fn("PlaybackTokens.list")(function* ({ viewerId, broadcasterId }, page) {
    const found = yield* database.run("PlaybackTokens.list", (sql) => {
      const matching = sql.and([
        sql`${sql.literal(known)}`,
        ...(viewerId === undefined ? [] : [sql`t.viewer_id = ${viewerId}::text`]),
        ...(broadcasterId === undefined ? [] : [sql`t.broadcaster_id = ${broadcasterId}::uuid`])
      ])
      return sql`
        select c.now, t.*
        from (select clock_timestamp()::timestamptz(3) as now) c
        left join lateral (
          select ${sql.literal(columns)} from ${n.playback_tokens} t
          where ${matching} and ${onPage(sql, "t.created_at, t.id", page, "text")}
          order by t.created_at desc, t.id desc
          ${limitTo(sql, page)}
        ) t on true
        order by t.created_at desc, t.id desc`
    })
    const { now, items } = rowsAt(found)
    return pageOf(page, now, items.map(tokenOf), (token) => ({ at: token.createdAt, id: token.id }))
  })

  const revoke: Port["revoke"] = Effect.fn("PlaybackTokens.revoke")(function* (id) {
    const revoked = yield* database.runWriting(
      "PlaybackTokens.revoke",
      (sql) => sql`
        with target as materialized (
          select t.id, t.revoked_at is null as is_first from ${n.playback_tokens} t
          where t.id = ${id} and ${sql.literal(known)} for no key update
        ), revoked as (
          update ${n.playback_tokens} t set revoked_at = coalesce(t.revoked_at, clock_timestamp())
          from target where t.id = target.id
          returning t.*, target.is_first
        ), events as (
          insert into ${n.event_log} (type, at, subject, broadcaster_id, data)
          select 'playback_token.revoked', revoked_at, 'playback_token:' || id, broadcaster_id, jsonb_build_object(
            'id', id, 'expiresAt', extract(epoch from expires_at), 'viewerId', viewer_id
          ) from revoked where is_first
        )
        select ${sql.literal(columns)} from revoked t`
    )
    return Arr.head(rows(revoked).map(tokenOf))
  })

  // The row of the revocation is locked first, so of two at once the second is later.
  const revokeViewer: Port["revokeViewer"] = Effect.fn("PlaybackTokens.revokeViewer")(function* ({
    viewerId,
    broadcasterId,
    until
  }) {
    const answer = yield* database.runWriting(
      "PlaybackTokens.revokeViewer",
      (sql) => sql`
        with issued as (
          select max(t.created_at) as at from ${n.playback_tokens} t
          where t.viewer_id = ${viewerId} and ${sql.literal(known)}
            and t.created_at <= clock_timestamp() + ${CLOCK_AHEAD_MAX_MS} * interval '1 millisecond'
        ), revoked as (
          insert into ${n.viewer_revocations} as r (viewer_id, broadcaster_id, at, until)
          select ${viewerId}, ${broadcasterId}::uuid, greatest(clock_timestamp(), issued.at), ${dateOf(until)}::timestamptz
          from issued
          on conflict (viewer_id, broadcaster_id) do update set
            at = greatest(excluded.at, r.at + interval '1 millisecond'), until = excluded.until
          returning r.*
        ), meant as materialized (
          select t.id, revoked.at from revoked join ${n.playback_tokens} t on t.viewer_id = revoked.viewer_id
          where t.revoked_at is null and t.expires_at > clock_timestamp()
            and (revoked.broadcaster_id is null or t.broadcaster_id = revoked.broadcaster_id) and ${sql.literal(known)}
          order by t.id for no key update of t
        ), marked as (
          update ${n.playback_tokens} t set revoked_at = meant.at from meant where t.id = meant.id
          returning t.id
        ), events as (
          insert into ${n.event_log} (type, at, subject, broadcaster_id, data)
          select 'viewer.revoked', at, 'viewer_id:' || viewer_id, broadcaster_id, jsonb_build_object(
            'viewerId', viewer_id, 'broadcasterId', broadcaster_id, 'at', extract(epoch from at), 'until', extract(epoch from until)
          ) from revoked
        )
        select revoked.*, (select count(*) from marked) as count from revoked`
    )
    return { revoked: revokedViewerRows(answer).map(revokedViewerOf)[0]!, tokens: counts(answer)[0]!.count }
  })

  const revocations: Port["revocations"] = Effect.gen(function* () {
    const tokens = yield* database.run(
      "PlaybackTokens.revokedTokens",
      (sql) => sql`
        select t.id, t.expires_at from ${n.playback_tokens} t
        where t.revoked_at is not null and t.expires_at > clock_timestamp() - interval '5 seconds' and ${sql.literal(known)}`
    )
    const viewers = yield* database.run(
      "PlaybackTokens.revokedViewers",
      (sql) => sql`
        select r.* from ${n.viewer_revocations} r where ${sql.literal(revocationEnds)} > clock_timestamp()`
    )
    return {
      tokens: revokedTokenRows(tokens).map(({ id, expires_at }) => ({ id, expiresAt: secondsOf(expires_at) })),
      viewers: revokedViewerRows(viewers).map(revokedViewerOf)
    }
  }).pipe(Effect.withSpan("PlaybackTokens.revocations"))

  const prune: Port["prune"] = Effect.fn("PlaybackTokens.prune")(function* (keepDays, limit) {
    if (keepDays < 1 || limit < 1) return yield* Effect.die(new Error("playback tokens are kept for a day at least"))
    const gone = yield* database.run(
      "PlaybackTokens.prune",
      (sql) => sql`
        with old as (
          delete from ${n.playback_tokens} where id = any(array(
            select id from (
              (select id from ${n.playback_tokens}
                where expires_at < clock_timestamp() - ${keepDays}::integer * interval '24 hours' order by expires_at limit ${limit}::integer)
              union
              (select t.id from ${n.signing_keys} x join ${n.playback_tokens} t on t.signing_key_id = x.id
                where x.removed_at is not null limit ${limit}::integer)
            ) due limit ${limit}::integer
          ))
          returning id
        ), over as (
          delete from ${n.viewer_revocations} where ctid = any(array(
            select r.ctid from ${n.viewer_revocations} r where ${sql.literal(revocationEnds)} <= clock_timestamp() limit ${limit}::integer
          ))
          returning viewer_id
        )
        select (select count(*) from old) + (select count(*) from over) as count`
    )
    return counts(gone)[0]!.count
  })

  return PlaybackTokens.of({
    create,
    recordSeen,
    find: (id) => Effect.map(findAll([id]), Arr.head),
    findAll,
    list,
    revoke,
    revokeViewer,
    revocations,
    prune
  })
})
