/** The sessions, as the reconciler reads and changes them. */
import { endReasonOf, Sessions, type StopReason, type StoredSession, type StreamId, whyInvalid } from "@greenroom/core"
import { type DateTime, Effect } from "effect"
import { holds } from "./leases.ts"
import { maybeDateOf, millisOf } from "./page.ts"
import { Sqlite, type Tables } from "./Sqlite.ts"
import { applyChange, findStream, type StreamRow, stateOf, storedSession } from "./streamRows.ts"

const IN = "(select value from json_each(?))"

/** Open sessions. One that has not changed since the last reading is the same value: a pass sees quickly that nothing has changed. */
const makeReader = () => {
  let known = new Map<string, { readonly version: number; readonly session: StoredSession }>()
  const sessionOf = (row: StreamRow): ReadonlyArray<StoredSession> => {
    const before = known.get(row.id)
    const session = before?.version === row.version ? before.session : storedSession(row)
    return session === null ? [] : [session]
  }
  const open = ({ all }: Tables): ReadonlyArray<StoredSession> => {
    const rows = all<StreamRow>("select * from streams where ended_at is null order by started_at, id")
    const sessions = rows.flatMap(sessionOf)
    known = new Map(sessions.map((session, n) => [session.streamId, { version: rows[n]!.version, session }]))
    return sessions
  }
  const some = ({ all }: Tables, where: string, values: ReadonlyArray<string>) =>
    all<StreamRow>(
      `select * from streams where ended_at is null and ${where} in ${IN}`,
      JSON.stringify(values)
    ).flatMap(sessionOf)
  return { open, some }
}

interface DueRow {
  readonly id: string
  readonly deleted_at: number | null
  readonly revoked_at: number | null
  readonly revokes_at: number | null
  readonly expires_at: number | null
  readonly enabled: number
}

/** The first reason to stop the stream that follows from its key and its broadcaster. */
const dueReason = (
  { deleted_at, revoked_at, revokes_at, expires_at, enabled }: DueRow,
  now: DateTime.Utc
): StopReason | null =>
  deleted_at !== null
    ? "broadcaster_deleted"
    : whyInvalid(
        {
          revokedAt: maybeDateOf(revoked_at),
          revokesAt: maybeDateOf(revokes_at),
          expiresAt: maybeDateOf(expires_at),
          enabled: enabled === 1
        },
        now
      )

const SELECT_DUE = `select s.id, b.deleted_at, k.revoked_at, k.revokes_at, k.expires_at, k.enabled from streams s
  join stream_keys k on k.id = s.stream_key_id join broadcasters b on b.id = s.broadcaster_id
  where s.ended_at is null and s.stop_reason is null`

export const sessions = Effect.map(Sqlite, ({ read, write }) => {
  const { open, some } = makeReader()
  return Sessions.of({
    open: read("Sessions.open", (tables, now) => ({ now, open: open(tables) })),
    after: (listed) =>
      read("Sessions.after", (tables, now) => {
        const former = `select source_id as id from streams where ended_at is not null and source_id in ${IN}`
        const ended = tables.all<{ readonly id: string }>(former, JSON.stringify(listed))
        return { now, open: open(tables), formerlyAdmitted: new Set(ended.map(({ id }) => id)) }
      }),
    requestStopsForInvalidKeys: write(
      "Sessions.requestStopsForInvalidKeys",
      (tables, now) =>
        tables.all<DueRow>(SELECT_DUE).filter((row) => {
          const reason = dueReason(row, now)
          return reason !== null && applyChange(tables, row.id as StreamId, { type: "stop_requested", reason }, now)
        }).length
    ),
    requestStop: (streamId, reason, by) =>
      write(
        "Sessions.requestStop",
        (tables, now) =>
          holds(tables, by, now) && applyChange(tables, streamId, { type: "stop_requested", reason }, now)
      ),
    markReady: (ready, by) =>
      write("Sessions.markReady", (tables, now) => {
        if (!holds(tables, by, now)) return
        for (const { streamId, sourceType } of ready) applyChange(tables, streamId, { type: "ready", sourceType }, now)
      }),
    markKicked: (streamIds, by) =>
      write("Sessions.markKicked", (tables, now) => {
        if (!holds(tables, by, now)) return
        for (const streamId of streamIds) applyChange(tables, streamId, { type: "kicked" }, now)
      }),
    end: (streamIds, cause, by) =>
      write("Sessions.end", (tables, now) => {
        if (!holds(tables, by, now)) return []
        return streamIds.filter((id) => {
          const row = findStream(tables, id)
          const state = row === null ? null : stateOf(row)
          if (state === null || state._tag === "Inactive") return false
          return applyChange(tables, id, { type: "ended", reason: endReasonOf(state, cause) }, now)
        })
      }),
    observe: (observations, by) =>
      write("Sessions.observe", (tables, now) => {
        if (!holds(tables, by, now)) return
        for (const { streamId, observation } of observations) {
          const { tracks, viewerCount, inboundBytes } = observation
          // MediaMTX counts from 0 again when a source paused: what was counted before that is kept apart.
          tables.run(
            `update streams set tracks = ?, viewer_count = ?, earlier_bytes = earlier_bytes + iif(?3 < inbound_bytes, inbound_bytes, 0),
               inbound_bytes = ?3, state_as_of = ?, version = ? where id = ? and ended_at is null`,
            ...[JSON.stringify(tracks), viewerCount, inboundBytes, millisOf(now), tables.version, streamId]
          )
        }
      }),
    stillOpen: (streamIds) => read("Sessions.stillOpen", (tables) => some(tables, "id", streamIds)),
    bySource: (sourceIds) => read("Sessions.bySource", (tables) => some(tables, "source_id", sourceIds))
  })
})
