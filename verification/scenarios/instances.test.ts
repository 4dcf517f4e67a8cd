/** Several Greenrooms on one database, in the ordinary test run: in front of the simulator. */
import { layer } from "@effect/vitest"
import * as simulatorCluster from "../worlds/simulatorCluster.ts"
import { environments, instances } from "./instances.ts"
import { secrecy } from "./secrecy.ts"

layer(simulatorCluster.layer({ instances: environments }), { excludeTestServices: true, timeout: "2 minutes" })(
  "Three Greenrooms in front of the simulator",
  (it) => {
    instances(it)
    secrecy(it)
  }
)
