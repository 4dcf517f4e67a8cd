/** The playback tokens, and what was revoked. */
import {
  type BroadcasterId,
  CLOCK_AHEAD_MAX_MS,
  type Coverage,
  type PlaybackAction,
  type PlaybackToken,
  type PlaybackTokenId,
  PlaybackTokens,
  type RevokedViewer,
  type TokenIssuer,
  type ViewerId,
  type ViewerRevocation
} from "@greenroom/core"
import { type DateTime, Effect, Option } from "effect"
import { writeLogged } from "./eventWrites.ts"
import { DAY_MS, dateOf, maybeDateOf, maybeMillisOf, millisOf, pageClause, pageOf } from "./page.ts"
import { Sqlite, type Tables } from "./Sqlite.ts"

interface TokenRow {
  readonly id: string
  readonly issuer: string
  readonly signing_key_id: string
  readonly coverage: string
  readonly broadcaster_id: string | null
  readonly viewer_id: string | null
  readonly actions: string
  readonly max_sessions: number | null
  readonly ips: string
  readonly metadata: string
  readonly created_at: number
  readonly not_before: number | null
  readonly expires_at: number
  readonly revoked_at: number | null
}

const tokenOf = (row: TokenRow): PlaybackToken => ({
  id: row.id as PlaybackTokenId,
  issuer: row.issuer as TokenIssuer,
  signingKeyId: row.signing_key_id,
  coverage: JSON.parse(row.coverage) as Coverage,
  broadcasterId: row.broadcaster_id as BroadcasterId | null,
  viewerId: row.viewer_id as ViewerId | null,
  actions: JSON.parse(row.actions) as ReadonlyArray<PlaybackAction>,
  maxSessions: row.max_sessions,
  ips: JSON.parse(row.ips) as ReadonlyArray<string>,
  metadata: JSON.parse(row.metadata),
  createdAt: dateOf(row.created_at),
  notBefore: maybeDateOf(row.not_before),
  expiresAt: dateOf(row.expires_at),
  revokedAt: maybeDateOf(row.revoked_at)
})

/** The tokens of a removed key are gone with it. Pruning deletes their rows, so that their ids are not free before. */
const KNOWN = "signing_key_id not in (select id from signing_keys where removed_at is not null)"

const insert = ({ run }: Tables, token: Omit<PlaybackToken, "revokedAt">): boolean =>
  run(
    `insert into playback_tokens (id, issuer, signing_key_id, coverage, broadcaster_id, viewer_id, actions, max_sessions, ips, metadata,
       created_at, not_before, expires_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do nothing`,
    ...[
      token.id,
      token.issuer,
      token.signingKeyId,
      JSON.stringify(token.coverage),
      token.broadcasterId,
      token.viewerId
    ],
    ...[JSON.stringify(token.actions), token.maxSessions, JSON.stringify(token.ips), JSON.stringify(token.metadata)],
    ...[millisOf(token.createdAt), maybeMillisOf(token.notBefore), millisOf(token.expiresAt)]
  ) > 0

const find = ({ one }: Tables, id: string): Option.Option<PlaybackToken> =>
  Option.map(
    Option.fromNullishOr(one<TokenRow>(`select * from playback_tokens where id = ? and ${KNOWN}`, id)),
    tokenOf
  )

const revoke = (tables: Tables, id: PlaybackTokenId, now: DateTime.Utc): Option.Option<PlaybackToken> => {
  const token = Option.getOrNull(find(tables, id))
  if (token === null || token.revokedAt !== null) return Option.fromNullishOr(token)
  tables.run("update playback_tokens set revoked_at = ? where id = ?", millisOf(now), id)
  const { broadcasterId, viewerId, expiresAt } = token
  const about = { type: "playback_token.revoked", subject: `playback_token:${id}`, broadcasterId } as const
  writeLogged(tables, about, { id, expiresAt: millisOf(expiresAt) / 1_000, viewerId }, now)
  return find(tables, id)
}

interface RevocationRow {
  readonly viewer_id: string
  readonly broadcaster_id: string | null
  readonly at: number
  readonly until: number | null
}

const revokedViewer = (row: RevocationRow): RevokedViewer => ({
  viewerId: row.viewer_id as ViewerId,
  broadcasterId: row.broadcaster_id as BroadcasterId | null,
  at: row.at / 1_000,
  until: row.until === null ? null : row.until / 1_000
})

