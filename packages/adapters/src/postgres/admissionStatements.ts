/**
 * The statements of the admissions, as text: what they may do is explained in `PostgresAdmissions.ts`. Which key may publish is the
 * domain's rule (`decideAdmission`); the contract's laws hold both together. Each text is built once a layer, because building one
 * costs every auth call.
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import { type AdmissionRequest, type FactsRequest, type StreamId, TAKEOVERS_MOST, type Takeover } from "@greenroom/core"
import { ownsIngestPath } from "./ingestPaths.ts"
import type { Names } from "./names.ts"
import { dateOf, type Row } from "./rows.ts"

/** `$1` to `$5` of an admission and of a takeover, in this order. */
const parametersOf = ({ hash, path, sourceId, protocol, streamId }: AdmissionRequest) => [
  hash,
  path,
  sourceId,
  protocol,
  streamId
]

/** `limit`: a condition that limits waits for locks, followed by `and`; or empty, where the connection has its limits already. */
interface Variant {
  readonly reserved: boolean
  readonly limit: string
}

/**
 * `why_key_invalid` gives null, at the moment itself. As a call of that function it would not be inlined: PostgreSQL inlines none that uses a volatile
 * argument twice.
 */
const isValidNow =
  "revoked_at is null and enabled and coalesce(least(revokes_at, expires_at) > clock_timestamp(), true)"

/**
 * `fit`: the key, locked, if it is valid and may be used on the path. A worker's key admits one connection, which may repeat its
 * request. An ordinary key admits where the path belongs to no other broadcaster and is not reserved.
 */
const fitting = (n: Names, { reserved, limit }: Variant) => `
  key as materialized (
    select id, broadcaster_id, key_prefix, label, revoked_at, revokes_at, expires_at, enabled, admits_until, rotated_from,
      blocked_path, blocked_until
    from ${n.stream_keys}
    where ${limit}hash = $1 and ${isValidNow} and ${n.path_within}(path, $2)
    for no key update
  ), fit as materialized (
    select * from key
    where ${isValidNow}
      and not coalesce(blocked_path = $2 and blocked_until > clock_timestamp(), false)
      and case
        when admits_until is not null then coalesce(
          (select s.source_id = $3 from ${n.streams} s where s.stream_key_id = key.id), admits_until > clock_timestamp()
        )
        else ${!reserved} and not exists (
          select from ${n.stream_keys} other
          where other.ingest_path = $2 and ${ownsIngestPath} and other.broadcaster_id <> key.broadcaster_id
        )
      end
  )`

/** Inserts a session with the key in `fit`. */
const insertSession = (n: Names) => `
  insert into ${n.streams} (id, stream_key_id, broadcaster_id, media_server, path, source_id, protocol, title, started_at)
  select $5::uuid, fit.id, fit.broadcaster_id, 'main', $2, $3, $4::text, fit.label, clock_timestamp()`

/**
 * Writes the first event of the session in `new`, and selects the admission: a new one, or an earlier one of the same connection. The
 * earlier one is looked for only when nothing was inserted. Its last condition is a CASE so that it is found by its source: as
 * `ended_at is null` it also fits the index of the open sessions. A plan is kept, and one that was made while the table was small may
 * read the whole of an index: all open sessions, or the whole history.
 */
const outcome = (n: Names) => `
  event as (
    insert into ${n.stream_events} (stream_id, seq, type, at) select id, 1, 'admitted', started_at from new
  )
  select new.id, false as again, fit.id as key_id, fit.key_prefix from new, fit
  union all
  select s.id, true, fit.id, fit.key_prefix
  from fit join ${n.streams} s on s.stream_key_id = fit.id
  where not exists (select from new)
    and s.media_server = 'main' and s.source_id = $3 and s.path = $2
    and case when s.ended_at is null then s.stop_reason is null end`

const admission = (n: Names, variant: Variant) => `
  with ${fitting(n, variant)}, new as (
    ${insertSession(n)} from fit
    on conflict do nothing
    returning id, started_at
  ), ${outcome(n)}`

/**
 * Marks the sessions that are taken over before the insert, so that the insert finds key and path free. When another key's session is on
 * the path, the insert fails, and the whole statement has no effect. `$6` and `$7`: whether the key's own sessions are taken over, and the newest
 * takeover that the decision knew.
 */
const takeover = (n: Names, variant: Variant) => `
  with ${fitting(n, variant)}, superseded as materialized (
    select ${n.supersede_sessions}(fit.id, fit.rotated_from, $3, $2, $6::boolean, $7::timestamptz) as done from fit
    where not exists (select from ${n.streams} where media_server = 'main' and source_id = $3)
  ), new as (
    ${insertSession(n)} from fit, superseded where superseded.done
    returning id, started_at
  ), ${outcome(n)}`

