/**
 * A deliberate bug: one thing done wrong, by replacing a port, a clock, what a hook does, or how the media server is asked. Nothing in the
 * product knows of it. Each must be caught by an invariant; the table in docs/simulation.md says by which.
 */
import type { ControlApi } from "@greenroom/adapters/mediamtx"
import type { Repositories } from "@greenroom/core"
import type { Clock, Effect } from "effect"
import type { HookCall } from "../Hooks.ts"
import type { Bench, Ports } from "../Ports.ts"

export interface Bug {
  readonly name: string
  readonly what: string
  /** The ports of an instance, one thing in them wrong. */
  readonly change?: (ports: Ports, bench: Bench) => Ports
  /** How the control API is asked, one thing in it wrong. */
  readonly controlApi?: (right: ControlApi) => ControlApi
  readonly clock?: (right: Clock.Clock) => Clock.Clock
  readonly hook?: (call: HookCall) => Effect.Effect<void, unknown, Repositories>
}
