/**
 * What an admission costs the database: of 20,000 keys, half of which are limited to nothing and own a path all the same, it looks at a
 * few rows, each found by an index. Counted by PostgreSQL, for the statement that the repository sends.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { assert, it } from "@effect/vitest"
import { ingestPath, type StreamKeyId } from "@greenroom/core"
import { anAsk } from "@greenroom/testing/fixtures"
import { Effect, Layer } from "effect"
import { clientOf, usePostgres } from "../../../../verification/worlds/postgres.ts"
import { AdmissionDatabase, databaseOf } from "../../src/postgres/Database.ts"
import { namesIn } from "../../src/postgres/names.ts"
import * as PostgresAdmissions from "../../src/postgres/PostgresAdmissions.ts"
import * as PostgresMigrations from "../../src/postgres/PostgresMigrations.ts"
import type { Row } from "../../src/postgres/rows.ts"
import { compiled, costOf, indexesOf, type Plan } from "../fixtures/plans.ts"

const freshDatabase = usePostgres()

const KEYS = 20_000

const seed: ReadonlyArray<string> = [
  "insert into broadcasters (id, display_name) select md5('b' || n)::uuid, 'Studio' from generate_series(1, 200) n",
  `insert into stream_keys (id, broadcaster_id, hash, key_prefix, path)
    select md5('k' || n)::uuid, md5('b' || n % 200 + 1)::uuid, sha256(n::text::bytea), 'sk_abcd',
      case when n % 2 = 0 then 'live/studio-' || n end
    from generate_series(1, ${KEYS}) n`,
  `insert into streams (id, stream_key_id, broadcaster_id, path, source_id, ended_at, end_reason, last_seq)
    select md5('s' || n)::uuid, k.id, k.broadcaster_id, 'live/old', n::text, clock_timestamp(), 'never_ready', 2
    from generate_series(1, ${KEYS}) n join stream_keys k on k.id = md5('k' || n)::uuid`
]

const manyKeys = Effect.gen(function* () {
  const sql = yield* Effect.flatMap(Effect.tap(freshDatabase, PostgresMigrations.migrate), clientOf)
  yield* sql`set session_replication_role = replica`
  for (const statement of seed) yield* sql.unsafe(statement).unprepared
  yield* sql`set session_replication_role = origin`
  yield* sql`vacuum analyze`.unprepared
  return sql
})

const planIn = (row: Row) => (row["QUERY PLAN"] as ReadonlyArray<{ readonly Plan: Plan }>)[0]!.Plan

it.live("an admission reads a few rows of the keys, each by an index", () =>
  Effect.gen(function* () {
    const sql = yield* manyKeys
    const keys = yield* sql<{ readonly id: StreamKeyId; readonly hash: Uint8Array }>`
      select id, hash from stream_keys where path is null order by id limit 2`
    const [owner, other] = [keys[0]!, keys[1]!]
    const plans: Array<Plan> = []
    const explained = Layer.succeed(
      AdmissionDatabase,
      databaseOf({
        names: namesIn(),
        lockMillis: 0,
        run: (_, use) =>
          Effect.gen(function* () {
            const [statement, values] = compiled(use)
            const [row] = yield* sql.unsafe<Row>(`explain (analyze, timing off, format json) ${statement}`, values)
            plans.push(planIn(row!))
            return [] as never
          }).pipe(Effect.orDie)
      })
    )
    const admissions = yield* Effect.provide(PostgresAdmissions.make, explained)
    const own = ingestPath(null, owner.id)
    for (const key of [other, owner]) {
      yield* admissions.admit(anAsk(key, { path: own }))
      const plan = plans.pop()!
      const { read, scanned } = costOf(plan)
      assert.deepStrictEqual(scanned, [])
      assert.isAtMost(read, 5, JSON.stringify(plan))
      assert.include(indexesOf(plan), "stream_keys_by_ingest_path")
    }
    const [admitted] = yield* sql`select count(*)::integer as streams from streams where ended_at is null`
    assert.strictEqual(admitted?.streams, 1)
  })
)

const LATER = 2_000

const statementOf = (ask: ReturnType<typeof anAsk>) =>
  Effect.gen(function* () {
    let statement = ""
    const noted = Layer.succeed(
      AdmissionDatabase,
      databaseOf({
        names: namesIn(),
        lockMillis: 0,
        run: (_, use) =>
          Effect.sync(() => {
            statement = compiled(use)[0]
            return [] as never
          })
      })
    )
    const admissions = yield* Effect.provide(PostgresAdmissions.make, noted)
    yield* admissions.admit(ask)
    return statement
  })

const laterSessions = {
  open: `insert into streams (id, stream_key_id, broadcaster_id, path, source_id)
    select md5('o' || n)::uuid, k.id, k.broadcaster_id, 'live/later-' || n, 'later-' || n
    from generate_series(1, ${LATER}) n join stream_keys k on k.id = md5('k' || n + 1)::uuid`,
  ended: `insert into streams (id, stream_key_id, broadcaster_id, path, source_id, ended_at, end_reason, last_seq)
    select md5('o' || n)::uuid, k.id, k.broadcaster_id, 'live/later-' || n, 'later-' || n, clock_timestamp(), 'never_ready', 2
    from generate_series(1, ${LATER}) n join stream_keys k on k.id = md5('k' || n + 1)::uuid`
} as const

/** The plan of an admission that was made before the sessions were there, and is kept. */
const keptPlan = Effect.fnUntraced(function* (sql: PgClient.PgClient, later: keyof typeof laterSessions) {
  const [key] = yield* sql<{ readonly id: StreamKeyId; readonly hash: Uint8Array }>`
    select id, hash from stream_keys where id = md5('k1')::uuid`
  const statement = yield* statementOf(anAsk(key!, { path: "live/new" }))
  const hash = Buffer.from(key!.hash).toString("hex")
  const execute = `execute admit ('\\x${hash}', 'live/new', 'new', 'rtmp', gen_random_uuid())`
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`set local session_replication_role = replica`.unprepared
      yield* sql`set local plan_cache_mode = force_generic_plan`.unprepared
      yield* sql.unsafe(`prepare admit (bytea, text, text, text, uuid) as ${statement}`).unprepared
      yield* sql.unsafe(`explain ${execute}`).unprepared
      yield* sql.unsafe(laterSessions[later]).unprepared
      const [row] = yield* sql.unsafe<Row>(`explain (analyze, timing off, format json) ${execute}`).unprepared
      yield* sql.unsafe("deallocate admit").unprepared
      return planIn(row!)
    })
  )
})

