import { it } from "@effect/vitest"
import { factsOf, type TwinServer, type Version } from "../../src/twin/index.ts"
import { simulatedProtocols } from "../fixtures/Stage.ts"
import { twinStage } from "../fixtures/twinStage.ts"
import { mediaServerLaws, type StagedMediaServer } from "./MediaServer.laws.ts"
import { mediaServerIdLaws } from "./MediaServerIds.laws.ts"

const stagedAt = (name: string, version: Version, twin: TwinServer.TwinOptions = { version }): StagedMediaServer => ({
  name: `MediaMTX client on the twin, ${name}`,
  makeStage: (deadlines) => twinStage(deadlines === undefined ? { twin } : { twin, deadlines }),
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
