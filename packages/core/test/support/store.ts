/**
 * The store of a stage: rows that move as the state machine says, keys, and one lease. It keeps the laws of its ports, has one media
 * server, and forgets nothing.
 */
import {
  type AdmissionRequest,
  Admissions,
  type Admitted,
  applyEvent,
  decideAdmission,
  endReasonOf,
  type FactsRequest,
  type KeyFacts,
  Leases,
  type Observation,
  type PassRecord,
  type PassSummary,
  type SessionChange,
  type SessionFacts,
  type SessionState,
  Sessions,
  type Source,
  type StopReason,
  type StoredSession,
  StoreHealth,
  type StoreUnavailable,
  type StreamEvent,
  type StreamId,
  type StreamKeyId,
  whyInvalid
} from "@greenroom/core"
import { type DateTime, Effect, Layer, Option, Result } from "effect"
import type { Port } from "./calls.ts"

export interface Row {
  readonly streamId: StreamId
  readonly streamKeyId: StreamKeyId
  readonly path: string
  readonly source: Source
  state: SessionState
  readonly events: Array<StreamEvent>
  observation: Observation | null
}

export const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")
const isUnended = (row: Row): boolean => row.state._tag !== "Inactive"
const stored = (row: Row): StoredSession => ({ ...row, state: row.state as StoredSession["state"] })
const isSuperseded = (row: Row): boolean => row.state.ending?.reason === "superseded"

