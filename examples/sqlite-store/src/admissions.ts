/** Admissions. A transaction is one step, so `decideAdmission` over facts of the same transaction is the whole rule. */
import {
  type AdmissionFacts,
  type AdmissionRequest,
  Admissions,
  type Admitted,
  type BroadcasterId,
  canSupersede,
  decideAdmission,
  endReasonOf,
  type FactsRequest,
  type KeyFacts,
  type PathLimitText,
  type StreamKeyId,
  TAKEOVERS_MOST,
  type Takeover
} from "@greenroom/core"
import { type DateTime, Effect, Option } from "effect"
import { dateOf, maybeDateOf, maybeMillisOf, millisOf } from "./page.ts"
import { Sqlite, type Tables } from "./Sqlite.ts"
import { blockOf, isOwnedByOther, type KeyRow } from "./streamKeys.ts"
import { applyChange, findStream, type StreamRow, sessionFacts, stateOf, writeEvent } from "./streamRows.ts"

const keyOf = (row: KeyRow): KeyFacts => ({
  id: row.id as StreamKeyId,
  prefix: row.key_prefix,
  broadcasterId: row.broadcaster_id as BroadcasterId,
  path: row.path as PathLimitText | null,
  enabled: row.enabled === 1,
  expiresAt: maybeDateOf(row.expires_at),
  revokedAt: maybeDateOf(row.revoked_at),
  revokesAt: maybeDateOf(row.revokes_at),
  rotatedFrom: row.rotated_from as StreamKeyId | null,
  block: blockOf(row),
  ...(row.admits_until === null
    ? {}
    : { ticket: { admitsUntil: dateOf(row.admits_until), spent: row.last_used_at !== null } })
})

const keyRow = ({ one }: Tables, { hash, streamKeyId }: FactsRequest) =>
  hash === undefined
    ? one<KeyRow>("select *, null as active_stream_id from stream_keys where id = ?", streamKeyId)
    : one<KeyRow>("select *, null as active_stream_id from stream_keys where hash = ?", hash)

const takeoversOf = ({ all }: Tables, keyId: string | null): ReadonlyArray<DateTime.Utc> =>
  all<{ readonly at: number }>(
    `select stop_requested_at as at from streams where stream_key_id = ? and stop_reason = 'superseded'
     order by stop_requested_at desc limit ${TAKEOVERS_MOST}`,
    keyId
  ).map(({ at }) => dateOf(at))

const factsOf = (tables: Tables, request: FactsRequest, now: DateTime.Utc): AdmissionFacts => {
  const row = keyRow(tables, request)
  const inTheWay = "ended_at is null and stop_reason is not 'superseded'"
  const session = (where: string, value: string | null) => {
    const found = value === null ? null : tables.one<StreamRow>(`select * from streams where ${where}`, value)
    return found === null ? null : sessionFacts(found)
  }
  return {
    now,
    key: row === null ? null : keyOf(row),
    keySession: session(`stream_key_id = ? and ${inTheWay}`, row?.id ?? null),
    pathSession: session(`path = ? and ${inTheWay}`, request.path),
    sourceSession: session("source_id = ?", request.sourceId),
    takeovers: takeoversOf(tables, row?.id ?? null),
    pathOwnedByOther: row !== null && isOwnedByOther(tables, request.path, row.broadcaster_id)
  }
}

const write = (tables: Tables, request: AdmissionRequest, now: DateTime.Utc): Admitted => {
  const key = keyRow(tables, request)!
  const { streamId, path, protocol, sourceId } = request
  tables.run(
    `insert into streams (id, stream_key_id, broadcaster_id, path, protocol, source_id, title, started_at, version)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[streamId, key.id, key.broadcaster_id, path, protocol, sourceId, key.label, millisOf(now), tables.version]
  )
  writeEvent(tables, streamId, 1, { type: "admitted" }, now)
  tables.run("update stream_keys set last_used_at = ? where id = ?", millisOf(now), key.id)
  return { streamId, key: { id: key.id as StreamKeyId, prefix: key.key_prefix }, again: false }
}

const admit = (tables: Tables, request: AdmissionRequest, now: DateTime.Utc): Option.Option<Admitted> => {
  const decision = decideAdmission(request, factsOf(tables, request, now))
  if (decision._tag === "Admit") return Option.some(write(tables, request, now))
  return decision._tag === "Again"
    ? Option.some({ streamId: decision.streamId, key: decision.key, again: true })
    : Option.none()
}

/** Supersedes the sessions in the way, if each of them may be, and the key was not taken over since the decision. */
const takeOver = (
  tables: Tables,
  request: AdmissionRequest,
  { of, lastSeen }: Takeover,
  now: DateTime.Utc
): Option.Option<Admitted> => {
  const facts = factsOf(tables, request, now)
  const decision = decideAdmission(request, facts)
  if (decision._tag !== "InUse") return admit(tables, request, now)
  const newest = facts.takeovers[0]
  const isLate = of === "own" && newest !== undefined && millisOf(newest) > (maybeMillisOf(lastSeen) ?? 0)
  if (isLate || !canSupersede(decision.by, facts, of)) return Option.none()
  for (const { streamId } of decision.by) {
    applyChange(tables, streamId, { type: "stop_requested", reason: "superseded" }, now)
  }
  return admit(tables, request, now)
}

export const admissions = Effect.map(Sqlite, ({ read, write: inTransaction }) =>
  Admissions.of({
    admit: (request) => inTransaction("Admissions.admit", (tables, now) => admit(tables, request, now)),
    takeOver: (request, takeover) =>
      inTransaction("Admissions.takeOver", (tables, now) => takeOver(tables, request, takeover, now)),
    facts: (request) => read("Admissions.facts", (tables, now) => factsOf(tables, request, now)),
    endGone: (streamId) =>
      inTransaction("Admissions.endGone", (tables, now) => {
        const row = findStream(tables, streamId)
        const state = row === null ? null : stateOf(row)
        if (state === null || state._tag === "Inactive") return
        applyChange(tables, streamId, { type: "ended", reason: endReasonOf(state, "left") }, now)
      })
  })
)
