/**
 * The scenarios on real input: Greenroom as its operator starts it, a real MediaMTX, a real PostgreSQL, ffmpeg, and a browser where
 * there is one. Deadlines are wide, so that a busy machine fails nothing; the times stand in the table at the end.
 */
import { afterAll, describe, it, layer } from "@effect/vitest"
import {
  everythingKilled,
  greenroomKilled,
  mediaServerFrozen,
  mediaServerOutage,
  mediaServerRestart
} from "../scenarios/outages.ts"
import { killedBeforeReady, publishing } from "../scenarios/publishing.ts"
import { rotating } from "../scenarios/rotating.ts"
import { secrecy } from "../scenarios/secrecy.ts"
import { strangers } from "../scenarios/strangers.ts"
import { expiringOnAir, takingOffAir } from "../scenarios/takingOffAir.ts"
import { browserBinary } from "../worlds/browserEncoder.ts"
import { embedded, foreign, measurements, open } from "../worlds/realDeployments.ts"
import { missing } from "../worlds/realMediaMtx.ts"

const options = { excludeTestServices: true, timeout: "2 minutes" } as const
const protocols = ["rtmp", "rtsp", "srt"] as const

/** One clear line, which the reporter itself does not print for what is skipped. */
const notRun = (what: string, missing: ReadonlyArray<string>) => {
  console.warn(`${what}: not run, no ${missing.join(" and no ")} in PATH`)
  describe(what, () => {
    it.skip("the scenarios", () => {})
  })
}

if (missing.length > 0) {
  notRun("End to end", missing)
} else {
  afterAll(() => console.log(`\n${measurements.table()}\n`))

  layer(embedded, options)("Greenroom with a MediaMTX of its own", (it) => {
    for (const protocol of protocols) {
      describe(`over ${protocol}`, () => {
        publishing(it, protocol)
        takingOffAir(it, protocol)
        rotating(it, protocol)
      })
    }
    if (browserBinary === undefined) {
      notRun("over webrtc", ["chromium"])
    } else {
      describe("over webrtc", () => {
        publishing(it, "webrtc")
        takingOffAir(it, "webrtc")
        rotating(it, "webrtc")
      })
    }
    killedBeforeReady(it)
    expiringOnAir(it, "rtsp", 4_000)
    mediaServerRestart(it)
    everythingKilled(it)
    secrecy(it)
  })

  layer(foreign, options)("Greenroom in front of somebody's MediaMTX", (it) => {
    mediaServerOutage(it)
    mediaServerFrozen(it)
    greenroomKilled(it, protocols)
    secrecy(it)
  })

  layer(open, options)("Greenroom in front of a MediaMTX that asks nobody", (it) => {
    strangers(it, browserBinary === undefined ? protocols : [...protocols, "webrtc"])
    secrecy(it)
  })
}
