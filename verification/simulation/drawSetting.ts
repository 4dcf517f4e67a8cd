/** What holds for the whole of a schedule, drawn. */
import type { Version } from "@greenroom/mediamtx-simulator"
import type { Rng } from "../worlds/Rng.ts"
import { type Setting, servedProtocols } from "./Step.ts"

/** One of each kind that behaves differently: half of the schedules have the newest. */
const drawVersion = (rng: Rng): Version =>
  rng.chance(0.5) ? "1.20.1" : rng.pick(["1.9.3", "1.12.3", "1.13.1", "1.15.6", "1.16.3", "1.19.0", "1.19.3"])

export const drawSetting = (rng: Rng): Omit<Setting, "viewers" | "playback"> => {
  const instances = rng.weighted([
    [3, 1],
    [5, 2],
    [2, 3]
  ])
  const publishers = rng.weighted([
    [4, rng.between(1, 5)],
    [5, rng.between(6, 14)],
    [3, rng.between(15, 30)],
    [1.5, rng.between(31, 50)]
  ])
  const version = drawVersion(rng)
  const served = servedProtocols(version)
  const apart = rng.chance(0.6) ? rng.pick([30_000, -30_000, 1_700]) : 0
  return {
    version,
    publishers,
    clocks: Array.from({ length: instances }, (_, index) => (index % 2 === 0 ? apart : 0)),
    distance: rng.pick([1, 1, 10, 40]),
    protocols: rng.pick([served, served, ["webrtc"], ["rtsp", "rtsps"], ["rtmp", "rtsp", "webrtc"]]),
    unauthorized: rng.chance(0.65) ? "kick" : "report",
    massKickLimit: rng.pick([10, 10, 2]),
    onDuplicate: rng.chance(0.7) ? "refuse" : "takeover",
    hooks: rng.pick([
      { lost: 10, twice: 10, late: 20 },
      { lost: 60, twice: 20, late: 60 },
      { lost: 100, twice: 0, late: 0 },
      { lost: 0, twice: 0, late: 0 }
    ]),
    persistence: rng.pick([0, 50, 100]),
    hookSecret: rng.chance(0.6),
    controlApi: rng.chance(0.06) ? "absent" : "there"
  }
}
