/**
 * What a page costs: of twenty thousand streams and as many keys, every list reads about as many rows as it shows, whatever it is
 * filtered by, because an index has them in its order. Counted by PostgreSQL, for the statements that the repositories send.
 */

import type * as PgClient from "@effect/sql-pg/PgClient"
import { assert, it } from "@effect/vitest"
import {
  type BroadcasterId,
  keyStatuses,
  type Page,
  type PageRequest,
  type Position,
  type StreamFilter,
  type StreamKeyId,
  StreamKeys,
  type StreamStatus,
  Streams,
  streamStatuses
} from "@greenroom/core"
import { partialStore } from "@greenroom/testing"
import { DateTime, Effect, Layer } from "effect"
import { clientOf, usePostgres } from "../../../../verification/worlds/postgres.ts"
import { databaseOf, GeneralDatabase } from "../../src/postgres/Database.ts"
import { namesIn } from "../../src/postgres/names.ts"
import * as PostgresMigrations from "../../src/postgres/PostgresMigrations.ts"
import * as PostgresStreamKeys from "../../src/postgres/PostgresStreamKeys.ts"
import * as PostgresStreams from "../../src/postgres/PostgresStreams.ts"
import type { Row } from "../../src/postgres/rows.ts"
import { type Cost, compiled, costOf, type Plan } from "../fixtures/plans.ts"

const freshDatabase = usePostgres()

const ALL = 20_000
const LIVE = 40
const PAGE = 25
const PAGES = 10
/** A page and one more, and those that are live beside the ended; thrice that, because half a table on one path needs no index. */
const MOST_STREAMS = 3 * (PAGE + 1 + LIVE)
/** For each status a page and one more, or all keys of the broadcaster; of each that is shown, its last stream and its live one. */
const MOST_KEYS = keyStatuses.length * 100 + 2 * (PAGE + 1)

const uuid = (kind: number, number: string | number) =>
  `(lpad('${kind}', 8, '0') || '-0000-4000-8000-' || lpad((${number})::text, 12, '0'))::uuid`
const id = (kind: number, number: number) => `0000000${kind}-0000-4000-8000-${String(number).padStart(12, "0")}`

/**
 * 20,000 streams. Broadcaster 1 has nearly all of them, half of them on one path that broadcaster 2 used thrice, long ago, among
 * thousands elsewhere; broadcaster 3 has one stream, the oldest. Of the keys, the newest 200 and the older fifth are revoked, and those
 * that are expired, disabled or in use are among the oldest hundred; a broadcaster has a hundred keys.
 */
const seed: ReadonlyArray<string> = [
  `insert into broadcasters (id, display_name) select ${uuid(1, "n")}, 'Studio ' || n from generate_series(1, 200) n`,
  `insert into stream_keys (id, broadcaster_id, hash, key_prefix, created_at, expires_at, revoked_at, enabled)
    select ${uuid(2, "n")}, ${uuid(1, "case when n <= 10 then (n - 1) % 3 + 1 else n % 200 + 1 end")}, sha256(n::text::bytea), 'sk_abcd',
      timestamptz '2026-01-01' + n * interval '1 second',
      case when n between 20 and 24 then timestamptz '2026-02-01' end,
      case when n > ${ALL - 200} or n between 101 and ${ALL / 5} then timestamptz '2026-03-01' end,
      n not in (30, 31, 32)
    from generate_series(1, ${ALL}) n`,
  `insert into streams (id, stream_key_id, broadcaster_id, path, source_id, started_at, ready_at, source_type, ended_at, end_reason, last_seq)
    select ${uuid(3, "n")}, k.id, k.broadcaster_id,
      case when n in (5, 6, 7) then 'live/busy' when n % 10 = 3 then 'live/two' when n = 8 then 'live/rare'
        when n % 2 = 0 then 'live/busy' else 'live/' || n % 900 end,
      n::text, timestamptz '2026-01-02' + n * interval '1 minute', timestamptz '2026-01-02' + n * interval '1 minute', 'rtmpConn',
      timestamptz '2026-01-02' + (n + 1) * interval '1 minute', 'disconnected', 3
    from generate_series(1, ${ALL - LIVE}) n join stream_keys k on k.id = ${uuid(
      2,
      "case when n = 1 then 3 when n in (5, 6, 7) or n % 10 = 3 then 2 when n % 4 = 0 then 4 else 1 end"
    )}`,
  `insert into streams (id, stream_key_id, broadcaster_id, path, source_id, started_at, ready_at, source_type)
    select ${uuid(4, "n")}, k.id, k.broadcaster_id, 'live/now-' || n, 'now-' || n,
      timestamptz '2026-04-01' + n * interval '1 minute',
      case when n % 4 <> 0 then timestamptz '2026-05-01' end, case when n % 4 <> 0 then 'rtmpConn' end
    from generate_series(1, ${LIVE}) n join stream_keys k on k.id = ${uuid(2, "n + 40")}`
]

