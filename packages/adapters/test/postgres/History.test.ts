/** What the check finds in a database that hands have been in, with its triggers off. */
import type { PgClient } from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import { checkHistory, type HistoryProblem, Sessions, type StreamId } from "@greenroom/core"
import { Effect } from "effect"
import { clientOf } from "../../../../verification/worlds/postgres.ts"
import { aSession, newId } from "../contract/world.ts"
import { Address, usePostgresWorld } from "../fixtures/postgresWorld.ts"

const world = usePostgresWorld()

const checkAll = Effect.fnUntraced(function* (limit: number) {
  const problems: Array<HistoryProblem> = []
  let after: StreamId | null = null
  let checked = 0
  do {
    const page: Effect.Success<ReturnType<typeof checkHistory>> = yield* checkHistory(after, limit)
    problems.push(...page.problems)
    checked += page.checked
    after = page.next
  } while (after !== null)
  return { problems: new Map(problems.map(({ streamId, detail }) => [streamId, detail])), checked }
})

/** What is done to a session that was ready and has ended, and what is then said of it. */
const disturbances: ReadonlyArray<readonly [(sql: PgClient, id: StreamId) => Effect.Effect<unknown, unknown>, RegExp]> =
  [
    [
      (sql, id) => sql`update streams set ready_at = ready_at + interval '1 ms' where id = ${id}`,
      /ready_at is .*, its events make it/
    ],
    [
      (sql, id) => sql`update streams set ended_at = null, end_reason = null where id = ${id}`,
      /ended_at is nothing.*end_reason is nothing/
    ],
    [(sql, id) => sql`update streams set last_seq = 7 where id = ${id}`, /last_seq is 7, events there are: 3/],
    [(sql, id) => sql`delete from stream_events where stream_id = ${id} and seq = 2`, /event 2 has the number 3/],
    [(sql, id) => sql`delete from stream_events where stream_id = ${id}`, /no events/],
    [
      (sql, id) => sql`update stream_events set data = '{"reason":"boredom"}' where stream_id = ${id} and seq = 3`,
      /boredom/
    ],
    [
      (sql, id) => sql`update stream_events set data = '[]' where stream_id = ${id} and seq = 2`,
      /event 2 \(ready\) says/
    ],
    [
      (sql, id) => sql`
      insert into stream_events (stream_id, seq, type, at) select ${id}, n, 'kicked', clock_timestamp() from generate_series(4, 300) n`,
      /kicked after the end/
    ],
    [(sql, id) => sql`delete from streams where id = ${id}`, /the stream is not there, events of it are: 3/]
  ]

layer(world, { excludeTestServices: true, timeout: "2 minutes" })("The check", (it) => {
  it.effect("every disturbance is found, and nothing else, whatever the size of the pages", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const made = yield* Effect.forEach(Array.from({ length: 40 }), () => aSession())
      const ids = made.map(({ id }) => id)
      yield* sessions.markReady(
        ids.map((streamId) => ({ streamId, sourceType: "rtmpConn" })),
        null
      )
      yield* sessions.end(ids, "left", null)
      const untouched = yield* checkAll(7)
      assert.deepStrictEqual([untouched.checked, [...untouched.problems]], [40, []])

      const sql = yield* Effect.flatMap(Address, clientOf)
      yield* sql`set session_replication_role = replica`
      for (const [index, [disturb]] of disturbances.entries()) yield* disturb(sql, ids[index]!)
      const nobody = newId<StreamId>()
      yield* sql`insert into stream_events (stream_id, seq, type, at) values (${nobody}, 9, 'kicked', clock_timestamp())`

      for (const limit of [1, 3, 10, 200]) {
        const { problems, checked } = yield* checkAll(limit)
        assert.strictEqual(checked, 41, `in pages of ${limit}`)
        for (const [index, [, said]] of disturbances.entries()) assert.match(problems.get(ids[index]!) ?? "", said)
        assert.match(problems.get(nobody) ?? "", /the stream is not there, events of it are: 1/)
        assert.strictEqual(problems.size, disturbances.length + 1)
      }
    })
  )
})
