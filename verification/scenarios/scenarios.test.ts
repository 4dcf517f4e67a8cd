/** The end-to-end scenarios in the ordinary test run, where MediaMTX and ffmpeg may be missing: against the simulator. */
import { describe, layer } from "@effect/vitest"
import * as simulatorDeployment from "../worlds/simulatorDeployment.ts"
import { killedBeforeReady, publishing } from "./publishing.ts"
import { rotating } from "./rotating.ts"
import { secrecy } from "./secrecy.ts"
import { strangers } from "./strangers.ts"
import { expiringOnAir, takingOffAir } from "./takingOffAir.ts"

const protocols = ["rtmp", "rtsp", "srt", "webrtc"] as const

layer(simulatorDeployment.layer, { excludeTestServices: true, timeout: "2 minutes" })(
  "Greenroom in front of the simulator",
  (it) => {
    for (const protocol of protocols) {
      describe.concurrent(`over ${protocol}`, () => {
        publishing(it, protocol)
        takingOffAir(it, protocol)
        rotating(it, protocol)
      })
    }
    describe.concurrent("now and then", () => {
      killedBeforeReady(it)
      expiringOnAir(it, "srt", 1_500)
      strangers(it, protocols)
    })
    secrecy(it)
  }
)
