/**
 * What kinds of steps there are, and how often each comes when it comes at all. The kinds are in groups, which a schedule takes or
 * leaves: a storm of everything hides what two faults alone would show.
 */
import type { Dice } from "../worlds/Dice.ts"
import {
  type Action,
  type Connect,
  families,
  type Guise,
  ownSources,
  type Setting,
  servedProtocols,
  wrongAnswers
} from "./Step.ts"

const guises: ReadonlyArray<readonly [number, Guise]> = [
  [40, "itself"],
  [4, "with_anothers_key"],
  [4, "on_anothers_path"],
  [1, "on_a_bad_path"],
  [1, "with_an_unknown_key"],
  [1, "with_no_key"],
  [1, "with_its_key_in_the_path"]
]

const lasting = (dice: Dice) =>
  dice.weighted([
    [4, dice.between(20, 900)],
    [3, dice.between(900, 4_500)],
    [1, dice.between(4_500, 14_000)]
  ])

export type Draw = (dice: Dice, setting: Setting) => Action

const who = (dice: Dice, { publishers }: Setting) => dice.below(publishers)
export const instance = (dice: Dice, { clocks }: Setting) => dice.below(clocks.length)

export const connect = (dice: Dice, setting: Setting): Connect => ({
  _tag: "Connect",
  who: who(dice, setting),
  protocol: dice.pick(setting.protocols),
  guise: dice.weighted(guises),
  readyAfter: dice.weighted<Connect["readyAfter"]>([
    [12, null],
    [4, dice.between(2, 3_000)],
    [2, "never"]
  ])
})

/** Everybody at once is not the same as everybody soon: a line forms at the door. */
const allConnect: Draw = (dice) => ({
  _tag: "AllConnect",
  within: dice.pick([0, dice.between(20, 200), dice.between(40, 600)])
})