/** The time of a second revocation is later than that of the first, also within one millisecond. */
const revokeViewer = (tables: Tables, { viewerId, broadcasterId, until }: ViewerRevocation, now: DateTime.Utc) => {
  const issued = tables.one<{ readonly at: number | null }>(
    `select max(created_at) as at from playback_tokens where viewer_id = ? and created_at <= ? and ${KNOWN}`,
    ...[viewerId, millisOf(now) + CLOCK_AHEAD_MAX_MS]
  )
  const row = tables.one<RevocationRow>(
    `insert into viewer_revocations (viewer_id, broadcaster_id, at, until) values (?, ?, ?, ?)
     on conflict (viewer_id, coalesce(broadcaster_id, '')) do update set at = max(excluded.at, at + 1), until = excluded.until
     returning *`,
    ...[viewerId, broadcasterId, Math.max(millisOf(now), issued?.at ?? 0), maybeMillisOf(until)]
  )!
  const tokens = tables.run(
    `update playback_tokens set revoked_at = ?1
     where viewer_id = ?2 and (?3 is null or broadcaster_id = ?3) and expires_at > ?4 and revoked_at is null and ${KNOWN}`,
    ...[row.at, viewerId, broadcasterId, millisOf(now)]
  )
  const revoked = revokedViewer(row)
  writeLogged(tables, { type: "viewer.revoked", subject: `viewer_id:${viewerId}`, broadcasterId }, revoked, now)
  return { revoked, tokens }
}

/** 30 days, and 5 s that clocks may differ (`viewerRevocationEnds`). */
const REVOCATION_ENDS = `max(at + ${30 * DAY_MS + 5_000}, coalesce(until, 0))`

const revocations = ({ all }: Tables, now: DateTime.Utc) => ({
  tokens: all<TokenRow>(
    `select * from playback_tokens where revoked_at is not null and expires_at > ? and ${KNOWN}`,
    millisOf(now) - 5_000
  ).map((row) => ({ id: row.id as PlaybackTokenId, expiresAt: row.expires_at / 1_000 })),
  viewers: all<RevocationRow>(`select * from viewer_revocations where ${REVOCATION_ENDS} > ?`, millisOf(now)).map(
    revokedViewer
  )
})

const prune = ({ run }: Tables, keepDays: number, limit: number, now: DateTime.Utc): number => {
  if (keepDays < 1 || limit < 1) throw new Error("playback tokens are kept for a day at least")
  const tokens = run(
    `delete from playback_tokens where id in (select id from playback_tokens where expires_at < ? or not ${KNOWN} limit ?)`,
    ...[millisOf(now) - keepDays * DAY_MS, limit]
  )
  const viewers = run(
    `delete from viewer_revocations where rowid in (select rowid from viewer_revocations where ${REVOCATION_ENDS} <= ? limit ?)`,
    ...[millisOf(now), limit]
  )
  return tokens + viewers
}

export const playbackTokens = Effect.map(Sqlite, ({ read, write }) =>
  PlaybackTokens.of({
    create: (token) => write("PlaybackTokens.create", (tables) => insert(tables, token)),
    recordSeen: (tokens) =>
      write("PlaybackTokens.recordSeen", (tables) => {
        for (const token of tokens) insert(tables, token)
      }),
    find: (id) => read("PlaybackTokens.find", (tables) => find(tables, id)),
    findAll: (ids) =>
      read("PlaybackTokens.findAll", ({ all }) =>
        all<TokenRow>(
          `select * from playback_tokens where id in (select value from json_each(?)) and ${KNOWN}`,
          JSON.stringify(ids)
        ).map(tokenOf)
      ),
    list: ({ viewerId = null, broadcasterId = null }, page) =>
      read("PlaybackTokens.list", ({ all }, now) => {
        const { sql, values } = pageClause("created_at", "id", page)
        const rows = all<TokenRow>(
          `select * from playback_tokens where ${KNOWN} and (? is null or viewer_id = ?) and (? is null or broadcaster_id = ?) ${sql}`,
          ...[viewerId, viewerId, broadcasterId, broadcasterId, ...values]
        )
        return pageOf(page, now, rows.map(tokenOf), ({ createdAt, id }) => ({ at: createdAt, id }))
      }),
    revoke: (id) => write("PlaybackTokens.revoke", (tables, now) => revoke(tables, id, now)),
    revokeViewer: (revocation) =>
      write("PlaybackTokens.revokeViewer", (tables, now) => revokeViewer(tables, revocation, now)),
    revocations: read("PlaybackTokens.revocations", revocations),
    prune: (keepDays, limit) => write("PlaybackTokens.prune", (tables, now) => prune(tables, keepDays, limit, now))
  })
)
