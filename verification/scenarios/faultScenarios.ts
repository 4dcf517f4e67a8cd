/** The scenarios of faults that are played on the simulator and on a real MediaMTX alike. `secrecy` is played after all others: it searches what they left. */
import type { Vitest } from "@effect/vitest"
import type { Cluster } from "../worlds/Cluster.ts"
import type { TestDeployment } from "../worlds/TestDeployment.ts"
import { forcedStop } from "./forcedStop.ts"
import { disorderedHooks } from "./hooks.ts"
import { rtspOddities, unlistedPublishers } from "./rtspOddities.ts"
import { terminating, terminatingOnItsOwn } from "./terminating.ts"
import { unauthorizedPublishers } from "./unauthorizedPublishers.ts"

type Scenarios = Vitest.MethodsNonLive<TestDeployment | Cluster>

/** Those that disturb no other, so that all run at the same time. */
export const faultsBesideOthers = (it: Scenarios): void => {
  terminating(it)
  rtspOddities(it)
}

export const faultsAlone = (it: Scenarios): void => {
  terminatingOnItsOwn(it)
  disorderedHooks(it)
  unlistedPublishers(it)
  unauthorizedPublishers(it)
  forcedStop(it)
}
