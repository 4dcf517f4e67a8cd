/** The query of docs/operating.md, in a database whose rows were changed with the triggers off. */
import { readFileSync } from "node:fs"
import type { PgClient } from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import { Sessions, type StreamId } from "@greenroom/core"
import { aSession, newId } from "@greenroom/testing/fixtures"
import { Effect } from "effect"
import { clientOf } from "../../../../verification/worlds/postgres.ts"
import { Address, usePostgresWorld } from "../fixtures/postgresWorld.ts"

const world = usePostgresWorld()

const page = readFileSync(new URL("../../../../docs/operating.md", import.meta.url), "utf8")
const query = /```sql\n(select coalesce[\s\S]+?);\n```/.exec(page)?.[1] ?? "the query is missing"

const differing = (sql: PgClient) =>
  Effect.map(sql.unsafe<{ readonly stream: StreamId }>(query), (rows) => rows.map(({ stream }) => stream).sort())

/** What is done to a session that was ready and has ended. */
const disturbances: ReadonlyArray<(sql: PgClient, id: StreamId) => Effect.Effect<unknown, unknown>> = [
  (sql, id) => sql`update streams set started_at = started_at - interval '1 ms' where id = ${id}`,
  (sql, id) => sql`update streams set ready_at = ready_at + interval '1 ms' where id = ${id}`,
  (sql, id) => sql`update streams set source_type = 'srtConn' where id = ${id}`,
  (sql, id) => sql`update streams set ended_at = null, end_reason = null where id = ${id}`,
  (sql, id) => sql`update streams set end_reason = 'media_server_restarted' where id = ${id}`,
  (sql, id) => sql`update streams set last_seq = 7 where id = ${id}`,
  (sql, id) => sql`delete from stream_events where stream_id = ${id} and seq = 2`,
  (sql, id) => sql`delete from stream_events where stream_id = ${id}`,
  (sql, id) => sql`update stream_events set data = '{"reason":"boredom"}' where stream_id = ${id} and seq = 3`,
  (sql, id) => sql`update stream_events set data = '[]' where stream_id = ${id} and seq = 2`,
  (sql, id) => sql`update stream_events set seq = 4 where stream_id = ${id} and seq = 1`,
  (sql, id) => sql`
    insert into stream_events (stream_id, seq, type, at) select ${id}, n, 'kicked', clock_timestamp() from generate_series(4, 300) n`,
  (sql, id) => sql`delete from streams where id = ${id}`
]

layer(world, { excludeTestServices: true, timeout: "2 minutes" })(
  "The query for streams that differ from their events",
  (it) => {
    it.effect("finds every disturbance, and nothing else", () =>
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const made = yield* Effect.forEach(Array.from({ length: 40 }), () => aSession())
        const ids = made.map(({ id }) => id)
        const ready = ids.slice(0, 30)
        yield* sessions.markReady(
          ready.map((streamId) => ({ streamId, sourceType: "rtmpConn" })),
          null
        )
        for (const id of ids.slice(20)) yield* sessions.requestStop(id, "stopped", null)
        yield* sessions.markKicked(ids.slice(25, 35), null)
        yield* sessions.end([...ids.slice(0, 24), ...ids.slice(32)], "left", null)

        const sql = yield* Effect.flatMap(Address, clientOf)
        assert.deepStrictEqual(yield* differing(sql), [])
        yield* sql`set session_replication_role = replica`
        for (const [index, disturb] of disturbances.entries()) yield* disturb(sql, ids[index]!)
        const lost = newId<StreamId>()
        yield* sql`insert into stream_events (stream_id, seq, type, at) values (${lost}, 9, 'kicked', clock_timestamp())`
        assert.deepStrictEqual(yield* differing(sql), [...ids.slice(0, disturbances.length), lost].sort())
      })
    )
  }
)
