/** Several Greenrooms on one real PostgreSQL, in front of a real MediaMTX. */
import { afterAll, describe, it, layer } from "@effect/vitest"
import { environments, instances } from "../scenarios/instances.ts"
import { secrecy } from "../scenarios/secrecy.ts"
import * as realCluster from "../worlds/realCluster.ts"
import { measurements } from "../worlds/realDeployments.ts"
import { missing } from "../worlds/realMediaMtx.ts"

if (missing.length > 0) {
  console.warn(`Instances: not run, no ${missing.join(" and no ")} in PATH`)
  describe("Instances", () => {
    it.skip("the scenarios", () => {})
  })
} else {
  afterAll(() => console.log(`\n${measurements.table()}\n`))

  layer(realCluster.layer({ instances: environments }), { excludeTestServices: true, timeout: "2 minutes" })(
    "Three Greenrooms in front of a real MediaMTX",
    (it) => {
      instances(it)
      secrecy(it)
    }
  )
}
