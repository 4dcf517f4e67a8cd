import { factsOf } from "@greenroom/mediamtx-simulator"
import {
  mediaServerIdLaws,
  mediaServerLaws,
  mediaServerViewersLaws,
  registerLaws,
  simulatedProtocols,
  simulatedViewers
} from "@greenroom/testing"
import { afterAll, describe, it } from "vitest"
import { memoryStage } from "../fixtures/memoryStage.ts"

/** One that has no `/v3/info` and asks under the ids of RTSP's connections, and one that does neither. */
for (const version of ["1.12.3", "1.20.1"]) {
  const server = {
    name: `memory, as ${version}`,
    makeStage: memoryStage.bind(null, version),
    clock: "test",
    canDawdle: true,
    protocols: simulatedProtocols(factsOf(version)),
    viewerProtocols: simulatedViewers(factsOf(version)),
    overHttp: false
  } as const
  registerLaws([mediaServerLaws(server), mediaServerIdLaws(server), mediaServerViewersLaws(server)], {
    describe,
    it,
    afterAll
  })
}
