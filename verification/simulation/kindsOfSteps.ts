/**
 * What kinds of steps there are, and how often each comes when it comes at all. The kinds are in groups, which a schedule takes or
 * leaves: everything at once hides what two faults alone would show.
 */
import type { Rng } from "../worlds/Rng.ts"
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

const lasting = (rng: Rng) =>
  rng.weighted([
    [4, rng.between(20, 900)],
    [3, rng.between(900, 4_500)],
    [1, rng.between(4_500, 14_000)]
  ])

export type Draw = (rng: Rng, setting: Setting) => Action

const who = (rng: Rng, { publishers }: Setting) => rng.below(publishers)
export const instance = (rng: Rng, { clocks }: Setting) => rng.below(clocks.length)

export const connect = (rng: Rng, setting: Setting): Connect => ({
  _tag: "Connect",
  who: who(rng, setting),
  protocol: rng.pick(setting.protocols),
  guise: rng.weighted(guises),
  readyAfter: rng.weighted<Connect["readyAfter"]>([
    [12, null],
    [4, rng.between(2, 3_000)],
    [2, "never"]
  ])
})

/** Everybody at once is not the same as everybody soon: a line forms at the auth endpoint. */
const allConnect: Draw = (rng) => ({
  _tag: "AllConnect",
  within: rng.pick([0, rng.between(20, 200), rng.between(40, 600)])
})

