/** A database that fails, in the ordinary test run: against the twin. */
import { layer } from "@effect/vitest"
import { databaseAway } from "./databaseAway.ts"
import { secrecy } from "./secrecy.ts"
import * as twinFleet from "./twinFleet.ts"

layer(twinFleet.layer({ instances: [{}] }), { excludeTestServices: true, timeout: "2 minutes" })(
  "Greenroom on a database that fails",
  (it) => {
    databaseAway(it)
    secrecy(it)
  }
)
