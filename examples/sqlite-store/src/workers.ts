/** The records of the workers, and the keys that they publish with. */
import { randomUUID } from "node:crypto"
import {
  MEDIA_SERVER_BROADCASTER,
  type PipelineId,
  type ProcessRef,
  type StreamId,
  type WorkerRecord,
  type WorkerStateName,
  Workers
} from "@greenroom/core"
import { type DateTime, Effect, Option } from "effect"
import { holds } from "./leases.ts"
import { dateOf, maybeDateOf, millisOf, pageClause, pageOf } from "./page.ts"
import { Sqlite, type Tables } from "./Sqlite.ts"
import { ingestPathOf } from "./streamKeys.ts"

/** How long an unused worker's key stays after its time: an admission may still be running. */
const KEEP_UNUSED_KEY_MS = 60_000

interface WorkerRow {
  readonly id: string
  readonly record_id: string
  readonly state: string
  readonly reason: string | null
  readonly attempt: number
  readonly input_stream_id: string | null
  readonly output_stream_id: string | null
  readonly mark: string | null
  readonly retry_at: number | null
  readonly created_at: number
  readonly state_since: number
  readonly updated_at: number
}

export const recordOf = (row: WorkerRow): WorkerRecord => ({
  id: row.id as PipelineId,
  recordId: row.record_id,
  state: row.state as WorkerStateName,
  reason: row.reason,
  attempt: row.attempt,
  inputStreamId: row.input_stream_id as StreamId | null,
  outputStreamId: row.output_stream_id as StreamId | null,
  mark: row.mark === null ? null : (JSON.parse(row.mark) as ProcessRef),
  retryAt: maybeDateOf(row.retry_at),
  createdAt: dateOf(row.created_at),
  stateSince: dateOf(row.state_since),
  updatedAt: dateOf(row.updated_at)
})

const SAVE = `insert into workers (id, record_id, state, reason, attempt, input_stream_id, output_stream_id, mark, retry_at,
    created_at, state_since, updated_at)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?10, ?10, ?10)
  on conflict (id) do update set state = excluded.state, reason = excluded.reason, attempt = excluded.attempt,
    input_stream_id = excluded.input_stream_id, output_stream_id = excluded.output_stream_id, mark = excluded.mark,
    retry_at = excluded.retry_at, updated_at = excluded.updated_at,
    state_since = iif(workers.state = excluded.state, workers.state_since, excluded.state_since)`

interface Owner {
  readonly id: string
  /** The key of what the worker reads. */
  readonly source_key_id: string | null
}

/** The broadcaster and the key of a stream that is open and not being stopped. */
const ownerOfStream = ({ one }: Tables, source: StreamId): Owner | null =>
  one<Owner>(
    `select b.id, coalesce(k.source_key_id, k.id) as source_key_id
     from streams s join broadcasters b on b.id = s.broadcaster_id join stream_keys k on k.id = s.stream_key_id
     where s.id = ? and s.ended_at is null and s.stop_reason is null and b.deleted_at is null`,
    source
  )

/** The oldest key for the path and its broadcaster; without one, the media server's, which is made or comes back. */
const ownerOfPath = ({ one, run, version }: Tables, path: string, now: DateTime.Utc): Owner => {
  const key = one<Owner>(
    `select broadcaster_id as id, id as source_key_id from stream_keys where path = ? and revoked_at is null and admits_until is null
     order by created_at, id limit 1`,
    path
  )
  if (key !== null) return key
  const { id, displayName } = MEDIA_SERVER_BROADCASTER
  run(
    `insert into broadcasters (id, display_name, metadata, created_at, updated_at, version) values (?, ?, '{}', ?3, ?3, ?)
     on conflict (id) do update set deleted_at = null`,
    ...[id, displayName, millisOf(now), version]
  )
  return { id, source_key_id: null }
}

export const workers = Effect.map(Sqlite, ({ read, write }) =>
  Workers.of({
    list: (states, page) =>
      read("Workers.list", ({ all }, now) => {
        const { sql, values } = pageClause("created_at", "record_id", page)
        const asked = states === null ? null : JSON.stringify(states)
        const where = "(? is null or state in (select value from json_each(?)))"
        const rows = all<WorkerRow>(`select * from workers where ${where} ${sql}`, asked, asked, ...values)
        return pageOf(page, now, rows.map(recordOf), ({ createdAt, recordId }) => ({ at: createdAt, id: recordId }))
      }),
    find: (id) =>
      read("Workers.find", ({ one }) =>
        Option.map(Option.fromNullishOr(one<WorkerRow>("select * from workers where id = ?", id)), recordOf)
      ),
    unfinished: read("Workers.unfinished", ({ all }) =>
      all<WorkerRow>("select * from workers where state <> 'stopped' or mark is not null").map(recordOf)
    ),
    save: (changes, holder) =>
      write("Workers.save", (tables, at) => {
        if (!holds(tables, holder, at)) return false
        const now = millisOf(at)
        for (const { id, state, reason, attempt, inputStreamId, outputStreamId, retryInMillis, mark } of changes) {
          const process = mark === null ? null : JSON.stringify(mark)
          const retryAt = retryInMillis === null ? null : now + retryInMillis
          const values = [state, reason, attempt, inputStreamId, outputStreamId, process, retryAt, now]
          tables.run(SAVE, id, randomUUID(), ...values)
        }
        return true
      }),
    prune: (keep, holder) =>
      write("Workers.prune", (tables, at) => {
        if (!holds(tables, holder, at)) return
        tables.run(
          `delete from workers where id in (select id from workers
             where mark is null and (state = 'stopped' or (state = 'failed' and input_stream_id is null))
             order by state_since desc, record_id desc limit -1 offset ?)`,
          keep
        )
        tables.run(
          `delete from stream_keys where admits_until <= ?
             and not exists (select 1 from streams where stream_key_id = stream_keys.id)`,
          millisOf(at) - KEEP_UNUSED_KEY_MS
        )
      }),
    issueKey: ({ keyId, hash, keyPrefix, label, path, source, inputPath, admitWithinMillis }, holder) =>
      write("Workers.issueKey", (tables, at) => {
        if (!holds(tables, holder, at)) return false
        const owner = source === null ? ownerOfPath(tables, inputPath, at) : ownerOfStream(tables, source)
        if (owner === null) return false
        const now = millisOf(at)
        tables.run(
          `insert into stream_keys (id, hash, key_prefix, broadcaster_id, label, path, ingest_path, created_at, admits_until, source_key_id)
           values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          ...[keyId, hash, keyPrefix, owner.id, label, path, ingestPathOf(path, keyId), now, now + admitWithinMillis],
          owner.source_key_id
        )
        return true
      })
  })
)
