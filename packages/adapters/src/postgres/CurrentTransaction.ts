/** The transaction in which this fiber's uses of the database run; `null`: each is on its own. */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { Context } from "effect"

export const CurrentTransaction = Context.Reference<PgClient.PgClient | null>("greenroom/postgres/CurrentTransaction", {
  defaultValue: () => null
})
