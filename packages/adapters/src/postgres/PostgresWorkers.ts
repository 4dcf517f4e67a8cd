/**
 * The records of the workers and their keys, in PostgreSQL. A write locks the lease's row, as a change of a session does. An
 * instance that has lost the lease therefore writes nothing and gets no key. The supervisor's calls use the reconciler's client, because a
 * list must not delay the start of a worker.
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import {
  MEDIA_SERVER_BROADCASTER,
  PipelineId,
  StreamId,
  StreamKeyId,
  type WorkerRecord,
  Workers,
  workerStates
} from "@greenroom/core"
import { Array as Arr, Effect, Schema } from "effect"
import { GeneralDatabase, ReconcilerDatabase } from "./Database.ts"
import type { Names } from "./names.ts"
import { leaseOf } from "./PostgresSessions.ts"
import { At, limitTo, MaybeAt, MaybeText, onPage, pageOf, rowsAtOf, rowsOf } from "./rows.ts"

export const WorkerRow = Schema.Struct({
  id: Schema.String,
  pipeline: PipelineId,
  state: Schema.Literals(workerStates),
  reason: MaybeText,
  attempt: Schema.Int,
  input_stream_id: Schema.NullOr(StreamId),
  output_stream_id: Schema.NullOr(StreamId),
  retry_at: MaybeAt,
  host: MaybeText,
  pid: Schema.NullOr(Schema.Int),
  process_started: MaybeText,
  created_at: At,
  state_since: At,
  updated_at: At
})

const columns = `w.id, w.pipeline, w.state, w.reason, w.attempt, w.input_stream_id, w.output_stream_id, w.retry_at, w.host, w.pid,
  w.process_started, w.created_at, w.state_since, w.updated_at`

export const workerRecord = (row: typeof WorkerRow.Type): WorkerRecord => ({
  recordId: row.id,
  id: row.pipeline,
  state: row.state,
  reason: row.reason,
  attempt: row.attempt,
  inputStreamId: row.input_stream_id,
  outputStreamId: row.output_stream_id,
  retryAt: row.retry_at,
  mark:
    row.host === null || row.pid === null || row.process_started === null
      ? null
      : { host: row.host, pid: row.pid, startedAt: row.process_started },
  createdAt: row.created_at,
  stateSince: row.state_since,
  updatedAt: row.updated_at
})

/** A statement has a second. The next pruning deletes the rest. */
const PRUNED_AT_ONCE = 5_000

const rows = rowsOf(WorkerRow)
const rowsAt = rowsAtOf(WorkerRow)
const keyIds = rowsOf(Schema.Struct({ id: StreamKeyId }))

/** `owner`: the broadcaster and the key of the stream, while the stream is open and not being stopped. */
const broadcasterOf = (sql: PgClient, n: Names, source: StreamId, held: ReturnType<typeof leaseOf>["held"]) => sql`
  owner as materialized (
    select k.broadcaster_id as id, coalesce(k.source_key_id, k.id) as source_key
    from ${n.streams} s join ${n.stream_keys} k on k.id = s.stream_key_id join ${n.broadcasters} b on b.id = k.broadcaster_id
    where s.id = ${source} and s.ended_at is null and s.stop_reason is null and b.deleted_at is null and ${held}
    for share of b
  )`

/** `owner`: the oldest key for the path, and its broadcaster. Without one it is the media server's broadcaster, inserted if missing. */
const ownerOf = (sql: PgClient, n: Names, path: string, held: ReturnType<typeof leaseOf>["held"]) => sql`
  owner_of_path as materialized (
    select k.broadcaster_id as id, k.id as source_key from ${n.stream_keys} k join ${n.broadcasters} b on b.id = k.broadcaster_id
    where k.path = ${path} and k.revoked_at is null and k.admits_until is null and b.deleted_at is null
    order by k.created_at, k.id limit 1 for share of b
  ), made as (
    insert into ${n.broadcasters} (id, display_name)
    select ${MEDIA_SERVER_BROADCASTER.id}::uuid, ${MEDIA_SERVER_BROADCASTER.displayName}
    where ${held} and not exists (select from owner_of_path)
    on conflict (id) do update set deleted_at = null
    returning id
  ), owner as materialized (
    select id, source_key from owner_of_path where ${held} union all select id, null from made
  )`