/** The repositories, over a database in which every statement is explained and then run; and what the last one cost. */
const explained = (sql: PgClient.PgClient) => {
  let cost: Cost | undefined
  const database = Layer.succeed(
    GeneralDatabase,
    databaseOf({
      names: namesIn(),
      lockMillis: 0,
      run: (_, use) =>
        Effect.gen(function* () {
          const [statement, values] = compiled(use)
          const [row] = yield* sql.unsafe<Row>(`explain (analyze, timing off, format json) ${statement}`, values)
          cost = costOf((row!["QUERY PLAN"] as ReadonlyArray<{ readonly Plan: Plan }>)[0]!.Plan)
          return (yield* sql.unsafe(statement, values)) as never
        }).pipe(Effect.orDie)
    })
  )
  return {
    layer: Layer.unwrap(
      Effect.map(Effect.all({ streams: PostgresStreams.make, streamKeys: PostgresStreamKeys.make }), partialStore)
    ).pipe(Layer.provide(database)),
    cost: () => cost!
  }
}

/** All ways of choosing at least one. */
const someOf = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: 2 ** all.length - 1 }, (_, bits) => all.filter((__, index) => ((bits + 1) >> index) & 1))

const cheap = (what: unknown, { read, scanned }: Cost, most: number) => {
  assert.deepStrictEqual(scanned, [], `scanned for ${JSON.stringify(what)}`)
  assert.isAtMost(read, most, `read for ${JSON.stringify(what)}`)
}

it.live(
  "a page of any list reads about as many rows as it shows",
  () =>
    Effect.gen(function* () {
      const sql = yield* Effect.flatMap(Effect.tap(freshDatabase, PostgresMigrations.migrate), clientOf)
      yield* sql`set session_replication_role = replica`
      for (const statement of seed) yield* sql.unsafe(statement).unprepared
      yield* sql`vacuum analyze`.unprepared
      const { layer, cost } = explained(sql)
      let shownOfStreams = 0
      let shownOfKeys = 0

      /** The first pages; how many items they show. */
      const pages = Effect.fnUntraced(function* <A>(
        what: unknown,
        most: number,
        list: (page: PageRequest) => Effect.Effect<Page<A>, unknown>
      ) {
        let shown = 0
        let after: Position | null = null
        for (let page = 1; page <= PAGES; page++) {
          const found: Page<A> = yield* list({ limit: PAGE, after })
          cheap({ what, page }, cost(), most)
          shown += found.items.length
          after = found.next
          if (after === null) break
        }
        return shown
      })

      yield* Effect.gen(function* () {
        const [streams, keys] = [yield* Streams, yield* StreamKeys]
        const whose = [undefined, 1, 2, 3].map((number) =>
          number === undefined ? {} : { broadcasterId: id(1, number) as BroadcasterId }
        )
        const whichKey = [undefined, 2, 3].map((number) =>
          number === undefined ? {} : { streamKeyId: id(2, number) as StreamKeyId }
        )
        const where = [undefined, "live/busy", "live/rare", "live/nowhere"].map((path) =>
          path === undefined ? {} : { path }
        )
        for (const status of someOf<StreamStatus>(streamStatuses))
          for (const a of whose)
            for (const b of whichKey)
              for (const c of where) {
                const filter: StreamFilter = { status, ...a, ...b, ...c }
                shownOfStreams += yield* pages(filter, MOST_STREAMS, (page) => streams.list(filter, page))
              }
        for (const status of [undefined, ...someOf(keyStatuses)])
          for (const a of whose) {
            const filter = { ...a, ofDeleted: false, ...(status === undefined ? {} : { status }) }
            shownOfKeys += yield* pages(filter, MOST_KEYS, (page) => keys.list(filter, page))
          }
      }).pipe(Effect.provide(layer))
      assert.isAbove(shownOfStreams, 3_000)
      assert.isAbove(shownOfKeys, 1_000)
    }),
  180_000
)

