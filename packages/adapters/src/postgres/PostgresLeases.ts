/** The reconciler's lease in PostgreSQL: one row for each media server, with times of the database's clock. */
import { type Lease, Leases, PassSummary } from "@greenroom/core"
import { Effect, Schema } from "effect"
import { ReconcilerDatabase } from "./Database.ts"
import { dateOf, MaybeText, type Row, rowsOf } from "./rows.ts"

const leaseRows = rowsOf(
  Schema.Struct({
    held: Schema.Boolean,
    left: Schema.Finite,
    started: MaybeText,
    enforce: Schema.Boolean,
    snapshot_age: Schema.NullOr(Schema.Finite),
    found: Schema.NullOr(PassSummary)
  })
)

/** The lease's columns. `left` (until its end) and `snapshot_age` are in milliseconds. */
const leaseColumns = `(extract(epoch from until - clock_timestamp()) * 1000)::float8 as "left", started, coalesce(enforce_until > clock_timestamp(), false) as enforce, found,
  (extract(epoch from clock_timestamp() - looked_at) * 1000)::float8 as snapshot_age`

const free: Lease = { held: false, leftMillis: 0, started: null, enforce: false, lastSnapshot: null }

/** The lease of the statement's one row; `null` when it has none. */
const leaseIn = (rows: ReadonlyArray<Row>): Lease | null => {
  const lease = leaseRows(rows)[0]
  if (lease === undefined) return null
  const { held, left, started, enforce, found, snapshot_age } = lease
  return {
    held,
    leftMillis: left,
    started,
    enforce,
    lastSnapshot: found === null || snapshot_age === null ? null : { ageMillis: snapshot_age, found }
  }
}

export const make: Effect.Effect<Leases["Service"], never, ReconcilerDatabase> = Effect.gen(function* () {
  const database = yield* ReconcilerDatabase
  const n = database.names

  const acquire: Leases["Service"]["acquire"] = Effect.fn("Leases.acquire")(function* (holder, ttlMillis) {
    const answer = yield* database.run(
      "Leases.acquire",
      (sql) => sql`
        with taken as (
          insert into ${n.leases} as l (media_server, holder, until)
          values ('main', ${holder}, clock_timestamp() + ${ttlMillis}::float8 * interval '1 millisecond')
          on conflict (media_server) do update
          set holder = excluded.holder, until = clock_timestamp() + ${ttlMillis}::float8 * interval '1 millisecond'
          where l.holder = excluded.holder or l.until <= clock_timestamp()
          returning ${sql.literal(leaseColumns)}
        )
        select true as held, "left", started, enforce, found, snapshot_age from taken
        union all
        select false, "left", started, enforce, found, snapshot_age
        from (select ${sql.literal(leaseColumns)} from ${n.leases} where media_server = 'main') other
        where not exists (select from taken)`
    )
    return leaseIn(answer) ?? free
  })

  const recordPass: Leases["Service"]["recordPass"] = Effect.fn("Leases.recordPass")(
    function* (holder, pass, ttlMillis) {
      const recorded = yield* database.run(
        "Leases.recordPass",
        (sql) => sql`
        update ${n.leases} set
          until = clock_timestamp() + ${ttlMillis}::float8 * interval '1 millisecond',
          started = ${pass.started}, reachable = true, looked_at = ${dateOf(pass.lookedAt)}::timestamptz,
          found = ${sql.json(pass.found)}::jsonb,
          enforce_until = case when ${pass.fulfilled}::boolean then null else enforce_until end
        where media_server = 'main' and holder = ${holder} and until > clock_timestamp()
        returning true as held, ${sql.literal(leaseColumns)}`
      )
      return leaseIn(recorded)
    }
  )

  const recordUnreachable: Leases["Service"]["recordUnreachable"] = Effect.fn("Leases.recordUnreachable")(
    function* (holder) {
      yield* database.runWriting(
        "Leases.recordUnreachable",
        (sql) => sql`
        update ${n.leases} set reachable = false
        where media_server = 'main' and holder = ${holder} and until > clock_timestamp() and reachable is distinct from false
        returning media_server`
      )
    }
  )

  // A request before the first leader inserts a lease without a holder.
  const requestEnforcement: Leases["Service"]["requestEnforcement"] = Effect.fn("Leases.requestEnforcement")(
    function* (millis) {
      yield* database.run(
        "Leases.requestEnforcement",
        (sql) => sql`
        insert into ${n.leases} as l (media_server, holder, until, enforce_until)
        values (
          'main', '', date_trunc('milliseconds', clock_timestamp()),
          clock_timestamp() + ${millis}::float8 * interval '1 millisecond'
        )
        on conflict (media_server) do update set enforce_until = greatest(l.enforce_until, excluded.enforce_until)`
      )
    }
  )

  // Truncated, because the column would round the time up, into the future.
  const release: Leases["Service"]["release"] = Effect.fn("Leases.release")(function* (holder) {
    yield* database.run(
      "Leases.release",
      (sql) => sql`
        update ${n.leases} set until = least(until, date_trunc('milliseconds', clock_timestamp())) where media_server = 'main' and holder = ${holder}`
    )
  })

  return Leases.of({ acquire, recordPass, recordUnreachable, requestEnforcement, release })
})