/** `$1` to `$3`: hash or id of the key, path and source id. */
const facts = (n: Names, key: "k.hash = $1" | "k.id = $1") => `
  select t.now, coalesce(o.owned, false) as path_owned_by_other,
    k.id as key_id, k.key_prefix, k.broadcaster_id, k.path as path_limit, k.enabled, k.expires_at, k.revoked_at,
    k.revokes_at, k.rotated_from, k.blocked_path, k.blocked_until, k.admits_until, k.admits_until is not null and exists (select from ${n.streams} where stream_key_id = k.id) as spent,
    s.role, s.id as session_id, s.stream_key_id as session_key_id, s.path as session_path, s.source_id, s.protocol,
    s.started_at, s.stop_requested_at, s.ended_at is not null as ended, s.stop_reason is not null as stopping
  from (select clock_timestamp()::timestamptz(3) as now) t
  left join ${n.stream_keys} k on ${key}
  left join lateral (
    select exists (
      select from ${n.stream_keys} other
      where other.ingest_path = $2 and ${ownsIngestPath} and other.broadcaster_id <> k.broadcaster_id
    ) as owned
  ) o on true
  left join lateral (
    select 'source' as role, * from ${n.streams} where media_server = 'main' and source_id = $3
    union all
    select 'key', * from ${n.streams}
    where stream_key_id = k.id and ${n.occupies_key_and_path}(ended_at, stop_reason)
    union all
    select 'path', * from ${n.streams}
    where media_server = 'main' and path = $2 and ${n.occupies_key_and_path}(ended_at, stop_reason)
    union all
    (
      select 'superseded', * from ${n.streams} where stream_key_id = k.id and stop_reason = 'superseded'
      order by stop_requested_at desc limit ${TAKEOVERS_MOST}
    )
  ) s on true`

const endGone = (n: Names, limit: string) => `
  with ended as (
    update ${n.streams} set
      ended_at = clock_timestamp(),
      end_reason = coalesce(stop_reason, case when ready_at is null then 'never_ready' else 'disconnected' end),
      last_seq = last_seq + 1
    where ${limit}id = $1 and ended_at is null
    returning id, last_seq, ended_at, end_reason
  )
  insert into ${n.stream_events} (stream_id, seq, type, at, data)
  select id, last_seq, 'ended', ended_at, jsonb_build_object('reason', end_reason) from ended
  returning stream_id`

const variantsOf = (text: (n: Names, variant: Variant) => string, n: Names, limit: string) => ({
  ordinary: text(n, { reserved: false, limit }),
  reserved: text(n, { reserved: true, limit })
})

/** `limitsLocks`: the condition for statements that have to limit their waits for locks themselves. */
export const admissionStatements = (n: Names, limitsLocks: string) => {
  const prepared = (text: (n: Names, variant: Variant) => string) => {
    const [plain, limiting] = [variantsOf(text, n, ""), variantsOf(text, n, `${limitsLocks} and `)]
    return (sql: PgClient, setsLimit: boolean, request: AdmissionRequest, more: ReadonlyArray<unknown> = []) => {
      const texts = setsLimit ? limiting : plain
      const parameters = more.length === 0 ? parametersOf(request) : [...parametersOf(request), ...more]
      return sql.unsafe<Row>(request.reserved === true ? texts.reserved : texts.ordinary, parameters)
    }
  }
  const takesOver = prepared(takeover)
  const [factsByHash, factsById] = [facts(n, "k.hash = $1"), facts(n, "k.id = $1")]
  const [endGonePlain, endGoneLimiting] = [endGone(n, ""), endGone(n, `${limitsLocks} and `)]
  return {
    admit: prepared(admission),
    takeOver: (sql: PgClient, setsLimit: boolean, request: AdmissionRequest, { of, lastSeen }: Takeover) =>
      takesOver(sql, setsLimit, request, [of === "own", dateOf(lastSeen)]),
    facts: (sql: PgClient, { hash, streamKeyId, path, sourceId }: FactsRequest) =>
      hash === undefined
        ? sql.unsafe<Row>(factsById, [streamKeyId, path, sourceId])
        : sql.unsafe<Row>(factsByHash, [hash, path, sourceId]),
    endGone: (sql: PgClient, setsLimit: boolean, id: StreamId) =>
      sql.unsafe<Row>(setsLimit ? endGoneLimiting : endGonePlain, [id])
  }
}
