/** What happens when one of them is away for a while, in the ordinary test run: Greenroom and the twin. */
import { layer } from "@effect/vitest"
import { greenroomKilled, mediaServerFrozen, mediaServerOutage, mediaServerRestart } from "./outages.ts"
import { secrecy } from "./secrecy.ts"
import * as twinVenue from "./twinVenue.ts"

layer(twinVenue.layer, { excludeTestServices: true, timeout: "2 minutes" })(
  "Outages of Greenroom and the twin",
  (it) => {
    mediaServerRestart(it)
    mediaServerOutage(it)
    mediaServerFrozen(it)
    greenroomKilled(it, ["rtmp", "rtsp", "srt", "webrtc"])
    secrecy(it)
  }
)
