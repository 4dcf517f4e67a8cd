/**
 * Admissions in PostgreSQL. An admission is one statement and one commit. It locks the key's row and checks the key again, because
 * the key may have changed during the wait. Then it inserts the session and its first event, if the unique indexes permit it.
 * READ COMMITTED suffices: a revocation updates the same row, so one of the two waits for the other. A second statement reads why nothing was
 * written, because only its newer database snapshot shows the session that came first.
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import {
  type AdmissionFacts,
  type AdmissionRequest,
  Admissions,
  type Admitted,
  BroadcasterId,
  PathLimitText,
  Protocol,
  type SessionFacts,
  StreamId,
  StreamKeyId
} from "@greenroom/core"
import { Array as Arr, Effect, Layer, Schema } from "effect"
import { AdmissionDatabase } from "./Database.ts"
import { ownsIngestPath } from "./ingestPaths.ts"
import { At, MaybeAt, type Row, rowsOf } from "./rows.ts"

const AdmittedRow = Schema.Struct({
  id: StreamId,
  again: Schema.Boolean,
  key_id: StreamKeyId,
  key_prefix: Schema.String
})

const KeyRow = Schema.Struct({
  key_id: StreamKeyId,
  key_prefix: Schema.String,
  broadcaster_id: BroadcasterId,
  path_limit: Schema.NullOr(PathLimitText),
  enabled: Schema.Boolean,
  expires_at: MaybeAt,
  revoked_at: MaybeAt,
  admits_until: MaybeAt,
  spent: Schema.Boolean
})

const SessionRow = Schema.Struct({
  role: Schema.Literals(["key", "path", "source"]),
  session_id: StreamId,
  session_key_id: StreamKeyId,
  session_path: Schema.String,
  source_id: Schema.String,
  protocol: Schema.NullOr(Protocol),
  started_at: At,
  ended: Schema.Boolean,
  stopping: Schema.Boolean
})

const admittedRows = rowsOf(AdmittedRow)
const factRows = rowsOf(Schema.Struct({ now: At, path_owned_by_other: Schema.Boolean }))
const keyRows = rowsOf(KeyRow)
const sessionRows = rowsOf(SessionRow)

const admitted = (row: typeof AdmittedRow.Type): Admitted => ({
  streamId: row.id,
  key: { id: row.key_id, prefix: row.key_prefix },
  again: row.again
})

const sessionFacts = (row: typeof SessionRow.Type): SessionFacts => ({
  streamId: row.session_id,
  streamKeyId: row.session_key_id,
  path: row.session_path,
  source: { protocol: row.protocol, id: row.source_id },
  startedAt: row.started_at,
  ended: row.ended,
  stopping: row.stopping
})

const admissionFacts = (rows: ReadonlyArray<Row>): AdmissionFacts => {
  const fact = factRows(rows)[0]!
  const key = keyRows(rows.filter(({ key_id }) => key_id !== null))[0]
  const sessions = sessionRows(rows.filter(({ role }) => role !== null))
  const sessionOf = (role: "key" | "path" | "source") => {
    const row = sessions.find((session) => session.role === role)
    return row === undefined ? null : sessionFacts(row)
  }
  return {
    now: fact.now,
    key:
      key === undefined
        ? null
        : {
            id: key.key_id,
            prefix: key.key_prefix,
            broadcasterId: key.broadcaster_id,
            path: key.path_limit,
            enabled: key.enabled,
            expiresAt: key.expires_at,
            revokedAt: key.revoked_at,
            ...(key.admits_until === null ? {} : { ticket: { admitsUntil: key.admits_until, spent: key.spent } })
          },
    keySession: sessionOf("key"),
    pathSession: sessionOf("path"),
    sourceSession: sessionOf("source"),
    pathOwnedByOther: fact.path_owned_by_other
  }
}

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

/** Writes the first event of the session in `new`, and selects the admission: a new one, or an earlier one of the same connection. */
const outcome = `
  event as (
    insert into stream_events (stream_id, seq, type, at) select id, 1, 'admitted', started_at from new
  )
  select new.id, false as again, fit.id as key_id, fit.key_prefix from new, fit
  union all
  select s.id, true, fit.id, fit.key_prefix
  from fit join streams s on s.stream_key_id = fit.id
  where s.media_server = 'main' and s.source_id = $3 and s.path = $2
    and s.ended_at is null and s.stop_reason is null`

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

