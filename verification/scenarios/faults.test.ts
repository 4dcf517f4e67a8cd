/** The scenarios of faults in the ordinary test run: against the simulator. */
import { describe, layer } from "@effect/vitest"
import * as simulatorCluster from "../worlds/simulatorCluster.ts"
import { faultsAlone, faultsBesideOthers } from "./faultScenarios.ts"
import { secrecy } from "./secrecy.ts"
import { takingOver } from "./terminating.ts"

const options = { excludeTestServices: true, timeout: "2 minutes" } as const

layer(simulatorCluster.layer({ instances: [{}] }), options)("One Greenroom in front of the simulator", (it) => {
  describe.concurrent("that disturb nobody", () => {
    faultsBesideOthers(it)
  })
  faultsAlone(it)
  secrecy(it)
})

layer(simulatorCluster.layer({ instances: [{ ON_DUPLICATE_PUBLISH: "takeover" }] }), options)("Takeovers", (it) => {
  takingOver(it)
})
