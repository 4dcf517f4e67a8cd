/** The scenarios of faults in the ordinary test run: against the simulator. */
import { describe, layer } from "@effect/vitest"
import * as simulatorFleet from "../worlds/simulatorFleet.ts"
import { disorderedHooks } from "./hooks.ts"
import { lastWord } from "./lastWord.ts"
import { rtspOddities, unlistedPublishers } from "./rtspOddities.ts"
import { secrecy } from "./secrecy.ts"
import { takingOver, terminating, terminatingOnItsOwn } from "./terminating.ts"
import { uninvitedPublishers } from "./uninvited.ts"

const options = { excludeTestServices: true, timeout: "2 minutes" } as const

layer(simulatorFleet.layer({ instances: [{}] }), options)("One Greenroom in front of the simulator", (it) => {
  describe.concurrent("that disturb nobody", () => {
    terminating(it)
    rtspOddities(it)
  })
  terminatingOnItsOwn(it)
  disorderedHooks(it)
  unlistedPublishers(it)
  uninvitedPublishers(it)
  lastWord(it)
  secrecy(it)
})

layer(simulatorFleet.layer({ instances: [{ ON_DUPLICATE_PUBLISH: "takeover" }] }), options)("Takeovers", (it) => {
  takingOver(it)
})