export const make: Effect.Effect<Workers["Service"], never, GeneralDatabase | ReconcilerDatabase> = Effect.gen(
  function* () {
    const general = yield* GeneralDatabase
    const database = yield* ReconcilerDatabase
    const n = database.names

    const list: Workers["Service"]["list"] = Effect.fn("Workers.list")(function* (states, page) {
      const found = yield* general.run(
        "Workers.list",
        (sql) => sql`
        select t.now, ${sql.literal(columns)}
        from (select clock_timestamp()::timestamptz(3) as now) t
        left join lateral (
          select * from ${n.workers} w
          where (${states}::text[] is null or w.state = any(${states}::text[])) and ${onPage(sql, "w.created_at, w.id", page)}
          order by w.created_at desc, w.id desc
          ${limitTo(sql, page)}
        ) w on true
        order by w.created_at desc, w.id desc`
      )
      const { now, items } = rowsAt(found)
      return pageOf(page, now, items.map(workerRecord), (item) => ({ at: item.createdAt, id: item.recordId }))
    })

    const find: Workers["Service"]["find"] = Effect.fn("Workers.find")(function* (id) {
      const found = yield* general.run(
        "Workers.find",
        (sql) => sql`select ${sql.literal(columns)} from ${n.workers} w where w.pipeline = ${id}`
      )
      return Arr.head(rows(found).map(workerRecord))
    })

    const unfinished: Workers["Service"]["unfinished"] = database
      .run(
        "Workers.unfinished",
        (sql) => sql`select ${sql.literal(columns)} from ${n.workers} w where w.state <> 'stopped' or w.pid is not null`
      )
      .pipe(
        Effect.map((found) => rows(found).map(workerRecord)),
        Effect.withSpan("Workers.unfinished")
      )

    const save: Workers["Service"]["save"] = Effect.fn("Workers.save")(function* (changes, holder) {
      if (changes.length === 0) return true
      const written = changes.map(({ mark, ...change }) => ({
        ...change,
        host: mark?.host ?? null,
        pid: mark?.pid ?? null,
        processStarted: mark?.startedAt ?? null
      }))
      const saved = yield* database.runWriting("Workers.save", (sql) => {
        const { lease, held } = leaseOf(sql, n, holder)
        return sql`
        with ${lease}
        insert into ${n.workers} as w (pipeline, state, reason, attempt, input_stream_id, output_stream_id, retry_at, host, pid,
          process_started, holder, created_at, state_since, updated_at)
        select r.id, r.state, r.reason, r.attempt, r."inputStreamId", r."outputStreamId",
          t.now + r."retryInMillis" * interval '1 millisecond', r.host, r.pid, r."processStarted", ${holder}, t.now, t.now, t.now
        from (select clock_timestamp() as now) t, jsonb_to_recordset(${sql.json(written)}) as r(
          id text, state text, reason text, attempt integer, "inputStreamId" uuid, "outputStreamId" uuid, "retryInMillis" float8,
          host text, pid integer, "processStarted" text)
        where ${held}
        order by r.id
        on conflict (pipeline) do update set
          state = excluded.state, reason = excluded.reason, attempt = excluded.attempt,
          input_stream_id = excluded.input_stream_id, output_stream_id = excluded.output_stream_id,
          retry_at = excluded.retry_at, host = excluded.host, pid = excluded.pid, process_started = excluded.process_started,
          holder = excluded.holder, updated_at = excluded.updated_at,
          state_since = case when w.state = excluded.state then w.state_since else excluded.state_since end
        returning w.pipeline`
      })
      return saved.length > 0
    })

    const issueKey: Workers["Service"]["issueKey"] = Effect.fn("Workers.issueKey")(function* (order, holder) {
      const issued = yield* database.runWriting("Workers.issueKey", (sql) => {
        const { lease, held } = leaseOf(sql, n, holder)
        return sql`
        with ${lease}, ${order.source === null ? ownerOf(sql, n, order.inputPath, held) : broadcasterOf(sql, n, order.source, held)}
        insert into ${n.stream_keys} (id, broadcaster_id, hash, key_prefix, label, path, source_key_id, admits_until)
        select ${order.keyId}::uuid, owner.id, ${order.hash}, ${order.keyPrefix}::text, ${order.label}::text,
          ${order.path}::text, owner.source_key, clock_timestamp() + ${order.admitWithinMillis}::float8 * interval '1 millisecond'
        from owner
        returning id`
      })
      return keyIds(issued).length > 0
    })

    const prune: Workers["Service"]["prune"] = Effect.fn("Workers.prune")(function* (keep, holder) {
      yield* database.run("Workers.prune", (sql) => {
        const { lease, held } = leaseOf(sql, n, holder)
        return sql`
        with ${lease}
        delete from ${n.workers} where ${held} and id = any(array(
          select id from ${n.workers}
          where pid is null and (state = 'stopped' or (state = 'failed' and input_stream_id is null))
          order by state_since desc, id desc
          offset ${keep}::int limit ${PRUNED_AT_ONCE}::int
        ))`
      })
      yield* database.run("Workers.pruneKeys", (sql) => {
        const { lease, held } = leaseOf(sql, n, holder)
        return sql`
        with ${lease}
        delete from ${n.stream_keys} k
        where k.admits_until between clock_timestamp() - interval '1 day' and clock_timestamp() - interval '1 minute' and ${held}
          and not exists (select from ${n.streams} s where s.stream_key_id = k.id)`
      })
    })

    return Workers.of({ list, find, unfinished, save, prune, issueKey })
  }
)
