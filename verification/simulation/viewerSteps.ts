/**
 * The steps of viewers and of those who decide who may watch, drawn beside the rest of a schedule, from numbers of their own: what else a seed draws
 * does not depend on them.
 */
import type { Coverage } from "@greenroom/core"
import type { Rng } from "../worlds/Rng.ts"
import type { Draw } from "./kindsOfSteps.ts"
import {
  type IssueToken,
  type Setting,
  type Step,
  type TokenPlace,
  type TokenShown,
  viewerProtocols,
  type Watch
} from "./Step.ts"

/** Six of ten schedules have none. */
export const drawViewers = (rng: Rng): Pick<Setting, "viewers" | "playback"> => ({
  viewers: rng.chance(0.6)
    ? 0
    : rng.weighted([
        [3, rng.between(1, 4)],
        [3, rng.between(5, 12)]
      ]),
  playback: {
    streams: rng.chance(0.6) ? "token" : "public",
    unknownPaths: rng.chance(0.3) ? "token" : "public"
  }
})

const VIEWER_IDS = 4

const shows: ReadonlyArray<readonly [number, TokenShown]> = [
  [12, "good"],
  [3, "none"],
  [2, "revoked"],
  [1, "of another path"],
  [1, "expired"],
  [1, "changed"]
]
const places: ReadonlyArray<readonly [number, TokenPlace]> = [
  [3, "query"],
  [2, "password"],
  [2, "bearer"]
]
const coverages: ReadonlyArray<readonly [number, Coverage["_tag"]]> = [
  [4, "Path"],
  [2, "Stream"],
  [2, "Broadcaster"],
  [2, "Pattern"]
]

const watch: Draw = (rng, setting): Watch => ({
  _tag: "Watch",
  viewer: rng.below(setting.viewers),
  who: rng.below(setting.publishers),
  protocol: rng.chance(0.35)
    ? rng.pick(viewerProtocols(setting.version).slice(-1))
    : rng.pick(viewerProtocols(setting.version)),
  shows: rng.weighted(shows),
  place: rng.weighted(places)
})

const issue: Draw = (rng, setting): IssueToken => {
  const by = rng.chance(0.6) ? "greenroom" : "application"
  return {
    _tag: "IssueToken",
    who: rng.below(setting.publishers),
    instance: rng.below(setting.clocks.length),
    by,
    covers: rng.weighted(coverages),
    viewerId: rng.chance(0.6) ? rng.below(VIEWER_IDS) : null,
    maxSessions: rng.chance(0.3) ? rng.between(1, 2) : null,
    expiresIn: by === "application" ? rng.pick([rng.between(2, 20), rng.between(20, 60)]) : 60
  }
}

const instance = (rng: Rng, { clocks }: Setting) => rng.below(clocks.length)

const kinds: ReadonlyArray<readonly [number, Draw]> = [
  [30, watch],
  [9, issue],
  [6, (rng, setting) => ({ _tag: "StopWatching", viewer: rng.below(setting.viewers) })],
  [1, (rng, setting) => ({ _tag: "PlayerDies", viewer: rng.below(setting.viewers) })],
  [
    4,
    (rng, setting) => ({
      _tag: "PlayerIdles",
      viewer: rng.below(setting.viewers),
      for: rng.pick([rng.between(500, 4_000), rng.between(7_000, 20_000)])
    })
  ],
  [
    4,
    (rng, setting) => ({ _tag: "RevokeToken", viewer: rng.below(setting.viewers), instance: instance(rng, setting) })
  ],
  [
    2,
    (rng, setting) => ({
      _tag: "RevokeViewer",
      viewerId: rng.below(VIEWER_IDS),
      instance: instance(rng, setting),
      until: rng.chance(0.5) ? null : rng.between(2_000, 15_000)
    })
  ],
  [
    4,
    (rng, setting) => ({
      _tag: "SetPlayback",
      who: rng.below(setting.publishers),
      instance: instance(rng, setting),
      of: rng.chance(0.7) ? "key" : "broadcaster",
      policy: rng.pick(["token", "public", null])
    })
  ],
  [
    1,
    (rng, setting) => ({
      _tag: "RotateSigningKey",
      instance: instance(rng, setting),
      overlapSeconds: rng.pick([0, rng.between(1, 20), 600])
    })
  ],
  [0.5, (rng, setting) => ({ _tag: "RemoveSigningKey", instance: instance(rng, setting) })],
  [1, (rng, setting) => ({ _tag: "KickViewer", viewer: rng.below(setting.viewers), instance: instance(rng, setting) })]
]

/** What makes a step dangerous when it comes at the same moment. */
const company = (rng: Rng, setting: Setting, step: Step): ReadonlyArray<Step> => {
  const soon = (millis: number) => step.at + rng.below(millis)
  switch (step._tag) {
    case "RevokeToken":
    case "RevokeViewer":
      return [{ ...step, ...watch(rng, setting), at: soon(400) }]
    case "SetPlayback":
      return [
        // The others hear of it late, and rights change meanwhile.
        { at: step.at + 1 + rng.below(60), _tag: "AnswersLost", count: rng.between(1, 4), silent: true },
        { at: soon(3_500), _tag: "RevokeToken", viewer: rng.below(setting.viewers), instance: instance(rng, setting) },
        ...[0, 1].map((): Step => {
          const comes = watch(rng, setting) as Watch
          return { ...comes, who: step.who, shows: "none", at: soon(1_500) }
        })
      ]
    case "Watch":
      // The same token again.
      return [{ ...(watch(rng, setting) as Watch), who: step.who, at: soon(3_000) }]
    default:
      return []
  }
}

const EVERY_MS = 700
/** Publishers come first. */
const FIRST_MS = 1_500

/** Over so many milliseconds. */
export const drawViewerSteps = (rng: Rng, setting: Setting, length: number): ReadonlyArray<Step> => {
  if (setting.viewers === 0) return []
  const steps: Array<Step> = []
  for (let at = FIRST_MS; at < length; at += rng.between(0, 2 * EVERY_MS)) {
    const step: Step = { at, ...rng.weighted(kinds)(rng, setting) }
    steps.push(step, ...(rng.chance(0.4) ? company(rng, setting, step) : []))
  }
  return steps
}
