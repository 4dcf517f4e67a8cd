/**
 * Brings the database's schema up to date and logs what was done; the service does the same at its start. With `print` it changes
 * nothing and prints the SQL of what is pending.
 */
import { Console, Effect } from "effect"
import { Settings } from "../config/Settings.ts"
import { Deployment } from "./AppLayer.ts"
import { databaseAddress, pendingSql } from "./databaseAddress.ts"

export const migrate = ({ print }: { readonly print: boolean }) =>
  Effect.gen(function* () {
    const settings = yield* Settings
    const { dataDirectory } = yield* Deployment
    if (print) {
      const sql = yield* pendingSql(settings, dataDirectory)
      return yield* Console.log(sql === "" ? "-- The schema is up to date." : sql)
    }
    yield* databaseAddress(settings, dataDirectory, "auto")
    yield* Console.log("The schema is up to date.")
  }).pipe(Effect.scoped, Effect.provide(Deployment.layer))
