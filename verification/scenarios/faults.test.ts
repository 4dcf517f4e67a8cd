/** The scenarios of faults in the ordinary test run: against the simulator. */
import { describe, layer } from "@effect/vitest"
import * as simulatorCluster from "../worlds/simulatorCluster.ts"
import { forcedStop } from "./forcedStop.ts"
import { disorderedHooks } from "./hooks.ts"
import { rtspOddities, unlistedPublishers } from "./rtspOddities.ts"
import { secrecy } from "./secrecy.ts"
import { takingOver, terminating, terminatingOnItsOwn } from "./terminating.ts"
import { unauthorizedPublishers } from "./unauthorizedPublishers.ts"

const options = { excludeTestServices: true, timeout: "2 minutes" } as const

layer(simulatorCluster.layer({ instances: [{}] }), options)("One Greenroom in front of the simulator", (it) => {
  describe.concurrent("that disturb nobody", () => {
    terminating(it)
    rtspOddities(it)
  })
  terminatingOnItsOwn(it)
  disorderedHooks(it)
  unlistedPublishers(it)
  unauthorizedPublishers(it)
  forcedStop(it)
  secrecy(it)
})

layer(simulatorCluster.layer({ instances: [{ ON_DUPLICATE_PUBLISH: "takeover" }] }), options)("Takeovers", (it) => {
  takingOver(it)
})