/** How often each kind of step comes when it comes at all, by the group that a schedule takes or leaves. */
export const groups: ReadonlyArray<ReadonlyArray<readonly [weight: number, draw: Draw]>> = [
  [
    [3, (dice, setting) => ({ _tag: "EncoderDies", who: who(dice, setting) })],
    [2, (dice, setting) => ({ _tag: "EncoderFreezes", who: who(dice, setting), for: dice.between(100, 6_000) })],
    [3, (dice, setting) => ({ _tag: "Pause", who: who(dice, setting) })],
    [4, (dice, setting) => ({ _tag: "Record", who: who(dice, setting) })]
  ],
  [
    [
      4,
      (dice, setting) => ({
        _tag: "Stranger",
        who: who(dice, setting),
        protocol: dice.pick(servedProtocols(setting.version)),
        path: dice.pick(["own", "stray", "stray", "key"])
      })
    ],
    [
      0.6,
      (dice, setting) => ({
        _tag: "Crowd",
        who: who(dice, setting),
        protocol: dice.pick(servedProtocols(setting.version)),
        count: setting.massKickLimit + dice.between(-1, 4)
      })
    ],
    [0.5, (dice, setting) => ({ _tag: "Enforce", instance: instance(dice, setting) })],
    [4, (dice, setting) => ({ _tag: "AuthAgain", who: who(dice, setting) })]
  ],
  [
    [
      2,
      (dice, setting) => ({
        _tag: "Reader",
        who: who(dice, setting),
        protocol: dice.pick(servedProtocols(setting.version))
      })
    ],
    [
      2,
      (dice, setting) => ({
        _tag: "OwnPath",
        who: who(dice, setting),
        source: dice.pick(ownSources),
        for: dice.between(1_000, 12_000)
      })
    ],
    [2, (dice, setting) => ({ _tag: "AuthAgain", who: who(dice, setting) })],
    [
      3,
      (dice, setting) => ({
        _tag: "ForgedHook",
        who: who(dice, setting),
        event: dice.pick(["ready", "not-ready"]),
        about: dice.pick(["present", "present", "former", "nobody"]),
        ownPath: dice.chance(0.7)
      })
    ]
  ],
  [
    [
      3,
      (dice) => ({
        _tag: "MediaServerRestarts",
        by: dice.pick(["kill", "kill", "stop"]),
        downFor: dice.pick([0, 0, dice.between(1, 4_000), dice.between(4_000, 15_000)]),
        inCalls: dice.pick([0, 0, dice.between(1, 12)])
      })
    ],
    [2, allConnect]
  ],
  [
    [2, (dice) => ({ _tag: "MediaServerFreezes", for: lasting(dice) })],
    [2, (dice) => ({ _tag: "MediaServerSlow", by: dice.between(20, 1_800), for: lasting(dice) })],
    [
      3,
      (dice) => ({
        _tag: "MediaServerErrs",
        family: dice.pick(["all", ...families]),
        answer: dice.pick([...wrongAnswers, "half a list"]),
        for: lasting(dice)
      })
    ]
  ],
  [
    [
      3,
      (dice, setting) => ({
        _tag: "InstanceKilled",
        instance: instance(dice, setting),
        inCalls: dice.below(14),
        sent: dice.chance(0.6),
        downFor: dice.pick([0, dice.between(50, 6_000)])
      })
    ],
    [
      1,
      (dice, setting) => ({
        _tag: "InstanceTerminated",
        instance: instance(dice, setting),
        downFor: dice.between(0, 3_000)
      })
    ]
  ],
  [
    [
      4,
      (dice, setting) => ({
        _tag: "InstanceFrozen",
        instance: instance(dice, setting),
        inCalls: dice.below(14),
        for: lasting(dice)
      })
    ]
  ],
  [
    [
      2,
      (dice, setting) => ({
        _tag: "ClockSet",
        instance: instance(dice, setting),
        by: dice.pick([1, -1]) * dice.pick([dice.between(500, 4_000), 30_000, 3_600_000])
      })
    ]
  ],
  [
    [2, (dice) => ({ _tag: "StoreStops", for: lasting(dice) })],
    [2, (dice) => ({ _tag: "StoreFreezes", for: lasting(dice) })],
    [1, () => ({ _tag: "StoreConnectionsKilled" })],
    [1, (dice) => ({ _tag: "StoreSlow", by: dice.between(5, 400), for: lasting(dice) })]
  ],
  [
    [2, (dice) => ({ _tag: "CommitsFail", count: dice.between(1, 4) })],
    [3, (dice) => ({ _tag: "AnswersLost", count: dice.between(1, 4), silent: dice.chance(0.5) })]
  ],
  [
    [3, (dice, setting) => ({ _tag: "Revoke", who: who(dice, setting), instance: instance(dice, setting) })],
    [
      3,
      (dice, setting) => ({
        _tag: "Disable",
        who: who(dice, setting),
        instance: instance(dice, setting),
        enableAfter: dice.pick([null, 0, dice.between(1, 300), dice.between(300, 4_000)]),
        patient: dice.chance(0.5)
      })
    ],
    [2, (dice, setting) => ({ _tag: "StopStream", who: who(dice, setting), instance: instance(dice, setting) })],
    [2, (dice, setting) => ({ _tag: "ForceStop", who: who(dice, setting), instance: instance(dice, setting) })]
  ],
  [
    [
      3,
      (dice, setting) => ({
        _tag: "Expire",
        who: who(dice, setting),
        instance: instance(dice, setting),
        in: dice.pick([dice.between(50, 3_000), dice.between(3_000, 35_000)])
      })
    ],
    [1, (dice, setting) => ({ _tag: "DeleteBroadcaster", who: who(dice, setting), instance: instance(dice, setting) })],
    [1, (dice, setting) => ({ _tag: "EndedByHand", who: who(dice, setting) })]
  ]
]

export const always: ReadonlyArray<readonly [number, Draw]> = [
  [30, connect],
  [5, allConnect],
  [9, (dice, setting) => ({ _tag: "Leave", who: who(dice, setting) })],
  [5, (dice, setting) => ({ _tag: "NewKey", who: who(dice, setting), instance: instance(dice, setting) })],
  [1.2, (dice) => ({ _tag: "Lull", revive: dice.chance(0.6) ? "all" : "one" })]
]
