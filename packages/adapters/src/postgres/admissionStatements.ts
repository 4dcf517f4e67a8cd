/**
 * The statements of an admission and of a takeover, as text: what they may do is explained in `PostgresAdmissions.ts`. Which key may publish is the
 * domain's rule (`decideAdmission`); the contract's laws hold both together.
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import type { AdmissionRequest } from "@greenroom/core"
import { ownsIngestPath } from "./ingestPaths.ts"
import type { Row } from "./rows.ts"

/** `$1` to `$5` of an admission and of a takeover, in this order. */
const parametersOf = ({ hash, path, sourceId, protocol, streamId }: AdmissionRequest) => [
  hash,
  path,
  sourceId,
  protocol,
  streamId
]

/**
 * `fit`: the key, locked, if it is valid and may be used on the path. A worker's key admits one connection, which may repeat its
 * request. An ordinary key admits where the path belongs to no other broadcaster and is not reserved.
 */
const fitting = (reserved: boolean) => `
  key as materialized (
    select id, broadcaster_id, key_prefix, label, revoked_at, expires_at, enabled, admits_until
    from stream_keys
    where hash = $1 and why_invalid(revoked_at, expires_at, enabled, clock_timestamp()) is null and path_within(path, $2)
    for no key update
  ), fit as materialized (
    select * from key
    where why_invalid(revoked_at, expires_at, enabled, clock_timestamp()) is null
      and case
        when admits_until is not null then coalesce(
          (select s.source_id = $3 from streams s where s.stream_key_id = key.id), admits_until > clock_timestamp()
        )
        else ${!reserved} and not exists (
          select from stream_keys other
          where other.ingest_path = $2 and ${ownsIngestPath} and other.broadcaster_id <> key.broadcaster_id
        )
      end
  )`

/** Inserts a session with the key in `fit`. */
const insertSession = `
  insert into streams (id, stream_key_id, broadcaster_id, media_server, path, source_id, protocol, title, started_at)
  select $5::uuid, fit.id, fit.broadcaster_id, 'main', $2, $3, $4::text, fit.label, clock_timestamp()`

/**
 * Writes the first event of the session in `new`, and selects the admission: a new one, or an earlier one of the same connection. The
 * earlier one is looked for only when nothing was inserted. Its last condition is a CASE so that it is found by its source: as
 * `ended_at is null` it also fits the index of the open sessions. A plan is kept, and one that was made while the table was small may
 * read the whole of an index: all open sessions, or the whole history.
 */
const outcome = `
  event as (
    insert into stream_events (stream_id, seq, type, at) select id, 1, 'admitted', started_at from new
  )
  select new.id, false as again, fit.id as key_id, fit.key_prefix from new, fit
  union all
  select s.id, true, fit.id, fit.key_prefix
  from fit join streams s on s.stream_key_id = fit.id
  where not exists (select from new)
    and s.media_server = 'main' and s.source_id = $3 and s.path = $2
    and case when s.ended_at is null then s.stop_reason is null end`

const admission = (reserved: boolean) => `
  with ${fitting(reserved)}, new as (
    ${insertSession} from fit
    on conflict do nothing
    returning id, started_at
  ), ${outcome}`

/**
 * Marks the key's other sessions before the insert, so that the insert finds key and path free. When another key's session is on
 * the path, the insert fails, and the whole statement has no effect.
 */
const takeover = (reserved: boolean) => `
  with ${fitting(reserved)}, superseded as materialized (
    select supersede_others(fit.id, $3) from fit
    where not exists (select from streams where media_server = 'main' and source_id = $3)
  ), new as (
    ${insertSession} from fit, superseded
    returning id, started_at
  ), ${outcome}`

/** Both texts are built once, because building one costs every auth call. */
const prepared = (statement: (reserved: boolean) => string) => {
  const [ordinary, reserved] = [statement(false), statement(true)]
  return (sql: PgClient, request: AdmissionRequest) =>
    sql.unsafe<Row>(request.reserved === true ? reserved : ordinary, parametersOf(request))
}

export const runAdmission = prepared(admission)
export const runTakeover = prepared(takeover)
