/**
 * The life of a process: it may be killed or frozen, at once or at one of its port calls, before the call goes out or after. A killed process
 * runs no finalizer: nothing is ever delivered to it again. A frozen one hears of everything when it goes on.
 */
import type { Caller } from "./Caller.ts"
import type { Counts } from "./Counts.ts"
import type { Kernel, Timer } from "./Kernel.ts"

/** What becomes of the process at one of its next port calls. */
export type PlannedCrash = { calls: number } & (
  | { readonly _tag: "Dies"; readonly sent: boolean }
  | { readonly _tag: "Freezes"; readonly millis: number }
)

export interface ProcessOptions {
  readonly kernel: Kernel
  readonly counts: Counts
  readonly name: string
  readonly called: () => void
  readonly died: () => void
  readonly froze: (millis: number) => void
}

export const startProcess = ({ kernel, counts, name, called, died, froze }: ProcessOptions) => {
  let alive = true
  let frozen = false
  let thawedAt = Number.NEGATIVE_INFINITY
  let deferred: Array<() => void> = []
  let plannedCrash: PlannedCrash | null = null
  let dying: Timer | null = null

  const die = () => {
    if (!alive) return
    alive = false
    deferred = []
    died()
  }
  const freeze = (millis: number) => {
    if (!alive || frozen) return
    frozen = true
    froze(millis)
  }
  /** Whether the call goes out. */
  const meetsPlannedCrash = (): boolean => {
    if (plannedCrash === null) return true
    plannedCrash.calls -= 1
    if (plannedCrash.calls > 0) return true
    const met = plannedCrash
    plannedCrash = null
    if (met._tag === "Freezes") {
      freeze(met.millis)
      return true
    }
    counts.fault(met.sent ? "instance killed after a port call went out" : "instance killed before a port call")
    if (met.sent) dying = kernel.after(0, die)
    else die()
    return met.sent
  }
  const deliver = (run: () => void) => {
    if (!alive) return
    if (frozen) deferred.push(run)
    else run()
  }
  const caller: Caller = {
    name,
    mayCall: () => {
      if (!alive) return false
      called()
      return meetsPlannedCrash()
    },
    deliver
  }

  return {
    caller,
    isAlive: () => alive,
    isFrozen: () => frozen,
    isWell: () => alive && !frozen,
    /** Whether it has been awake without a break since then. */
    wasAwakeSince: (time: number) => !frozen && thawedAt < time,
    die,
    freeze,
    thaw: () => {
      if (!alive || !frozen) return
      frozen = false
      thawedAt = kernel.now()
      const those = deferred
      deferred = []
      for (const run of those) deliver(run)
    },
    plannedCrash: (next: PlannedCrash) => {
      plannedCrash = next
    },
    /** Nothing is to befall it any more. */
    cancelCrash: () => {
      plannedCrash = null
      dying?.cancel()
    }
  }
}
