import { factsOf } from "@greenroom/mediamtx-simulator"
import { mediaServerIdLaws, mediaServerLaws, mediaServerViewersLaws, registerLaws } from "@greenroom/testing"
import { afterAll, describe, it } from "vitest"
import { missingFor, realBinaries } from "../../../../verification/worlds/realBinaries.ts"
import { playable, publishable, realStage } from "../fixtures/realStage.ts"

const missing = missingFor("mediamtx", "ffmpeg")
if (missing.length > 0) {
  describe(`MediaServer: real MediaMTX (not run: no ${missing.join(" and no ")} in PATH)`, () => {
    it.skip("the laws", () => {})
  })
} else {
  for (const binary of realBinaries()) {
    const server = {
      name: `MediaMTX client on a real MediaMTX ${binary.version}`,
      makeStage: realStage.bind(null, binary),
      clock: "real",
      canDawdle: factsOf(binary.version).rtmpReadyAfter > 1_000,
      protocols: publishable,
      viewerProtocols: playable(factsOf(binary.version)),
      overHttp: true
    } as const
    registerLaws([mediaServerLaws(server), mediaServerIdLaws(server), mediaServerViewersLaws(server)], {
      describe,
      it,
      afterAll
    })
  }
}
