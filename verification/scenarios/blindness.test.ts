/** A control API that fails, in the ordinary test run: against the simulator. */
import { layer } from "@effect/vitest"
import * as simulatorFleet from "../worlds/simulatorFleet.ts"
import { blindness } from "./blindness.ts"
import { secrecy } from "./secrecy.ts"

layer(simulatorFleet.layer({ instances: [{}] }), { excludeTestServices: true, timeout: "2 minutes" })(
  "Greenroom in front of a control API that fails",
  (it) => {
    blindness(it)
    secrecy(it)
  }
)