it.live("an admission whose plan was made while no session was open reads none of the many that are open later", () =>
  Effect.gen(function* () {
    const plan = yield* keptPlan(yield* manyKeys, "open")
    assert.isAtMost(costOf(plan).read, 5, JSON.stringify(plan))
  })
)

it.live("an admission whose plan was made in a new database reads nothing of the history that is there later", () =>
  Effect.gen(function* () {
    const sql = yield* Effect.flatMap(Effect.tap(freshDatabase, PostgresMigrations.migrate), clientOf)
    for (const statement of seed.slice(0, 2)) yield* sql.unsafe(statement).unprepared
    const plan = yield* keptPlan(sql, "ended")
    assert.isAtMost(costOf(plan).read, 5, JSON.stringify(plan))
  })
)

/** What the release before `ingest_path` asks of a path, in each of its admissions. */
const formerQuestion = `
  select from stream_keys other
  where other.path = 'live/studio-2' and other.revoked_at is null and other.admits_until is null
    and other.broadcaster_id <> '00000000-0000-4000-8000-000000000000'`

it.live("an admission of the former release does so, too, while both run", () =>
  Effect.gen(function* () {
    const sql = yield* manyKeys
    const [row] = yield* sql.unsafe<Row>(`explain (analyze, timing off, format json) ${formerQuestion}`)
    const { read, scanned } = costOf(planIn(row!))
    assert.deepStrictEqual(scanned, [])
    assert.strictEqual(read, 1)
  })
)
