/**
 * A deliberate bug: one thing done wrong, by replacing a port, the way a look is composed of its readings, or what a hook does. Nothing in the
 * product knows of it. Each must be caught by an invariant; the table in docs/simulation.md says by which.
 */
import type { Admissions, Sessions } from "@greenroom/core"
import type { Effect } from "effect"
import type { HookCall } from "../Hooks.ts"
import type { Bench, Ports } from "../Ports.ts"
import type { Compose } from "../SimulatedMediaServer.ts"

export interface Bug {
  readonly name: string
  readonly what: string
  /** The ports of an instance, one thing in them wrong. */
  readonly change?: (ports: Ports, bench: Bench) => Ports
  readonly compose?: (right: Compose) => Compose
  readonly hook?: (call: HookCall) => Effect.Effect<void, unknown, Admissions | Sessions>
}
