import { it } from "@effect/vitest"
import { factsOf } from "@greenroom/mediamtx-simulator"
import { memoryStage } from "../fixtures/memoryStage.ts"
import { simulatedProtocols } from "../fixtures/Stage.ts"
import { mediaServerLaws } from "./MediaServer.laws.ts"
import { mediaServerIdLaws } from "./MediaServerIds.laws.ts"

/** One that has no `/v3/info` and asks under the ids of RTSP's connections, and one that does neither. */
for (const version of ["1.12.3", "1.20.1"]) {
  const staged = {
    name: `memory, as ${version}`,
    makeStage: memoryStage.bind(null, version),
    test: it.effect,
    canDawdle: true,
    protocols: simulatedProtocols(factsOf(version)),
    overHttp: false
  }
  mediaServerLaws(staged)
  mediaServerIdLaws(staged)
}
