/** The scenarios of faults on real input: what is stopped, killed and frozen is a real MediaMTX and a real PostgreSQL. */
import { afterAll, describe, it, layer } from "@effect/vitest"
import { blindness } from "../scenarios/blindness.ts"
import { databaseAway } from "../scenarios/databaseAway.ts"
import { disorderedHooks } from "../scenarios/hooks.ts"
import { lastWord } from "../scenarios/lastWord.ts"
import { rtspOddities, unlistedPublishers } from "../scenarios/rtspOddities.ts"
import { secrecy } from "../scenarios/secrecy.ts"
import { takingOver, terminating, terminatingOnItsOwn } from "../scenarios/terminating.ts"
import { uninvitedPublishers } from "../scenarios/uninvited.ts"
import * as realFleet from "../worlds/realFleet.ts"
import { missing } from "../worlds/realMediaMtx.ts"
import { measurements } from "../worlds/realVenues.ts"
import { houseSources } from "./houseSources.ts"

const options = { excludeTestServices: true, timeout: "2 minutes" } as const

if (missing.length > 0) {
  console.warn(`Faults: not run, no ${missing.join(" and no ")} in PATH`)
  describe("Faults", () => {
    it.skip("the scenarios", () => {})
  })
} else {
  afterAll(() => console.log(`\n${measurements.table()}\n`))

  layer(realFleet.layer({ instances: [{}] }), options)("One Greenroom in front of a real MediaMTX", (it) => {
    describe.concurrent("that disturb nobody", () => {
      houseSources(it)
      terminating(it)
      rtspOddities(it)
    })
    terminatingOnItsOwn(it)
    disorderedHooks(it)
    unlistedPublishers(it)
    uninvitedPublishers(it)
    lastWord(it)
    blindness(it)
    databaseAway(it)
    secrecy(it)
  })

  layer(realFleet.layer({ instances: [{ ON_DUPLICATE_PUBLISH: "takeover" }] }), options)("Takeovers", (it) => {
    takingOver(it)
  })
}
