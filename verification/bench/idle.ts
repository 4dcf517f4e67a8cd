/**
 * What Greenroom costs while nothing happens: the processor time of its process a second, the calls to the media server, and what it
 * writes to the database, with so many publishers that only stay. The sessions are put into the database and the publishers into the
 * media server directly, because admitting ten thousand would take longer than measuring them.
 */
import type { ChildProcess } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import * as path from "node:path"
import { Client } from "pg"
import type { IdlePublisher, IdlePublishers } from "./idleMediaServer.ts"
import { type Run, told } from "./processes.ts"
import { startService } from "./service.ts"
import { databaseIn, openStore } from "./store.ts"

export interface IdleCase {
  readonly streams: number
  /** Whether the media server's byte counters grow, as those of publishers that send. */
  readonly counting: boolean
  /** So many sessions that read these streams. */
  readonly viewers?: number
}

/** Each a second. */
export interface IdleFigures extends IdleCase {
  /** Processor time of Greenroom's process, all its threads, ms. */
  readonly processorMillis: number
  readonly controlApiCalls: number
  /** Rows written, of all tables of the schema. */
  readonly rowsWritten: number
  readonly walBytes: number
}

/** Some passes for the compiler and the caches, then what is measured. */
const WARM_UP_MS = 5_000
const MEASURED_MS = 8_000

const protocols = ["rtmp", "srt", "webrtc", "rtsp"] as const

/** Active sessions, each of a key of its own; what the media server has to list. */
const insertSessions = async (database: Client, streams: number): Promise<ReadonlyArray<IdlePublisher>> => {
  await database.query("set session_replication_role = replica")
  await database.query(
    `insert into streams (id, stream_key_id, broadcaster_id, path, source_id, protocol, started_at, ready_at, source_type, last_seq)
     select gen_random_uuid(), k.id, k.broadcaster_id, 'live/studio-' || k.n, gen_random_uuid(), p.protocol,
       now() - interval '1 minute', now() - interval '50 seconds', p.type, 2
     from (select id, broadcaster_id, row_number() over (order by id) as n from stream_keys) k
     join unnest($2::text[], array['rtmpConn', 'srtConn', 'webRTCSession', 'rtspSession']) with ordinality p (protocol, type, n)
       on p.n = k.n % 4 + 1
     where k.n <= $1`,
    [streams, protocols]
  )
  await database.query(
    `insert into stream_events (stream_id, seq, type, at, data)
     select s.id, e.seq, e.type, e.at, e.data from streams s cross join lateral (values
       (1, 'admitted', s.started_at, '{}'::jsonb),
       (2, 'ready', s.ready_at, jsonb_build_object('source_type', s.source_type))) e (seq, type, at, data)`
  )
  await database.query("set session_replication_role = origin")
  await database.query("vacuum analyze")
  const { rows } = await database.query("select source_id as id, protocol, path from streams")
  return rows
}

/** Of all its threads, ns; those of Node's pool and of its compiler count. */
const processorNanos = ({ pid }: ChildProcess): number => {
  const tasks = readdirSync(`/proc/${pid}/task`)
  const used = tasks.map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]))
  return used.reduce((sum, nanos) => sum + nanos, 0)
}

const counted = async (database: Client) => {
  const { rows } = await database.query(
    `select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::float8 as written, (pg_current_wal_lsn() - '0/0')::float8 as wal
     from pg_stat_user_tables`
  )
  return rows[0] as { readonly written: number; readonly wal: number }
}

const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

const allObserved = async (database: Client, streams: number): Promise<void> => {
  for (let waited = 0; waited < 30_000; waited += 200) {
    const { rows } = await database.query(
      "select count(*)::integer as count from streams where ended_at is null and state_as_of is not null"
    )
    if (rows[0].count === streams) return
    await pause(200)
  }
  throw new Error(`not all of the ${streams} publishers were observed`)
}

export const measureIdle = async (run: Run, { streams, counting, viewers = 0 }: IdleCase): Promise<IdleFigures> => {
  const name = `idle-${streams}-${counting ? "counting" : "still"}-${viewers}`
  const dataDirectory = path.join(run.folder, name)
  const media = run.start(`${name}-media-server`, "./idleMediaServer.ts")
  const apiUrl = await told<string>(run, `${name}-media-server`, media)
  const { process: greenroom, hooks, hookSecret } = await startService(run, name, { apiUrl, dataDirectory })

  const store = await openStore(dataDirectory)
  await store.seed(streams)
  await store.close()
  const database = new Client(databaseIn(dataDirectory))
  database.on("error", () => {})
  await database.connect()
  const publishers = await insertSessions(database, streams)
  const authHttpAddress = `http://mediamtx:${hookSecret}@127.0.0.1:${hooks}/auth`
  media.send({ authHttpAddress, publishers, counting, viewers } satisfies IdlePublishers)
  await told(run, `${name}-media-server`, media)
  await allObserved(database, streams)
  const calls = () => {
    media.send("calls")
    return told<number>(run, `${name}-media-server`, media)
  }

  await pause(WARM_UP_MS)
  const before = {
    at: performance.now(),
    nanos: processorNanos(greenroom),
    calls: await calls(),
    ...(await counted(database))
  }
  await pause(MEASURED_MS)
  const after = {
    at: performance.now(),
    nanos: processorNanos(greenroom),
    calls: await calls(),
    ...(await counted(database))
  }
  const seconds = (after.at - before.at) / 1_000
  await database.end()
  await run.stop(greenroom)
  await run.stop(media)
  return {
    streams,
    counting,
    viewers,
    processorMillis: (after.nanos - before.nanos) / 1e6 / seconds,
    controlApiCalls: (after.calls - before.calls) / seconds,
    rowsWritten: (after.written - before.written) / seconds,
    walBytes: (after.wal - before.wal) / seconds
  }
}