const runAdmission = prepared(admission)
const runTakeover = prepared(takeover)

const make = Effect.gen(function* () {
  const database = yield* AdmissionDatabase

  const admit: Admissions["Service"]["admit"] = Effect.fnUntraced(function* (request) {
    const rows = yield* database.run("Admissions.admit", (sql) => runAdmission(sql, request))
    return Arr.head(admittedRows(rows).map(admitted))
  })

  /** Tries once more after a conflict: another call may just have admitted the same connection, which a newer snapshot shows. */
  const takeOver: Admissions["Service"]["takeOver"] = Effect.fnUntraced(function* (request) {
    const rows = yield* database.run("Admissions.takeOver", (sql) =>
      runTakeover(sql, request).pipe(
        Effect.catchReason("SqlError", "UniqueViolation", () => runTakeover(sql, request)),
        Effect.catchReason("SqlError", "UniqueViolation", () => Effect.succeed([]))
      )
    )
    return Arr.head(admittedRows(rows).map(admitted))
  })

  const facts: Admissions["Service"]["facts"] = Effect.fnUntraced(function* ({ hash, path, sourceId }) {
    const found = yield* database.run(
      "Admissions.facts",
      (sql) => sql`
        select t.now, coalesce(o.owned, false) as path_owned_by_other,
          k.id as key_id, k.key_prefix, k.broadcaster_id, k.path as path_limit, k.enabled, k.expires_at, k.revoked_at,
          k.admits_until, k.admits_until is not null and exists (select from streams where stream_key_id = k.id) as spent,
          s.role, s.id as session_id, s.stream_key_id as session_key_id, s.path as session_path, s.source_id, s.protocol,
          s.started_at, s.ended_at is not null as ended, s.stop_reason is not null as stopping
        from (select clock_timestamp()::timestamptz(3) as now) t
        left join stream_keys k on k.hash = ${hash}
        left join lateral (
          select exists (
            select from stream_keys other
            where other.ingest_path = ${path} and ${sql.literal(ownsIngestPath)} and other.broadcaster_id <> k.broadcaster_id
          ) as owned
        ) o on true
        left join lateral (
          select 'source' as role, * from streams where media_server = 'main' and source_id = ${sourceId}
          union all
          select 'key', * from streams
          where stream_key_id = k.id and occupies_key_and_path(ended_at, stop_reason)
          union all
          select 'path', * from streams
          where media_server = 'main' and path = ${path} and occupies_key_and_path(ended_at, stop_reason)
        ) s on true`
    )
    return admissionFacts(found)
  })

  const endGone: Admissions["Service"]["endGone"] = Effect.fnUntraced(function* (streamId) {
    yield* database.run(
      "Admissions.endGone",
      (sql) => sql`
        with ended as (
          update streams set
            ended_at = clock_timestamp(),
            end_reason = coalesce(stop_reason, case when ready_at is null then 'never_ready' else 'disconnected' end),
            last_seq = last_seq + 1
          where id = ${streamId} and ended_at is null
          returning id, last_seq, ended_at, end_reason
        )
        insert into stream_events (stream_id, seq, type, at, data)
        select id, last_seq, 'ended', ended_at, jsonb_build_object('reason', end_reason) from ended`
    )
  })

  return Admissions.of({ admit, takeOver, facts, endGone })
})

export const layer: Layer.Layer<Admissions, never, AdmissionDatabase> = Layer.effect(Admissions, make)