export const makeStore = (port: Port) => {
  const rows = new Map<StreamId, Row>()
  /** By the hash of their value, in hexadecimal. */
  const keys = new Map<string, KeyFacts>()
  const lease = {
    holder: null as string | null,
    until: 0,
    started: null as string | null,
    enforceUntil: 0,
    lastLook: null as { readonly at: number; readonly found: PassSummary } | null
  }

  /** The event is written, numbered next, if the state machine takes it. */
  const move = (row: Row | undefined, happening: SessionChange, at: DateTime.Utc): boolean => {
    if (row === undefined) return false
    const event: StreamEvent = { ...happening, seq: row.events.length + 1, at }
    const next = applyEvent(row.state, event)
    if (Result.isFailure(next)) return false
    row.state = next.success
    row.events.push(event)
    return true
  }
  const end = (row: Row | undefined, cause: "left" | "media_server_restarted", at: DateTime.Utc): boolean =>
    row !== undefined &&
    row.state._tag !== "Inactive" &&
    move(row, { type: "ended", reason: endReasonOf(row.state, cause) }, at)

  const insert = (row: Pick<Row, "streamId" | "streamKeyId" | "path" | "source">, at: DateTime.Utc): Row => {
    const state: SessionState = { _tag: "Connecting", startedAt: at, ending: null }
    const whole: Row = { ...row, state, events: [{ type: "admitted", seq: 1, at }], observation: null }
    rows.set(row.streamId, whole)
    return whole
  }

  const factsOf = (row: Row | undefined): SessionFacts | null =>
    row === undefined
      ? null
      : {
          streamId: row.streamId,
          streamKeyId: row.streamKeyId,
          path: row.path,
          source: row.source,
          startedAt: row.state.startedAt,
          ended: !isUnended(row),
          stopping: isUnended(row) && row.state.ending !== null
        }
  const facts = (now: DateTime.Utc, request: FactsRequest) => {
    const key = keys.get(hex(request.hash)) ?? null
    const claims = [...rows.values()].filter((row) => isUnended(row) && !isSuperseded(row))
    return {
      now,
      key,
      keySession: factsOf(claims.find((row) => row.streamKeyId === key?.id)),
      pathSession: factsOf(claims.find((row) => row.path === request.path)),
      sourceSession: factsOf([...rows.values()].find((row) => row.source.id === request.sourceId)),
      pathOwnedByOther: false
    }
  }

  const admit = (request: AdmissionRequest, now: DateTime.Utc, takeOver: boolean): Option.Option<Admitted> => {
    const known = facts(now, request)
    const decision = decideAdmission(request, known)
    if (decision._tag === "Again") return Option.some({ streamId: decision.streamId, key: decision.key, again: true })
    if (known.key === null || decision._tag === "Refuse") return Option.none()
    const { id, prefix } = known.key
    if (decision._tag === "InUse") {
      if (!takeOver || decision.by.some((one) => one.streamKeyId !== id || one.stopping)) return Option.none()
      for (const one of decision.by) move(rows.get(one.streamId), { type: "stop_requested", reason: "superseded" }, now)
    }
    insert({ ...request, streamKeyId: id, source: { protocol: request.protocol, id: request.sourceId } }, now)
    return Option.some({ streamId: request.streamId, key: { id, prefix }, again: false })
  }

  const held = (by: string | null, now: DateTime.Utc): boolean =>
    by === null || (lease.holder === by && lease.until > now.epochMilliseconds)
  const layer = Layer.mergeAll(
    Layer.succeed(Sessions)({
      open: Effect.suspend(
        port("Sessions.open", (now) => ({ now, open: [...rows.values()].filter(isUnended).map(stored) }))
      ),
      after: port("Sessions.after", (now, listed: ReadonlyArray<string>) => ({
        now,
        open: [...rows.values()].filter(isUnended).map(stored),
        formerlyAdmitted: new Set(
          [...rows.values()]
            .filter((row) => !isUnended(row) && listed.includes(row.source.id))
            .map((row) => row.source.id)
        )
      })),
      requestStopsForInvalidKeys: Effect.suspend(
        port("Sessions.requestStopsForInvalidKeys", (now) => {
          const due = [...keys.values()].flatMap((key) => {
            const reason = whyInvalid(key, now)
            return reason === null
              ? []
              : [...rows.values()].filter((row) => row.streamKeyId === key.id).map((row) => ({ row, reason }))
          })
          return due.filter(({ row, reason }) => move(row, { type: "stop_requested", reason }, now)).length
        })
      ),
      requestStop: port(
        "Sessions.requestStop",
        (now, id: StreamId, reason: StopReason, by: string | null) =>
          held(by, now) && move(rows.get(id), { type: "stop_requested", reason }, now)
      ),
      markReady: port(
        "Sessions.markReady",
        (now, ready: ReadonlyArray<{ streamId: StreamId; sourceType: string }>, by: string | null) => {
          for (const one of held(by, now) ? ready : []) {
            move(rows.get(one.streamId), { type: "ready", sourceType: one.sourceType }, now)
          }
        }
      ),
      markKicked: port("Sessions.markKicked", (now, ids: ReadonlyArray<StreamId>, by: string | null) => {
        for (const id of held(by, now) ? ids : []) move(rows.get(id), { type: "kicked" }, now)
      }),
      end: port(
        "Sessions.end",
        (now, ids: ReadonlyArray<StreamId>, cause: "left" | "media_server_restarted", by: string | null) =>
          ids.filter((id) => held(by, now) && end(rows.get(id), cause, now))
      ),
      observe: port(
        "Sessions.observe",
        (now, seen: ReadonlyArray<{ streamId: StreamId; observation: Observation }>, by: string | null) => {
          for (const one of held(by, now) ? seen : []) {
            const row = rows.get(one.streamId)
            if (row !== undefined) row.observation = one.observation
          }
        }
      ),
      stillOpen: port("Sessions.stillOpen", (_, ids: ReadonlyArray<StreamId>) =>
        [...rows.values()].filter((row) => isUnended(row) && ids.includes(row.streamId)).map(stored)
      ),
      bySource: port("Sessions.bySource", (_, ids: ReadonlyArray<string>) =>
        [...rows.values()].filter((row) => isUnended(row) && ids.includes(row.source.id)).map(stored)
      )
    }),
    Layer.succeed(Admissions)({
      admit: port("Admissions.admit", (now, request) => admit(request, now, false)),
      takeOver: port("Admissions.takeOver", (now, request) => admit(request, now, true)),
      facts: port("Admissions.facts", facts),
      endGone: port("Admissions.endGone", (now, id: StreamId) => {
        end(rows.get(id), "left", now)
      })
    }),
    Layer.succeed(StoreHealth)({
      ping: Effect.suspend(() => port<[], void, StoreUnavailable>("StoreHealth.ping", () => {})())
    }),
    Layer.succeed(Leases)({
      acquire: port("Leases.acquire", (now, holder: string, ttl: number) => {
        const free = lease.holder === null || lease.holder === holder || lease.until <= now.epochMilliseconds
        if (free) Object.assign(lease, { holder, until: now.epochMilliseconds + ttl })
        const { started, enforceUntil, lastLook } = lease
        const age = lastLook === null ? null : { ageMillis: now.epochMilliseconds - lastLook.at, found: lastLook.found }
        const leftMillis = lease.until - now.epochMilliseconds
        return { held: free, leftMillis, started, enforce: enforceUntil > now.epochMilliseconds, lastSnapshot: age }
      }),
      recordPass: port("Leases.recordPass", (now, holder: string, memory: PassRecord) => {
        if (!held(holder, now)) return
        lease.started = memory.started
        lease.lastLook = { at: memory.lookedAt.epochMilliseconds, found: memory.found }
        if (memory.fulfilled) lease.enforceUntil = 0
      }),
      requestEnforcement: port("Leases.requestEnforcement", (now, millis: number) => {
        lease.enforceUntil = Math.max(lease.enforceUntil, now.epochMilliseconds + millis)
      }),
      release: port("Leases.release", (_, holder: string) => {
        if (lease.holder === holder) lease.holder = null
      })
    })
  )
  return { layer, rows, keys, lease, move, insert }
}
