/**
 * What becomes of MediaMTX's hooks on their way: lost, doubled, late, one overtaking another, or made up by somebody. A hook goes to any
 * instance.
 */
import type { World } from "@greenroom/adapters/twin"
import type { Counts } from "./Counts.ts"
import type { Dice } from "./Dice.ts"
import type { Kernel } from "./Kernel.ts"
import type { Setting } from "./Step.ts"

export type HookEvent = "ready" | "not-ready"

export interface HooksOptions {
  readonly kernel: Kernel
  readonly dice: Dice
  readonly counts: Counts
  readonly fates: Setting["hooks"]
  readonly send: (event: HookEvent, source: string) => void
}

export const makeHooks = ({ kernel, dice, counts, fates, send }: HooksOptions) => {
  let begun = 0
  let newest = 0
  const strikes = (percent: number) => dice.below(100) < percent

  const sendOne = (event: HookEvent, source: string, after: number) => {
    const number = ++begun
    kernel.after(after, () => {
      if (number < newest) counts.fault("hook overtaken by another")
      newest = Math.max(newest, number)
      send(event, source)
    })
  }
  return {
    happened: (happening: World.Happening) => {
      if (happening._tag === "Closed") return
      const event = happening._tag === "Ready" ? "ready" : "not-ready"
      const source = happening.connection.id
      if (strikes(fates.lost)) return counts.fault("hook lost")
      const late = strikes(fates.late)
      if (late) counts.fault("hook late")
      sendOne(event, source, late ? dice.between(50, 5_000) : dice.between(3, 8))
      if (!strikes(fates.twice)) return
      counts.fault("hook doubled")
      sendOne(event, source, dice.between(3, 2_000))
    },
    forge: (event: HookEvent, source: string) => {
      counts.fault("hook forged")
      send(event, source)
    }
  }
}

export type Hooks = ReturnType<typeof makeHooks>
