import { it } from "@effect/vitest"
import { factsOf, type SimulatorHttp, type Version } from "@greenroom/mediamtx-simulator"
import { simulatedProtocols } from "../fixtures/Stage.ts"
import { simulatorStage } from "../fixtures/simulatorStage.ts"
import { mediaServerLaws, type StagedMediaServer } from "./MediaServer.laws.ts"
import { mediaServerIdLaws } from "./MediaServerIds.laws.ts"

const stagedAt = (
  name: string,
  version: Version,
  simulator: SimulatorHttp.SimulatorHttpOptions = { version }
): StagedMediaServer => ({
  name: `MediaMTX client on the simulator, ${name}`,
  makeStage: (deadlines) => simulatorStage(deadlines === undefined ? { simulator } : { simulator, deadlines }),
  test: it.live,
  canDawdle: true,
  protocols: simulatedProtocols(factsOf(version)),
  overHttp: true
})

for (const version of ["1.9.3", "1.12.3", "1.15.6", "1.17.1", "1.19.3", "1.20.1", "1.21.1"]) {
  const staged = stagedAt(version, version)
  mediaServerLaws(staged)
  mediaServerIdLaws(staged)
}

mediaServerIdLaws(stagedAt("1.21.1 without the old names", "1.21.1", { version: "1.21.1", names: "new" }))
