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
import { Array as Arr, DateTime, Effect, Schema } from "effect"
import { admissionStatements } from "./admissionStatements.ts"
import { AdmissionDatabase } from "./Database.ts"
import { limitsLocks } from "./databaseLimits.ts"
import { BlockColumns, blockOf } from "./PostgresStreamKeys.ts"
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
  revokes_at: MaybeAt,
  rotated_from: Schema.NullOr(StreamKeyId),
  ...BlockColumns,
  admits_until: MaybeAt,
  spent: Schema.Boolean
})

const SessionRow = Schema.Struct({
  role: Schema.Literals(["key", "path", "source", "superseded"]),
  session_id: StreamId,
  session_key_id: StreamKeyId,
  session_path: Schema.String,
  source_id: Schema.String,
  protocol: Schema.NullOr(Protocol),
  started_at: At,
  stop_requested_at: MaybeAt,
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
            revokesAt: key.revokes_at,
            rotatedFrom: key.rotated_from,
            block: blockOf(key),
            ...(key.admits_until === null ? {} : { ticket: { admitsUntil: key.admits_until, spent: key.spent } })
          },
    keySession: sessionOf("key"),
    pathSession: sessionOf("path"),
    sourceSession: sessionOf("source"),
    takeovers: sessions
      .flatMap(({ role, stop_requested_at: at }) => (role === "superseded" && at !== null ? [at] : []))
      .toSorted(DateTime.Order)
      .toReversed(),
    pathOwnedByOther: fact.path_owned_by_other
  }
}

export const make: Effect.Effect<Admissions["Service"], never, AdmissionDatabase> = Effect.gen(function* () {
  const database = yield* AdmissionDatabase

  const statements = admissionStatements(database.names, limitsLocks(database.lockMillis))

  const admit: Admissions["Service"]["admit"] = Effect.fnUntraced(function* (request) {
    const rows = yield* database.runWriting("Admissions.admit", (sql, setsLimit) =>
      statements.admit(sql, setsLimit, request)
    )
    return Arr.head(admittedRows(rows).map(admitted))
  })

  /** Tries once more after a conflict: another call may just have admitted the same connection, which a newer snapshot shows. */
  const takeOver: Admissions["Service"]["takeOver"] = Effect.fnUntraced(function* (request, takeover) {
    const rows = yield* database.runWriting("Admissions.takeOver", (sql, setsLimit) =>
      statements.takeOver(sql, setsLimit, request, takeover).pipe(
        Effect.catchReason("SqlError", "UniqueViolation", () => statements.takeOver(sql, setsLimit, request, takeover)),
        Effect.catchReason("SqlError", "UniqueViolation", () => Effect.succeed([]))
      )
    )
    return Arr.head(admittedRows(rows).map(admitted))
  })

  const facts: Admissions["Service"]["facts"] = Effect.fnUntraced(function* (ask) {
    return admissionFacts(yield* database.run("Admissions.facts", (sql) => statements.facts(sql, ask)))
  })

  const endGone: Admissions["Service"]["endGone"] = Effect.fnUntraced(function* (streamId) {
    yield* database.runWriting("Admissions.endGone", (sql, setsLimit) => statements.endGone(sql, setsLimit, streamId))
  })

  return Admissions.of({ admit, takeOver, facts, endGone })
})