/**
 * Broadcaster 1 has half of the older streams, among those of others, with one key and on one path; the newer ones are all broadcaster 2's. Keys are more than
 * a few pages, which are read whole at no cost.
 */
const old: ReadonlyArray<string> = [
  `insert into broadcasters (id, display_name) select ${uuid(1, "n")}, 'Studio ' || n from generate_series(1, 100) n`,
  `insert into stream_keys (id, broadcaster_id, hash, key_prefix)
    select ${uuid(2, "n")}, ${uuid(1, "(n - 1) % 100 + 1")}, sha256(n::text::bytea), 'sk_abcd' from generate_series(1, 5000) n`,
  `insert into streams (id, stream_key_id, broadcaster_id, path, source_id, started_at, ended_at, end_reason, last_seq)
    select ${uuid(3, "n")}, ${uuid(2, "w.who")}, ${uuid(1, "w.who")}, 'live/' || w.who, n::text,
      timestamptz '2026-01-02' + n * interval '1 minute', timestamptz '2026-01-02' + (n + 1) * interval '1 minute', 'never_ready', 2
    from generate_series(1, ${ALL}) n cross join lateral (select case when n > ${0.7 * ALL} then 2 when n % 2 = 0 then 1 else 3 + n % 97 end as who) w`
]

it.live("also of streams that are many, and older than all others", () =>
  Effect.gen(function* () {
    const sql = yield* Effect.flatMap(Effect.tap(freshDatabase, PostgresMigrations.migrate), clientOf)
    yield* sql`set session_replication_role = replica`
    for (const statement of old) yield* sql.unsafe(statement).unprepared
    yield* sql`vacuum analyze`.unprepared
    const { layer, cost } = explained(sql)
    yield* Effect.gen(function* () {
      const streams = yield* Streams
      const one = [
        { broadcasterId: id(1, 1) as BroadcasterId },
        { streamKeyId: id(2, 1) as StreamKeyId },
        { path: "live/1" }
      ]
      for (const which of one)
        for (const status of [streamStatuses, ["inactive"]] as ReadonlyArray<ReadonlyArray<StreamStatus>>) {
          const filter: StreamFilter = { status, ...which }
          const { items } = yield* streams.list(filter, { limit: PAGE, after: null })
          assert.strictEqual(items.length, PAGE)
          cheap(filter, cost(), MOST_STREAMS)
        }
      for (const text of ["2026-01-02T00:01:30Z", "2026-01-09T00:00:30Z", "2026-01-15T12:00:30Z"]) {
        const filter: StreamFilter = { status: streamStatuses, at: DateTime.makeUnsafe(text) }
        const { items } = yield* streams.list(filter, { limit: PAGE, after: null })
        assert.strictEqual(items.length, 1, text)
        cheap(filter, cost(), MOST_STREAMS)
      }
    }).pipe(Effect.provide(layer))
  })
)
