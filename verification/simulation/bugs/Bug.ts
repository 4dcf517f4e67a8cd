/**
 * A deliberate bug: one thing done wrong, by replacing a port, a clock, what a hook does, or how the media server is asked. Nothing in the
 * product knows of it. Each must be caught by an invariant; the table in docs/simulation.md says by which.
 */
import type { RtspLock } from "@greenroom/adapters/mediamtx"
import type { Admissions, Protocol, Sessions, Source } from "@greenroom/core"
import type { Clock, Effect } from "effect"
import type { HookCall } from "../Hooks.ts"
import type { Bench, Ports } from "../Ports.ts"
import type { Compose } from "../SimulatedMediaServer.ts"

export interface Bug {
  readonly name: string
  readonly what: string
  /** The ports of an instance, one thing in them wrong. */
  readonly change?: (ports: Ports, bench: Bench) => Ports
  readonly compose?: (right: Compose) => Compose
  /** In which lists a source is looked for and kicked. */
  readonly lists?: (source: Source) => ReadonlyArray<Protocol>
  /** What takes the place of the turns of RTSP calls. */
  readonly turns?: RtspLock
  readonly clock?: (right: Clock.Clock) => Clock.Clock
  readonly hook?: (call: HookCall) => Effect.Effect<void, unknown, Admissions | Sessions>
}
