/**
 * Admissions in PostgreSQL. An admission is one statement and one commit. It locks the key's row and checks the key again, because
 * the key may have changed during the wait. Then it inserts the session and its first event, if the unique indexes permit it.
 * READ COMMITTED suffices: a revocation updates the same row, so one of the two waits for the other. A second statement reads why nothing was
 * written, because only its newer database snapshot shows the session that came first.
 */
import {
  type AdmissionFacts,
  Admissions,
  type Admitted,
  BroadcasterId,
  PathLimitText,
  Protocol,
  type SessionFacts,
  StreamId,
  StreamKeyId
} from "@greenroom/core"
import { Array as Arr, Effect, Schema } from "effect"
import { runAdmission, runTakeover } from "./admissionStatements.ts"
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

export const make: Effect.Effect<Admissions["Service"], never, AdmissionDatabase> = Effect.gen(function* () {
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
