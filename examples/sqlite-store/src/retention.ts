/** Pruning. One transaction, so a usage is counted with the deletion of its stream, or not at all. */
import { Retention, usageDay, usageOf } from "@greenroom/core"
import { Effect } from "effect"
import { DAY_MS, millisOf } from "./page.ts"
import { Sqlite, type Tables } from "./Sqlite.ts"
import { type StreamRow, stateOf } from "./streamRows.ts"

/** SQLITE_BUSY: another process holds the lock. */
const BUSY = 5

type OldRow = StreamRow & { readonly by_worker: number }

const keepUsage = ({ run }: Tables, row: OldRow): void => {
  const state = stateOf(row)
  if (state._tag !== "Inactive") return
  const { streams, seconds, bytes } = usageOf(state, row.earlier_bytes + row.inbound_bytes)
  run(
    `insert into pruned_usage values (?, ?, ?, ?, ?, ?) on conflict do update set streams = streams + excluded.streams,
       seconds = seconds + excluded.seconds, bytes = bytes + excluded.bytes`,
    ...[row.broadcaster_id, usageDay(state), row.by_worker, streams, seconds, bytes]
  )
}

const pruneStreams = (tables: Tables, cutoff: number, limit: number): number => {
  const old = tables.all<OldRow>(
    `select s.*, k.admits_until is not null as by_worker from streams s join stream_keys k on k.id = s.stream_key_id
     where s.ended_at < ? order by s.started_at, s.id limit ?`,
    ...[cutoff, limit]
  )
  for (const row of old) {
    keepUsage(tables, row)
    tables.run("delete from streams where id = ?", row.id)
  }
  return old.length
}

const pruneKeys = ({ run }: Tables, cutoff: number, limit: number): number =>
  run(
    `delete from stream_keys where id in (select id from stream_keys k where coalesce(admits_until, revoked_at) < ?
       and not exists (select 1 from streams where stream_key_id = k.id) limit ?)`,
    ...[cutoff, limit]
  )

const isBusy = (cause: unknown): boolean =>
  typeof cause === "object" && cause !== null && "errcode" in cause && cause.errcode === BUSY

export const retention = Effect.map(Sqlite, ({ write }) =>
  Retention.of({
    prune: (keepDays, limit) =>
      write("Retention.prune", (tables, now) => {
        if (keepDays < 1 || limit < 1) throw new Error("history is kept for a day at least")
        const cutoff = millisOf(now) - keepDays * DAY_MS
        const streams = pruneStreams(tables, cutoff, limit)
        return { _tag: "Pruned" as const, streams, keys: streams < limit ? pruneKeys(tables, cutoff, limit) : 0 }
      }).pipe(
        Effect.catchTag("StoreUnavailable", (error) =>
          isBusy(error.cause) ? Effect.succeed({ _tag: "Busy" as const }) : Effect.fail(error)
        )
      )
  })
)
