import { describe, it } from "@effect/vitest"
import { missing } from "../fixtures/realMediaMtx.ts"
import { realStage } from "../fixtures/realStage.ts"
import { mediaServerLaws } from "./MediaServer.laws.ts"

if (missing.length > 0) {
  describe(`MediaServer: real MediaMTX (not run: no ${missing.join(" and no ")} in PATH)`, () => {
    it.skip("the laws", () => {})
  })
} else {
  mediaServerLaws("MediaMTX client on a real MediaMTX", realStage, it.live)
}
