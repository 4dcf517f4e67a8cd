/** The scenarios of faults in the ordinary test run: against the twin. */
import { layer } from "@effect/vitest"
import { disorderedHooks } from "./hooks.ts"
import { rtspOddities } from "./rtspOddities.ts"
import { takingOver, terminating } from "./terminating.ts"
import * as twinFleet from "./twinFleet.ts"

const options = { excludeTestServices: true, timeout: "60 seconds" } as const

layer(twinFleet.layer({ instances: [{}] }), options)("One Greenroom in front of the twin", (it) => {
  terminating(it)
  disorderedHooks(it)
  rtspOddities(it)
})

layer(twinFleet.layer({ instances: [{ ON_DUPLICATE_PUBLISH: "takeover" }] }), options)("Takeovers", (it) => {
  takingOver(it)
})
