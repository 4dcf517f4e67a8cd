/** Several Greenrooms on one real PostgreSQL, in front of a real MediaMTX. */
import { afterAll, describe, it, layer } from "@effect/vitest"
import { missing } from "../packages/adapters/test/fixtures/realMediaMtx.ts"
import { environments, instances } from "../packages/server/test/scenarios/instances.ts"
import { secrecy } from "../packages/server/test/scenarios/secrecy.ts"
import * as realFleet from "./realFleet.ts"
import { measurements } from "./realVenues.ts"

if (missing.length > 0) {
  console.warn(`Instances: not run, no ${missing.join(" and no ")} in PATH`)
  describe("Instances", () => {
    it.skip("the scenarios", () => {})
  })
} else {
  afterAll(() => console.log(`\n${measurements.table()}\n`))

  layer(realFleet.layer({ instances: environments }), { excludeTestServices: true, timeout: "2 minutes" })(
    "Three Greenrooms in front of a real MediaMTX",
    (it) => {
      instances(it)
      secrecy(it)
    }
  )
}
