/**
 * MediaMTX's control API: calls take time on their way, wait where the real ones wait (the list of paths in the line at the door, calls
 * about RTSP sessions while an RTSP client is being asked about), and meet faults: errors, halves of lists, slowness, the end of the
 * process.
 */
import { familyOf, type Protocol } from "@greenroom/core"
import type { World } from "@greenroom/mediamtx-simulator"
import type { Dice } from "../worlds/Dice.ts"
import type { Counts } from "./Counts.ts"
import type { Door } from "./Door.ts"
import type { Kernel } from "./Kernel.ts"
import type { Reading } from "./Listing.ts"
import type { Family, WrongAnswer } from "./Step.ts"

/** What a call is about: it decides what the call waits for and which faults it meets. */
export type About = Protocol | "info" | "paths"

export interface ControlCall<A> {
  readonly about: About
  /** Runs inside MediaMTX, at one moment. */
  readonly run: (world: World.World) => A
  /** Whether it takes a connection away. */
  readonly kicks: boolean
  /** Whose it is, and whether that one still waits for it. */
  readonly by: string
  readonly isAwaited: () => boolean
  readonly answered: (reading: Reading<A>) => void
}

export type Inside = Pick<ControlCall<unknown>, "kicks" | "by" | "isAwaited">

export interface Trouble {
  readonly family: Family | "all"
  readonly answer: WrongAnswer
}

/** As the real adapter reads it. */
const readAs: {
  readonly [A in Exclude<WrongAnswer, "half a list">]: Extract<Reading<never>, { _tag: "Failed" }>["why"]
} = {
  "401": "refused",
  "404": "nonsense",
  "500": "nonsense",
  garbage: "nonsense",
  "no answer": "unreachable"
}

/** MediaMTX says that a password is wrong after up to so long. */
const REFUSED_WITHIN_MS = 4_000

export interface ControlApiOptions {
  readonly kernel: Kernel
  readonly dice: Dice
  readonly counts: Counts
  readonly door: Door
  readonly world: () => World.World
  readonly awake: (run: () => void) => void
  /** Told when a call has arrived. */
  readonly arrived: () => void
  /** Told when a kick of an RTSP session meets another call about such sessions, which may crash MediaMTX. */
  readonly met: (one: Inside, other: Inside) => void
}

export const makeControlApi = ({ kernel, dice, counts, door, world, awake, arrived, met }: ControlApiOptions) => {
  let slowBy = 0
  let trouble: Trouble | null = null
  /** The calls about RTSP sessions that are inside, by the list that they are about. */
  const inside = new Map<About, Set<Inside>>()
  const open = new Set<() => void>()

  const meets = (about: About): Trouble | null => {
    if (
      trouble === null ||
      (trouble.family !== "all" && (about === "info" || about === "paths" || trouble.family !== familyOf(about)))
    )
      return null
    return about === "info" && trouble.answer === "half a list" ? null : trouble
  }

  const call = <A>({ about, run, answered, ...self }: ControlCall<A>): void => {
    let over = false
    const reply = (reading: Reading<A>, after: number) => {
      if (over) return
      over = true
      open.delete(fail)
      inside.get(about)?.delete(self)
      kernel.after(after, () => answered(reading))
    }
    const fail = () => reply({ _tag: "Failed", why: "unreachable" }, 1)
    const execute = () => {
      if (over) return
      const wrong = meets(about)
      if (wrong !== null) counts.fault(`media server answers: ${wrong.answer}`)
      if (wrong !== null && wrong.answer !== "half a list") {
        const after = wrong.answer === "401" ? dice.below(REFUSED_WITHIN_MS) : dice.below(3)
        return reply({ _tag: "Failed", why: readAs[wrong.answer] }, after + dice.next() * slowBy)
      }
      const value = run(world())
      reply({ _tag: wrong === null ? "Whole" : "Half", value }, dice.below(3) + dice.next() * slowBy)
    }
    const begin = () => {
      if (over) return
      if (about === "paths") {
        return door.enter((leave) => {
          execute()
          leave()
        })
      }
      if (about !== "rtsp" && about !== "rtsps") return execute()
      const others = inside.get(about) ?? new Set()
      inside.set(about, others)
      const inTheWay = [...others].find((other) => other.kicks || self.kicks)
      if (inTheWay !== undefined) met(self, inTheWay)
      if (over) return
      others.add(self)
      door.whenRtspAnswers(execute)
    }
    kernel.after(1 + dice.below(4) + dice.next() * slowBy, () => {
      if (!world().up) return fail()
      open.add(fail)
      awake(begin)
      arrived()
    })
  }

  return {
    call,
    slow: (by: number, millis: number) => {
      counts.fault("media server slow")
      slowBy = by
      kernel.after(millis, () => {
        slowBy = 0
      })
    },
    err: (next: Trouble, millis: number) => {
      trouble = next
      kernel.after(millis, () => {
        if (trouble === next) trouble = null
      })
    },
    repair: () => {
      trouble = null
      slowBy = 0
    },
    /** The process has ended: connections break. */
    reset: () => {
      for (const fail of [...open]) fail()
      inside.clear()
    }
  }
}

export type ControlApi = ReturnType<typeof makeControlApi>
