/** A control API that fails, in the ordinary test run: against the twin. */
import { layer } from "@effect/vitest"
import { blindness } from "./blindness.ts"
import { secrecy } from "./secrecy.ts"
import * as twinFleet from "./twinFleet.ts"

layer(twinFleet.layer({ instances: [{}] }), { excludeTestServices: true, timeout: "2 minutes" })(
  "Greenroom in front of a control API that fails",
  (it) => {
    blindness(it)
    secrecy(it)
  }
)
