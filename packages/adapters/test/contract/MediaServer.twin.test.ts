import { it } from "@effect/vitest"
import { twinStage } from "../fixtures/twinStage.ts"
import { mediaServerLaws } from "./MediaServer.laws.ts"

mediaServerLaws(
  "MediaMTX client on the twin",
  (deadlines) => twinStage(deadlines === undefined ? {} : { deadlines }),
  it.live
)