/** How often each kind of step comes when it comes at all, by the group that a schedule takes or leaves. */
export const groups: ReadonlyArray<ReadonlyArray<readonly [weight: number, draw: Draw]>> = [
  [
    [3, (rng, setting) => ({ _tag: "EncoderDies", who: who(rng, setting) })],
    [2, (rng, setting) => ({ _tag: "EncoderFreezes", who: who(rng, setting), for: rng.between(100, 6_000) })],
    [3, (rng, setting) => ({ _tag: "Pause", who: who(rng, setting) })],
    [4, (rng, setting) => ({ _tag: "Record", who: who(rng, setting) })]
  ],
  [
    [
      4,
      (rng, setting) => ({
        _tag: "Stranger",
        who: who(rng, setting),
        protocol: rng.pick(servedProtocols(setting.version)),
        path: rng.pick(["own", "stray", "stray", "key"])
      })
    ],
    [
      0.6,
      (rng, setting) => ({
        _tag: "Crowd",
        who: who(rng, setting),
        protocol: rng.pick(servedProtocols(setting.version)),
        count: setting.massKickLimit + rng.between(-1, 4)
      })
    ],
    [0.5, (rng, setting) => ({ _tag: "Enforce", instance: instance(rng, setting) })],
    [4, (rng, setting) => ({ _tag: "AuthAgain", who: who(rng, setting) })]
  ],
  [
    [
      2,
      (rng, setting) => ({
        _tag: "Reader",
        who: who(rng, setting),
        protocol: rng.pick(servedProtocols(setting.version))
      })
    ],
    [
      2,
      (rng, setting) => ({
        _tag: "OwnPath",
        who: who(rng, setting),
        source: rng.pick(ownSources),
        for: rng.between(1_000, 12_000)
      })
    ],
    [2, (rng, setting) => ({ _tag: "AuthAgain", who: who(rng, setting) })],
    [
      3,
      (rng, setting) => ({
        _tag: "ForgedHook",
        who: who(rng, setting),
        event: rng.pick(["ready", "not-ready"]),
        about: rng.pick(["present", "present", "former", "nobody"]),
        ownPath: rng.chance(0.7)
      })
    ]
  ],
  [
    [
      3,
      (rng) => ({
        _tag: "MediaServerRestarts",
        by: rng.pick(["kill", "kill", "stop"]),
        downFor: rng.pick([0, 0, rng.between(1, 4_000), rng.between(4_000, 15_000)]),
        inCalls: rng.pick([0, 0, rng.between(1, 12)])
      })
    ],
    [2, allConnect]
  ],
  [
    [2, (rng) => ({ _tag: "MediaServerFreezes", for: lasting(rng) })],
    [2, (rng) => ({ _tag: "MediaServerSlow", by: rng.between(20, 1_800), for: lasting(rng) })],
    [
      3,
      (rng) => ({
        _tag: "MediaServerErrs",
        family: rng.pick(["all", ...families]),
        answer: rng.pick([...wrongAnswers, "half a list"]),
        for: lasting(rng)
      })
    ]
  ],
  [
    [
      3,
      (rng, setting) => ({
        _tag: "InstanceKilled",
        instance: instance(rng, setting),
        inCalls: rng.below(14),
        sent: rng.chance(0.6),
        downFor: rng.pick([0, rng.between(50, 6_000)])
      })
    ],
    [
      1,
      (rng, setting) => ({
        _tag: "InstanceTerminated",
        instance: instance(rng, setting),
        downFor: rng.between(0, 3_000)
      })
    ]
  ],
  [
    [
      4,
      (rng, setting) => ({
        _tag: "InstanceFrozen",
        instance: instance(rng, setting),
        inCalls: rng.below(14),
        for: lasting(rng)
      })
    ]
  ],
  [
    [
      2,
      (rng, setting) => ({
        _tag: "ClockSet",
        instance: instance(rng, setting),
        by: rng.pick([1, -1]) * rng.pick([rng.between(500, 4_000), 30_000, 3_600_000])
      })
    ]
  ],
  [
    [2, (rng) => ({ _tag: "StoreStops", for: lasting(rng) })],
    [2, (rng) => ({ _tag: "StoreFreezes", for: lasting(rng) })],
    [1, () => ({ _tag: "StoreConnectionsKilled" })],
    [1, (rng) => ({ _tag: "StoreSlow", by: rng.between(5, 400), for: lasting(rng) })]
  ],
  [
    [2, (rng) => ({ _tag: "CommitsFail", count: rng.between(1, 4) })],
    [3, (rng) => ({ _tag: "AnswersLost", count: rng.between(1, 4), silent: rng.chance(0.5) })]
  ],
  [
    [3, (rng, setting) => ({ _tag: "Revoke", who: who(rng, setting), instance: instance(rng, setting) })],
    [
      3,
      (rng, setting) => ({
        _tag: "Disable",
        who: who(rng, setting),
        instance: instance(rng, setting),
        enableAfter: rng.pick([null, 0, rng.between(1, 300), rng.between(300, 4_000)]),
        patient: rng.chance(0.5)
      })
    ],
    [2, (rng, setting) => ({ _tag: "StopStream", who: who(rng, setting), instance: instance(rng, setting) })],
    [2, (rng, setting) => ({ _tag: "ForceStop", who: who(rng, setting), instance: instance(rng, setting) })]
  ],
  [
    [
      3,
      (rng, setting) => ({
        _tag: "Rotate",
        who: who(rng, setting),
        instance: instance(rng, setting),
        overlapSeconds: rng.pick([0, 1, 2, rng.between(3, 30)]),
        handed: rng.chance(0.8)
      })
    ],
    [
      2,
      (rng, setting) => ({
        _tag: "StopAndBlock",
        who: who(rng, setting),
        instance: instance(rng, setting),
        seconds: rng.pick([1, rng.between(2, 20)])
      })
    ]
  ],
  [
    [
      3,
      (rng, setting) => ({
        _tag: "Expire",
        who: who(rng, setting),
        instance: instance(rng, setting),
        in: rng.pick([rng.between(50, 3_000), rng.between(3_000, 35_000)])
      })
    ],
    [1, (rng, setting) => ({ _tag: "DeleteBroadcaster", who: who(rng, setting), instance: instance(rng, setting) })],
    [1, (rng, setting) => ({ _tag: "EndedByHand", who: who(rng, setting) })]
  ]
]

export const always: ReadonlyArray<readonly [number, Draw]> = [
  [30, connect],
  [5, allConnect],
  [9, (rng, setting) => ({ _tag: "Leave", who: who(rng, setting) })],
  [5, (rng, setting) => ({ _tag: "NewKey", who: who(rng, setting), instance: instance(rng, setting) })],
  [1.2, (rng) => ({ _tag: "QuietPeriod", revive: rng.chance(0.6) ? "all" : "one" })]
]
