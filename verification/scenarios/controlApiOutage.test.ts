/** A control API that fails, in the ordinary test run: against the simulator. */
import { layer } from "@effect/vitest"
import * as simulatorCluster from "../worlds/simulatorCluster.ts"
import { controlApiOutage } from "./controlApiOutage.ts"
import { secrecy } from "./secrecy.ts"

layer(simulatorCluster.layer({ instances: [{}] }), { excludeTestServices: true, timeout: "2 minutes" })(
  "Greenroom in front of a control API that fails",
  (it) => {
    controlApiOutage(it)
    secrecy(it)
  }
)
