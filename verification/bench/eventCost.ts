/**
 * What the event log costs an admission: the same statement in two databases of one server, one as it was before the log, and one with
 * it. Processor time is that of the server's processes, and so is what they write ahead (WAL). Giving positions happens after the admission, and is measured apart.
 */
import { createHash, randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import { migrations } from "@greenroom/adapters/postgres"
import { Client, Pool } from "pg"
import { admissionStatement } from "./admissionStatement.ts"
import { median } from "./figures.ts"
import { alternately } from "./hundred.ts"
import type { Measured } from "./parts.ts"
import type { Stage } from "./stage.ts"

const ROUNDS = 9
const WARM_UP_ROUNDS = 3
const ADMISSIONS = 1_500
const CLIENTS = 8
/** The first migration of the log, in the script of all of them. */
const LOG = "-- 0017_"
const TICK_MS = 10

interface Side {
  readonly pool: Pool
  readonly placer: Client | null
}

const script = (withLog: boolean): string => {
  const whole = migrations.sql()
  return withLog ? whole : `${whole.slice(0, whole.indexOf(LOG))}commit;`
}

const seed: ReadonlyArray<string> = [
  "insert into broadcasters (id, display_name) values (md5('b')::uuid, 'Bench')",
  `insert into stream_keys (id, broadcaster_id, hash, key_prefix)
    select md5('k' || i)::uuid, md5('b')::uuid, sha256(i::text::bytea), 'sk_abcd' from generate_series(1, ${ADMISSIONS}) i`,
  // Not of the empty tables: plans of triggers, made for them, would scan what the rounds write.
  "vacuum analyze stream_keys"
]

const openSide = async (stage: Stage, database: string, withLog: boolean): Promise<Side> => {
  const admin = new Client(stage.database)
  await admin.connect()
  await admin.query(`create database ${database}`)
  await admin.end()
  const pool = new Pool({ ...stage.database, database, min: CLIENTS, max: CLIENTS })
  await pool.query(script(withLog))
  for (const statement of seed) await pool.query(statement)
  const placer = withLog ? new Client({ ...stage.database, database }) : null
  await placer?.connect()
  return { pool, placer }
}

/** Of the processes that serve the database, in milliseconds. */
const processorTime = async ({ pool }: Side): Promise<number> => {
  const { rows } = await pool.query("select pid from pg_stat_activity where datname = current_database()")
  const ticks = rows.map(({ pid }) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
    return Number(fields[11]) + Number(fields[12])
  })
  return ticks.reduce((sum, each) => sum + each, 0) * TICK_MS
}

/** As a process does at a hundred events a second, so few at once. */
const PLACED_AT_ONCE = 3

/** What it costs in all. */
const placeAll = async (side: Side): Promise<{ readonly cpu: number; readonly wal: number }> => {
  const [cpu, wal] = [await processorTime(side), await walOf(side)]
  const { placer } = side
  const text = `select placed from place_events(${PLACED_AT_ONCE})`
  while ((await placer?.query({ name: "place", text }))?.rows[0].placed > 0) {}
  return { cpu: (await processorTime(side)) - cpu, wal: (await walOf(side)) - wal }
}

const walOf = async ({ pool }: Side): Promise<number> => {
  const { rows } = await pool.query("select pg_current_wal_insert_lsn() - '0/0' as bytes")
  return Number(rows[0].bytes)
}

const statement = admissionStatement()

const admitAll = (side: Side, round: number) => async () => {
  const [cpu, wal] = [await processorTime(side), await walOf(side)]
  const admit = async (index: number) => {
    const request = {
      hash: createHash("sha256").update(String(index)).digest(),
      path: `live/${index}`,
      sourceId: randomUUID(),
      protocol: "rtmp",
      streamId: randomUUID()
    }
    const values = statement.parameters.map((name) => request[name])
    const { rows } = await side.pool.query({ name: "admit", text: statement.text, values })
    if (rows.length !== 1) throw new Error(`not admitted: ${index} in round ${round}`)
  }
  const client = async (first: number) => {
    for (let index = first; index <= ADMISSIONS; index += CLIENTS) await admit(index)
  }
  await Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(index + 1)))
  const cost = { cpu: (await processorTime(side)) - cpu, wal: (await walOf(side)) - wal }
  const placing = await placeAll(side)
  await side.pool.query(
    `with ended as (
       update streams set ended_at = clock_timestamp(), end_reason = 'never_ready', last_seq = last_seq + 1
       where ended_at is null returning id, last_seq, ended_at, end_reason
     ) insert into stream_events (stream_id, seq, type, at, data)
     select id, last_seq, 'ended', ended_at, jsonb_build_object('reason', end_reason) from ended`
  )
  // The ends are placed unmeasured.
  await placeAll(side)
  return { ...cost, placing }
}

export const eventCost = async (stage: Stage): Promise<Pick<Measured, "findings" | "notes">> => {
  const [before, after] = [await openSide(stage, "without_log", false), await openSide(stage, "with_log", true)]
  let round = 0
  const both = (rounds: number) => alternately(rounds, admitAll(before, ++round), admitAll(after, round))
  await both(WARM_UP_ROUNDS)
  const rounds = await both(ROUNDS)
  for (const { pool, placer } of [before, after]) {
    await placer?.end()
    await pool.end()
  }
  const ratio = (of: (cost: { readonly cpu: number; readonly wal: number }) => number) =>
    median(rounds.map(([without, withLog]) => of(withLog) / of(without)))
  const each = (side: 0 | 1, of: (cost: { readonly cpu: number; readonly wal: number }) => number) =>
    median(rounds.map((costs) => of(costs[side]))) / ADMISSIONS
  return {
    findings: [
      {
        aim: 15,
        what: "an admission with the event log, processor time of PostgreSQL",
        greenroom: `${each(1, ({ cpu }) => cpu).toFixed(3)} ms`,
        beside: `without ${each(0, ({ cpu }) => cpu).toFixed(3)} ms`,
        value: ratio(({ cpu }) => cpu),
        bound: { atMost: 1.05 }
      },
      {
        aim: 15,
        what: "an admission with the event log, WAL",
        greenroom: `${each(1, ({ wal }) => wal).toFixed(0)} B`,
        beside: `without ${each(0, ({ wal }) => wal).toFixed(0)} B`,
        value: ratio(({ wal }) => wal),
        bound: { atMost: 1.1 }
      }
    ],
    notes: [
      `Giving an event its position, ${PLACED_AT_ONCE} at a time, takes PostgreSQL ${(median(rounds.map(([, { placing }]) => placing.cpu)) / ADMISSIONS).toFixed(3)} ms of processor time and ${(median(rounds.map(([, { placing }]) => placing.wal)) / ADMISSIONS).toFixed(0)} B of WAL, beside the admission.`
    ]
  }
}
