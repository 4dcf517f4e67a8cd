/**
 * What becomes of MediaMTX's hooks on their way: lost, doubled, late, one overtaking another, or made up by somebody. A hook goes to any
 * instance.
 */
import { sourceTypes } from "@greenroom/core"
import { factsOf, type World } from "@greenroom/mediamtx-simulator"
import type { Rng } from "../worlds/Rng.ts"
import type { Counts } from "./Counts.ts"
import type { Kernel } from "./Kernel.ts"
import type { Setting } from "./Step.ts"

/** What MediaMTX, or somebody in its place, says of a path and its source. */
export interface HookCall {
  readonly event: "ready" | "not-ready"
  readonly path: string
  readonly source: string
  /** MediaMTX's word for it. */
  readonly sourceType: string
  readonly protected: boolean
}

export interface HooksOptions {
  readonly kernel: Kernel
  readonly rng: Rng
  readonly counts: Counts
  readonly setting: Setting
  readonly send: (call: HookCall) => void
}

/** Up to 1.19.2 a hook names the session of an RTSP publisher, which is known by its connection's id to everybody else. */
const sourceIn = ({ version }: Setting, { id, protocol }: World.Connection): string =>
  (protocol === "rtsp" || protocol === "rtsps") && factsOf(version).rtspAuthId === "connection"
    ? `session of ${id}`
    : id

export const makeHooks = ({ kernel, rng, counts, setting, send }: HooksOptions) => {
  const { hooks: fates, hookSecret } = setting
  let begun = 0
  let newest = 0
  const strikes = (percent: number) => rng.below(100) < percent

  const sendOne = (call: HookCall, after: number) => {
    const number = ++begun
    kernel.after(after, () => {
      if (number < newest) counts.fault("hook overtaken by another")
      newest = Math.max(newest, number)
      send(call)
    })
  }
  return {
    happened: (happening: World.Happening) => {
      if (happening._tag === "Closed") return
      const event = happening._tag === "Ready" ? "ready" : "not-ready"
      const { path, protocol } = happening.connection
      if (protocol === "hls") return
      const sourceType = sourceTypes[protocol]
      const call: HookCall = {
        event,
        path,
        source: sourceIn(setting, happening.connection),
        sourceType,
        protected: hookSecret
      }
      if (strikes(fates.lost)) return counts.fault("hook lost")
      const late = strikes(fates.late)
      if (late) counts.fault("hook late")
      sendOne(call, late ? rng.between(50, 5_000) : rng.between(3, 8))
      if (!strikes(fates.twice)) return
      counts.fault("hook doubled")
      sendOne(call, rng.between(3, 2_000))
    },
    /** Whoever does not know the secret is sent away at the auth endpoint. */
    forge: (call: Pick<HookCall, "event" | "path" | "source">, about: "present" | "former" | "nobody") => {
      if (hookSecret) return counts.fault("hook forged without the secret")
      counts.fault(`hook forged about a source: ${about}`)
      send({ ...call, sourceType: "rtmpConn", protected: false })
    }
  }
}

export type Hooks = ReturnType<typeof makeHooks>
