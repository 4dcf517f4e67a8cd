/** Brings a configured database's schema up to date and logs what was done; the service does the same at its start. */
import { Console, Effect } from "effect"
import { Settings } from "../config/Settings.ts"
import { Deployment } from "./AppLayer.ts"
import { databaseAddress } from "./databaseAddress.ts"

export const migrate = Effect.gen(function* () {
  const settings = yield* Settings
  const { dataDirectory } = yield* Deployment
  yield* databaseAddress(settings, dataDirectory)
  yield* Console.log("The schema is up to date.")
}).pipe(Effect.scoped, Effect.provide(Deployment.layer))
