/**
 * Which MediaMTX answers: its process (`started`), its version, and by which names its control API goes. What is learnt of a
 * process is kept until `/v3/info` shows another one; nothing is asked twice of the same.
 */
import type { MediaServerUnavailable } from "@greenroom/core"
import { Effect } from "effect"
import { type Call, type ControlApi, decodeAnswer, unavailable } from "./ControlApi.ts"
import { Info } from "./ControlApiSchema.ts"
import { mayHaveNewNames, type Release, releaseOf } from "./Release.ts"

/** 1.21 renamed routes, `/v3/rtmpconns` to `/v3/rtmp/conns`, and keeps the old names for now. */
export type Names = "old" | "new"

export interface RunningServer {
  readonly started: string
  /** As it gives it; `null` where there is no `/v3/info`. */
  readonly version: string | null
  readonly release: Release
  readonly names: Names
}

/** `started` of a version that has no `/v3/info`, or none in it (up to 1.15.1). */
export const STARTED_UNKNOWN = "unknown"

export const pathDefaultsCall = (names: Names): Call => ({
  method: "GET",
  route: names === "new" ? "/v3/config/path-defaults/get" : "/v3/config/pathdefaults/get"
})

const infoCall: Call = { method: "GET", route: "/v3/info" }
const decodeInfo = decodeAnswer(Info)

const readInfo = Effect.fnUntraced(function* (api: ControlApi) {
  const answer = yield* api(infoCall)
  if (answer._tag === "NoRoute") return {}
  if (answer._tag === "Refused") return yield* unavailable(infoCall, "nonsense", `status ${answer.status}`)
  return yield* decodeInfo(infoCall, answer.body)
})

const hasPathDefaults = Effect.fnUntraced(function* (api: ControlApi, names: Names) {
  const call = pathDefaultsCall(names)
  const answer = yield* api(call)
  if (answer._tag === "Refused") return yield* unavailable(call, "nonsense", `status ${answer.status}`)
  return answer._tag === "Ok"
})

/**
 * By a route that is always on: those of a protocol that is off are missing by either name. One that goes by neither name is a version
 * to come, of whose lists nothing is known: it is no empty server.
 */
const readNames = Effect.fnUntraced(function* (
  api: ControlApi,
  release: Release
): Effect.fn.Return<Names, MediaServerUnavailable> {
  if (!mayHaveNewNames(release)) return "old"
  if (yield* hasPathDefaults(api, "new")) return "new"
  if (yield* hasPathDefaults(api, "old")) return "old"
  return yield* unavailable(pathDefaultsCall("new"), "nonsense", "no such route, by the old name neither")
})

export interface Identify {
  /** Asks. Gives the very object that it gave before while the process is the same. */
  readonly now: Effect.Effect<RunningServer, MediaServerUnavailable>
  /** Asks only if none was seen yet. */
  readonly lastSeen: Effect.Effect<RunningServer, MediaServerUnavailable>
}

export const makeIdentify = (api: ControlApi): Identify => {
  let seen: RunningServer | undefined
  const known = (started: string, version: string | null): RunningServer | undefined =>
    seen?.started === started && seen.version === version ? seen : undefined
  const now = Effect.gen(function* () {
    const { started = STARTED_UNKNOWN, version = null } = yield* readInfo(api)
    const before = known(started, version)
    if (before !== undefined) return before
    const release = releaseOf(version)
    const names = yield* readNames(api, release)
    // Another call may have learnt the same meanwhile.
    const server = known(started, version) ?? { started, version, release, names }
    seen = server
    return server
  })
  return { now, lastSeen: Effect.suspend(() => (seen === undefined ? now : Effect.succeed(seen))) }
}

export const changedDuringLook = unavailable(infoCall, "nonsense", "it was started anew during the look")
