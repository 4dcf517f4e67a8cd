/** Draws a schedule from a seed. Which kinds of faults it knows, and how often they come, is drawn first. */
import { makeRng, mixed, type Rng } from "../worlds/Rng.ts"
import { drawSetting } from "./drawSetting.ts"
import { always, connect, groups, instance } from "./kindsOfSteps.ts"
import type { Connect, Schedule, Setting, Step } from "./Step.ts"
import { drawViewerSteps, drawViewers } from "./viewerSteps.ts"

/** The purpose of the random numbers of viewers. */
const VIEWING = 100
const MIN_STEPS = 200
const MAX_STEPS = 240
/** So long do the steps of a schedule last at least, in simulated milliseconds. */
const MIN_LENGTH = 60_000

/** An RTSP publisher is kicked between ANNOUNCE and RECORD, and comes back when what that leaves is on the path. */
const kickedBeforeRecord = (
  rng: Rng,
  setting: Setting,
  { at, who, protocol }: Connect & { readonly at: number },
  readyAfter: number
): ReadonlyArray<Step> => [
  { at: at + readyAfter, _tag: "MediaServerSlow", by: rng.pick([0, rng.between(100, 900)]), for: 2_500 },
  { at: at + rng.below(readyAfter), _tag: "StopStream", who, instance: instance(rng, setting) },
  { at: at + readyAfter + rng.below(1_200), _tag: "Connect", who, protocol, guise: "itself", readyAfter: null }
]

/** A kick of an RTSP session hangs behind an auth that a frozen instance does not answer, and others ask about sessions meanwhile. */
const kickedBehindAnAuth = (
  rng: Rng,
  setting: Setting,
  { at, who, protocol }: Connect & { readonly at: number }
): ReadonlyArray<Step> => {
  const frozenAt = at + rng.between(300, 3_000)
  return [
    {
      at: frozenAt,
      _tag: "InstanceFrozen",
      instance: instance(rng, setting),
      inCalls: 0,
      for: rng.between(2_500, 6_000)
    },
    { at: frozenAt, _tag: "Connect", who: who + 1, protocol, guise: "itself", readyAfter: null },
    { at: frozenAt + rng.below(30), _tag: "Connect", who: who + 2, protocol, guise: "itself", readyAfter: null },
    { at: frozenAt + rng.below(400), _tag: "StopStream", who, instance: instance(rng, setting) }
  ]
}

/** What makes a step dangerous when it comes at the same moment. */
const company = (rng: Rng, setting: Setting, step: Step): ReadonlyArray<Step> => {
  const soon = (millis: number) => step.at + rng.below(millis)
  switch (step._tag) {
    case "Revoke":
    case "Disable":
    case "Expire":
    case "DeleteBroadcaster":
    case "Rotate":
    case "StopAndBlock":
      return [{ at: soon(8), ...connect(rng, setting), guise: "itself", who: step.who }]
    case "StopStream":
      // The kick is on its way, and comes when nobody waits for it any more.
      return rng.chance(0.3) ? [{ at: soon(60), _tag: "MediaServerFreezes", for: rng.between(2_050, 4_000) }] : []
    case "ClockSet":
      // Hooks come while the control API does not answer, but not for so long that they may be believed.
      return [
        {
          at: step.at,
          _tag: "MediaServerErrs",
          family: "all",
          answer: "no answer",
          for: rng.between(700, 2_800)
        },
        ...[1, 2, 3].map((): Step => ({ at: soon(900), _tag: "Leave", who: rng.below(setting.publishers) }))
      ]
    case "Stranger":
      return [
        {
          at: soon(900),
          _tag: "InstanceFrozen",
          instance: instance(rng, setting),
          inCalls: rng.between(4, 9),
          for: rng.between(300, 2_500)
        },
        { at: soon(2_500), _tag: "AuthAgain", who: step.who }
      ]
    case "Connect":
      if (step.protocol.startsWith("rtsp") && typeof step.readyAfter === "number")
        return kickedBeforeRecord(rng, setting, step, step.readyAfter)
      if (step.protocol.startsWith("rtsp") && setting.clocks.length > 1 && rng.chance(0.25))
        return kickedBehindAnAuth(rng, setting, step)
      // A WebRTC client calls itself a publisher for as long as it is asked about.
      return step.protocol === "webrtc" && rng.chance(0.1)
        ? [{ at: step.at, _tag: "StoreSlow", by: rng.between(50, 300), for: rng.between(200, 900) }]
        : []
    default:
      return []
  }
}

const gap = (rng: Rng): number =>
  rng.weighted([
    [35, rng.below(21)],
    [45, rng.between(20, 500)],
    [20, rng.between(500, 1_600)]
  ])

export const drawSchedule = (seed: number): Schedule => {
  const rng = makeRng(seed)
  /** What viewers do is drawn apart: what else a seed draws is the same with them and without. */
  const viewing = makeRng(mixed(seed, VIEWING))
  const setting: Setting = { ...drawSetting(rng), ...drawViewers(viewing) }
  const kinds = [
    ...always,
    ...groups.flatMap((group) => {
      const strength = rng.pick([0, 0.6, 1, 2])
      return group.map(([weight, draw]) => [weight * strength, draw] as const)
    })
  ]
  const steps: Array<Step> = []
  const count = rng.between(MIN_STEPS, MAX_STEPS)
  let at = 0
  while (steps.length < count) {
    at += gap(rng)
    const step = { at, ...rng.weighted(kinds)(rng, setting) }
    steps.push(step, ...(rng.chance(0.4) ? company(rng, setting, step) : []))
  }
  steps.sort((a, b) => a.at - b.at)
  const stretch = Math.max(1, MIN_LENGTH / at)
  const stretched = steps.map((step) => ({ ...step, at: Math.ceil(step.at * stretch) }))
  const ofViewers = drawViewerSteps(viewing, setting, stretched.at(-1)?.at ?? 0)
  return { seed, setting, steps: [...stretched, ...ofViewers].sort((a, b) => a.at - b.at) }
}
