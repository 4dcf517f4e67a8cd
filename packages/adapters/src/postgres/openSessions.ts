/**
 * The open sessions, which each pass reads once or twice. Most passes find the same, and reading ten thousand rows again takes half a second.
 * So each statement also gives a fingerprint of them, computed by the database in the same snapshot, and their rows only when it is not the one
 * that is known. The fingerprint is the sum of a 64-bit hash of each session's id and `last_seq`. A trigger numbers every change of a
 * session, so a changed session has another hash; ids are random, so two sets of sessions have the same sum once in 2^64.
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import type { Sessions, StoredSession } from "@greenroom/core"
import { Effect, Schema } from "effect"
import type { Database } from "./Database.ts"
import type { Names } from "./names.ts"
import { At, type Row, rowsOf } from "./rows.ts"
import { SessionRow, sessionColumns, storedSession } from "./streamRows.ts"

const decodeSession = Schema.decodeUnknownSync(SessionRow)
const sessionOf = (row: Row): StoredSession => storedSession(decodeSession(row))
const heads = rowsOf(Schema.Struct({ now: At, fingerprint: Schema.String, former: Schema.Array(Schema.String) }))

interface Known {
  readonly fingerprint: string
  /** The same array (`===`) while the sessions are the same. */
  readonly open: ReadonlyArray<StoredSession>
  /** By id and `last_seq`, which together name a state of a session. */
  readonly byState: ReadonlyMap<string, StoredSession>
  readonly sourceIds: ReadonlySet<string>
}

const isOpen = "s.media_server = 'main' and s.ended_at is null"

/** `listed`: which source ids are looked up among the sessions that have ended. */
const statement = (sql: PgClient, n: Names, known: Known | null, listed: ReadonlyArray<string>) => sql`
  select t.now, t.fingerprint, t.former, s.last_seq, ${sql.literal(sessionColumns)}
  from (
    select clock_timestamp()::timestamptz(3) as now, (
      select concat(count(*), ':', sum(uuid_hash_extended(s.id, s.last_seq))) from ${n.streams} s where ${sql.literal(isOpen)}
    ) as fingerprint, array(
      select source_id from ${n.streams}
      where media_server = 'main' and source_id = any(${listed}::text[]) and ended_at is not null
    ) as former
  ) t
  left join lateral (
    select * from ${n.streams} s
    where t.fingerprint is distinct from ${known?.fingerprint ?? null}::text and ${sql.literal(isOpen)}
  ) s on true`

const stateOf = ({ id, last_seq }: Row): string => `${id} ${last_seq}`

/** Only the rows that are new or have changed are decoded. */
const knownOf = (fingerprint: string, rows: ReadonlyArray<Row>, before: Known | null): Known => {
  const byState = new Map<string, StoredSession>()
  for (const row of rows) {
    if (row.id === null) continue
    const state = stateOf(row)
    byState.set(state, before?.byState.get(state) ?? sessionOf(row))
  }
  const open = [...byState.values()]
  return { fingerprint, open, byState, sourceIds: new Set(open.map(({ source }) => source.id)) }
}

export const makeOpenSessions = (database: Database): Pick<Sessions["Service"], "open" | "after"> => {
  let known: Known | null = null

  const read = Effect.fnUntraced(function* (operation: string, before: Known | null, listed: ReadonlyArray<string>) {
    const rows = yield* database.run(operation, (sql) => statement(sql, database.names, before, listed))
    const { now, fingerprint, former } = heads(rows.slice(0, 1))[0]!
    const isSame = before?.fingerprint === fingerprint
    const found = isSame ? before : knownOf(fingerprint, rows, known)
    known = found
    return { now, open: found.open, former, isSame }
  })

  return {
    open: Effect.suspend(() => Effect.map(read("Sessions.open", known, []), ({ now, open }) => ({ now, open }))),
    after: Effect.fnUntraced(function* (listed) {
      const before = known
      // A source of an open session has no ended one, because a source has one session ever.
      const others = before === null ? listed : listed.filter((id) => !before.sourceIds.has(id))
      const first = yield* read("Sessions.after", before, others)
      const isWhole = first.isSame || others.length === listed.length
      const { now, open, former } = isWhole ? first : yield* read("Sessions.after", known, listed)
      return { now, open, formerlyAdmitted: new Set(former) }
    })
  }
}
