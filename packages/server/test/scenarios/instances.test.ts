/** Several Greenrooms on one database, in the ordinary test run: in front of the twin. */
import { layer } from "@effect/vitest"
import { environments, instances } from "./instances.ts"
import { secrecy } from "./secrecy.ts"
import * as twinFleet from "./twinFleet.ts"

layer(twinFleet.layer({ instances: environments }), { excludeTestServices: true, timeout: "2 minutes" })(
  "Three Greenrooms in front of the twin",
  (it) => {
    instances(it)
    secrecy(it)
  }
)
