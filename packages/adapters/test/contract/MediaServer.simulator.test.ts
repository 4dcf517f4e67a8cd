import {
  mediaServerIdLaws,
  mediaServerLaws,
  mediaServerViewersLaws,
  onSimulator,
  registerLaws
} from "@greenroom/testing"
import { afterAll, describe, it } from "vitest"
import { MediaMtx } from "../../src/mediamtx/index.ts"

const runner = { describe, it, afterAll }
const name = "MediaMTX client on the simulator"

for (const version of ["1.9.3", "1.12.3", "1.15.6", "1.17.1", "1.19.3", "1.20.1", "1.21.1"] as const) {
  const server = onSimulator({ name: `${name}, ${version}`, layer: MediaMtx.layer, version })
  registerLaws([mediaServerLaws(server), mediaServerIdLaws(server), mediaServerViewersLaws(server)], runner)
}

const newNames = onSimulator({
  name: `${name}, 1.21.1 without the old names`,
  layer: MediaMtx.layer,
  version: "1.21.1",
  simulator: { names: "new" }
})
registerLaws([mediaServerIdLaws(newNames), mediaServerViewersLaws(newNames)], runner)
