/** The scenarios of faults on real input: what is stopped, killed and frozen is a real MediaMTX and a real PostgreSQL. */
import { afterAll, describe, it, layer } from "@effect/vitest"
import { controlApiOutage } from "../scenarios/controlApiOutage.ts"
import { databaseAway } from "../scenarios/databaseAway.ts"
import { faultsAlone, faultsBesideOthers } from "../scenarios/faultScenarios.ts"
import { secrecy } from "../scenarios/secrecy.ts"
import { takingOver } from "../scenarios/terminating.ts"
import * as realCluster from "../worlds/realCluster.ts"
import { measurements } from "../worlds/realDeployments.ts"
import { missing } from "../worlds/realMediaMtx.ts"
import { serverOwnedSources } from "./serverOwnedSources.ts"

const options = { excludeTestServices: true, timeout: "2 minutes" } as const

if (missing.length > 0) {
  console.warn(`Faults: not run, no ${missing.join(" and no ")} in PATH`)
  describe("Faults", () => {
    it.skip("the scenarios", () => {})
  })
} else {
  afterAll(() => console.log(`\n${measurements.table()}\n`))

  layer(realCluster.layer({ instances: [{}] }), options)("One Greenroom in front of a real MediaMTX", (it) => {
    describe.concurrent("that disturb nobody", () => {
      serverOwnedSources(it)
      faultsBesideOthers(it)
    })
    faultsAlone(it)
    controlApiOutage(it)
    databaseAway(it)
    secrecy(it)
  })

  layer(realCluster.layer({ instances: [{ ON_DUPLICATE_PUBLISH: "takeover" }] }), options)("Takeovers", (it) => {
    takingOver(it)
  })
}
