import { describe, it } from "@effect/vitest"
import { factsOf } from "@greenroom/mediamtx-simulator"
import { missingFor, realBinaries } from "../../../../verification/worlds/realBinaries.ts"
import { publishable, realStage } from "../fixtures/realStage.ts"
import { mediaServerLaws } from "./MediaServer.laws.ts"
import { mediaServerIdLaws } from "./MediaServerIds.laws.ts"

const missing = missingFor("mediamtx", "ffmpeg")
if (missing.length > 0) {
  describe(`MediaServer: real MediaMTX (not run: no ${missing.join(" and no ")} in PATH)`, () => {
    it.skip("the laws", () => {})
  })
} else {
  for (const binary of realBinaries()) {
    const staged = {
      name: `MediaMTX client on a real MediaMTX ${binary.version}`,
      makeStage: realStage.bind(null, binary),
      test: it.live,
      canDawdle: factsOf(binary.version).rtmpReadyAfter > 1_000,
      protocols: publishable,
      overHttp: true
    }
    mediaServerLaws(staged)
    mediaServerIdLaws(staged)
  }
}
