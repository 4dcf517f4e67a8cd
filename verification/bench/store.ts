/**
 * The database as the benchmark itself uses it: to put keys there, and to end the sessions that a block of requests has begun, so
 * that they neither hold their keys nor wait for the reconciler to find that no media server lists them.
 */
import { createHash } from "node:crypto"
import { Client } from "pg"
import { writeHistory } from "./history.ts"

export interface Store {
  /** Adds so many keys of one broadcaster; their values, and the broadcaster's id. */
  readonly seed: (count: number) => Promise<{ readonly keys: ReadonlyArray<string>; readonly broadcasterId: string }>
  /** Adds so many keys and as many past streams; the values of some of the keys. */
  readonly writeHistory: (rows: number) => Promise<ReadonlyArray<string>>
  /** Ends all sessions that are not ready. How many there were. */
  readonly endConnecting: () => Promise<number>
  /** The event log's id and its newest position. */
  readonly eventHead: () => Promise<{ readonly log: string; readonly newest: number }>
  readonly activeStreams: () => Promise<ReadonlyArray<string>>
  /** What a database that has been in use for a while knows about its tables; all cached plans are made anew. */
  readonly analyze: () => Promise<unknown>
  readonly revoke: (keys: ReadonlyArray<string>) => Promise<unknown>
  readonly close: () => Promise<void>
}

export const databaseIn = (dataDirectory: string) => ({
  host: `${dataDirectory}/postgres/socket`,
  port: 5432,
  user: "postgres",
  database: "postgres",
  // The statements here leave out the schema.
  options: "-c search_path=greenroom,public"
})

const keyOf = (index: number): string => `sk_${createHash("sha256").update(`key ${index}`).digest("base64url")}`

export const openStore = async (dataDirectory: string): Promise<Store> => {
  const client = new Client(databaseIn(dataDirectory))
  client.on("error", () => {})
  await client.connect()
  return {
    seed: async (wanted) => {
      const keys = Array.from({ length: wanted }, (_, index) => keyOf(index))
      const { rows } = await client.query(
        "insert into broadcasters (id, display_name) values (gen_random_uuid(), 'Bench') returning id"
      )
      await client.query(
        `insert into stream_keys (id, broadcaster_id, hash, key_prefix, label)
         select gen_random_uuid(), $1, sha256(convert_to(value, 'UTF8')), left(value, 7), 'bench'
         from unnest($2::text[]) as value`,
        [rows[0].id, keys]
      )
      await client.query("vacuum analyze stream_keys")
      return { keys, broadcasterId: rows[0].id }
    },
    writeHistory: (rows) => writeHistory(client, rows, rows),
    endConnecting: async () => {
      const { rows } = await client.query(
        `with ended as (
           update streams set ended_at = clock_timestamp(), end_reason = coalesce(stop_reason, 'never_ready'),
             last_seq = last_seq + 1
           where ended_at is null and ready_at is null
           returning id, last_seq, ended_at, end_reason
         ), said as (
           insert into stream_events (stream_id, seq, type, at, data)
           select id, last_seq, 'ended', ended_at, jsonb_build_object('reason', end_reason) from ended
         )
         select count(*)::integer from ended`
      )
      return rows[0].count
    },
    eventHead: async () => {
      const { rows } = await client.query("select log, position from event_head")
      return { log: rows[0].log, newest: Number(rows[0].position) }
    },
    activeStreams: async () => {
      const { rows } = await client.query("select id from streams where ended_at is null and ready_at is not null")
      return rows.map(({ id }) => id)
    },
    analyze: () => client.query("vacuum analyze"),
    revoke: (keys) =>
      client.query(
        `update stream_keys set revoked_at = clock_timestamp()
         where hash in (select sha256(convert_to(value, 'UTF8')) from unnest($1::text[]) as value)`,
        [keys]
      ),
    close: () => client.end()
  }
}
