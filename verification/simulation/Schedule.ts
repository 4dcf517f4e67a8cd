/** Draws a schedule from a seed. Which kinds of faults it knows, and how often they come, is drawn first. */
import { type Dice, makeDice } from "../worlds/Dice.ts"
import { drawSetting } from "./drawSetting.ts"
import { always, connect, groups, instance } from "./kindsOfSteps.ts"
import type { Connect, Schedule, Setting, Step } from "./Step.ts"

const MIN_STEPS = 200
const MAX_STEPS = 240
/** So long do the steps of a schedule last at least, in simulated milliseconds. */
const MIN_LENGTH = 60_000

/** An RTSP publisher is kicked between ANNOUNCE and RECORD, and comes back when what that leaves is on the path. */
const kickedBeforeRecord = (
  dice: Dice,
  setting: Setting,
  { at, who, protocol }: Connect & { readonly at: number },
  readyAfter: number
): ReadonlyArray<Step> => [
  { at: at + readyAfter, _tag: "MediaServerSlow", by: dice.pick([0, dice.between(100, 900)]), for: 2_500 },
  { at: at + dice.below(readyAfter), _tag: "StopStream", who, instance: instance(dice, setting) },
  { at: at + readyAfter + dice.below(1_200), _tag: "Connect", who, protocol, guise: "itself", readyAfter: null }
]

/** A kick of an RTSP session hangs behind an auth that a frozen instance does not answer, and others ask about sessions meanwhile. */
const kickedBehindAnAuth = (
  dice: Dice,
  setting: Setting,
  { at, who, protocol }: Connect & { readonly at: number }
): ReadonlyArray<Step> => {
  const frozenAt = at + dice.between(300, 3_000)
  return [
    {
      at: frozenAt,
      _tag: "InstanceFrozen",
      instance: instance(dice, setting),
      inCalls: 0,
      for: dice.between(2_500, 6_000)
    },
    { at: frozenAt, _tag: "Connect", who: who + 1, protocol, guise: "itself", readyAfter: null },
    { at: frozenAt + dice.below(30), _tag: "Connect", who: who + 2, protocol, guise: "itself", readyAfter: null },
    { at: frozenAt + dice.below(400), _tag: "StopStream", who, instance: instance(dice, setting) }
  ]
}

/** What makes a step dangerous when it comes at the same moment. */
const company = (dice: Dice, setting: Setting, step: Step): ReadonlyArray<Step> => {
  const soon = (millis: number) => step.at + dice.below(millis)
  switch (step._tag) {
    case "Revoke":
    case "Disable":
    case "Expire":
    case "DeleteBroadcaster":
      return [{ at: soon(8), ...connect(dice, setting), guise: "itself", who: step.who }]
    case "StopStream":
      // The kick is on its way, and comes when nobody waits for it any more.
      return dice.chance(0.3) ? [{ at: soon(60), _tag: "MediaServerFreezes", for: dice.between(2_050, 4_000) }] : []
    case "ClockSet":
      // Hooks come while the control API does not answer, but not for so long that they may be believed.
      return [
        {
          at: step.at,
          _tag: "MediaServerErrs",
          family: "all",
          answer: "no answer",
          for: dice.between(700, 2_800)
        },
        ...[1, 2, 3].map((): Step => ({ at: soon(900), _tag: "Leave", who: dice.below(setting.publishers) }))
      ]
    case "Stranger":
      return [
        {
          at: soon(900),
          _tag: "InstanceFrozen",
          instance: instance(dice, setting),
          inCalls: dice.between(4, 9),
          for: dice.between(300, 2_500)
        },
        { at: soon(2_500), _tag: "AuthAgain", who: step.who }
      ]
    case "Connect":
      if (step.protocol.startsWith("rtsp") && typeof step.readyAfter === "number")
        return kickedBeforeRecord(dice, setting, step, step.readyAfter)
      if (step.protocol.startsWith("rtsp") && setting.clocks.length > 1 && dice.chance(0.25))
        return kickedBehindAnAuth(dice, setting, step)
      // A WebRTC client calls itself a publisher for as long as it is asked about.
      return step.protocol === "webrtc" && dice.chance(0.1)
        ? [{ at: step.at, _tag: "StoreSlow", by: dice.between(50, 300), for: dice.between(200, 900) }]
        : []
    default:
      return []
  }
}

const gap = (dice: Dice): number =>
  dice.weighted([
    [35, dice.below(21)],
    [45, dice.between(20, 500)],
    [20, dice.between(500, 1_600)]
  ])

export const drawSchedule = (seed: number): Schedule => {
  const dice = makeDice(seed)
  const setting = drawSetting(dice)
  const kinds = [
    ...always,
    ...groups.flatMap((group) => {
      const strength = dice.pick([0, 0.6, 1, 2])
      return group.map(([weight, draw]) => [weight * strength, draw] as const)
    })
  ]
  const steps: Array<Step> = []
  const count = dice.between(MIN_STEPS, MAX_STEPS)
  let at = 0
  while (steps.length < count) {
    at += gap(dice)
    const step = { at, ...dice.weighted(kinds)(dice, setting) }
    steps.push(step, ...(dice.chance(0.4) ? company(dice, setting, step) : []))
  }
  steps.sort((a, b) => a.at - b.at)
  const stretch = Math.max(1, MIN_LENGTH / at)
  return { seed, setting, steps: steps.map((step) => ({ ...step, at: Math.ceil(step.at * stretch) })) }
}
