/** What happens when one of them is away for a while, in the ordinary test run: Greenroom and the simulator. */
import { layer } from "@effect/vitest"
import * as simulatorDeployment from "../worlds/simulatorDeployment.ts"
import { greenroomKilled, mediaServerFrozen, mediaServerOutage, mediaServerRestart } from "./outages.ts"
import { secrecy } from "./secrecy.ts"

layer(simulatorDeployment.layer, { excludeTestServices: true, timeout: "2 minutes" })(
  "Outages of Greenroom and the simulator",
  (it) => {
    mediaServerRestart(it)
    mediaServerOutage(it)
    mediaServerFrozen(it)
    greenroomKilled(it, ["rtmp", "rtsp", "srt", "webrtc"])
    secrecy(it)
  }
)
