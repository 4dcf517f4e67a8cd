/** A database that fails, in the ordinary test run: against the simulator. */
import { layer } from "@effect/vitest"
import * as simulatorCluster from "../worlds/simulatorCluster.ts"
import { databaseAway } from "./databaseAway.ts"
import { secrecy } from "./secrecy.ts"

layer(simulatorCluster.layer({ instances: [{}] }), { excludeTestServices: true, timeout: "2 minutes" })(
  "Greenroom on a database that fails",
  (it) => {
    databaseAway(it)
    secrecy(it)
  }
)
