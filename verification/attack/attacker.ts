/** One attack, in a process of its own, at a lower priority: an attacker's processor is another machine's. */
import * as os from "node:os"
import type { Spent, Target } from "./Attack.ts"
import { attacks } from "./attacks/index.ts"

export interface Order {
  readonly name: string
  readonly target: Target
  readonly seconds: number
  readonly seed: number
}

const LOWER_PRIORITY = 10

process.once("message", async ({ name, target, seconds, seed }: Order) => {
  os.setPriority(LOWER_PRIORITY)
  const spent: Spent = { bytes: 0, connections: 0, answers: 0 }
  const attack = attacks.find((one) => one.name === name)
  await attack?.run({ target, seed, until: performance.now() + seconds * 1_000, spent })
  process.send?.(spent, undefined, undefined, () => process.exit(0))
})
process.on("disconnect", () => process.exit(1))
