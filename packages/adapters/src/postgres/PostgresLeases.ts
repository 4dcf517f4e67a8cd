/** The reconciler's lease in PostgreSQL: one row a media server, on the database's clock. */
import { Leases } from "@greenroom/core"
import { Effect, Layer, Schema } from "effect"
import { GeneralDatabase } from "./Database.ts"
import { MaybeText, rowsOf } from "./rows.ts"

const leaseRows = rowsOf(Schema.Struct({ held: Schema.Boolean, started: MaybeText }))

const make = Effect.gen(function* () {
  const database = yield* GeneralDatabase

  const hold: Leases["Service"]["hold"] = Effect.fn("Leases.hold")(function* (holder, ttlMillis) {
    const answer = yield* database.run(
      "Leases.hold",
      (sql) => sql`
        with taken as (
          insert into leases as l (media_server, holder, until)
          values ('main', ${holder}, clock_timestamp() + ${ttlMillis}::float8 * interval '1 millisecond')
          on conflict (media_server) do update
          set holder = excluded.holder, until = clock_timestamp() + ${ttlMillis}::float8 * interval '1 millisecond'
          where l.holder = excluded.holder or l.until <= clock_timestamp()
          returning started
        )
        select true as held, started from taken
        union all
        select false, started from leases where media_server = 'main' and not exists (select from taken)`
    )
    return leaseRows(answer)[0] ?? { held: false, started: null }
  })

  const remember: Leases["Service"]["remember"] = Effect.fn("Leases.remember")(function* (holder, started) {
    yield* database.run(
      "Leases.remember",
      (sql) => sql`
        update leases set started = ${started}
        where media_server = 'main' and holder = ${holder} and until > clock_timestamp()`
    )
  })

  // Truncated, because the column would round it up, into the future.
  const release: Leases["Service"]["release"] = Effect.fn("Leases.release")(function* (holder) {
    yield* database.run(
      "Leases.release",
      (sql) => sql`
        update leases set until = least(until, date_trunc('milliseconds', clock_timestamp())) where media_server = 'main' and holder = ${holder}`
    )
  })

  return Leases.of({ hold, remember, release })
})

export const layer: Layer.Layer<Leases, never, GeneralDatabase> = Layer.effect(Leases, make)
