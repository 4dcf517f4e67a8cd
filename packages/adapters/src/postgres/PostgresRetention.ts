/** Pruning in PostgreSQL: one call of `prune_history` for each batch. Triggers keep the usage (migration 0011). */
import { Retention } from "@greenroom/core"
import { Effect, Schema } from "effect"
import { GeneralDatabase } from "./Database.ts"
import { rowsOf } from "./rows.ts"

const rows = rowsOf(Schema.Struct({ gone_streams: Schema.NullOr(Schema.Int), gone_keys: Schema.NullOr(Schema.Int) }))

export const make: Effect.Effect<Retention["Service"], never, GeneralDatabase> = Effect.gen(function* () {
  const database = yield* GeneralDatabase
  const n = database.names

  const prune: Retention["Service"]["prune"] = Effect.fn("Retention.prune")(function* (keepDays, limit) {
    const answer = yield* database.run(
      "Retention.prune",
      (sql) => sql`select gone_streams, gone_keys from ${n.prune_history}(${keepDays}::integer, ${limit}::integer)`
    )
    const { gone_streams: streams = null, gone_keys: keys = null } = rows(answer)[0] ?? {}
    return streams === null || keys === null ? { _tag: "Busy" } : { _tag: "Pruned", streams, keys }
  })

  return Retention.of({ prune })
})
