/**
 * Identifies the MediaMTX that answers: its process (`started`), its version, and the names of its routes. The result is kept
 * until `/v3/info` shows another process.
 */
import type { MediaServerUnavailable } from "@greenroom/core"
import { Effect } from "effect"
import { decodeAnswer } from "./answerBody.ts"
import { type Call, unavailable } from "./Call.ts"
import type { ControlApi } from "./ControlApi.ts"
import { Info } from "./ControlApiSchema.ts"
import { type Build, buildOf, mayHaveNewNames } from "./versionDifferences.ts"

/** 1.21 renamed routes, `/v3/rtmpconns` to `/v3/rtmp/conns`, and keeps the old names for now. */
export type Names = "old" | "new"

export interface RunningServer {
  readonly started: string
  /** As `/v3/info` has it; `null` when there is no `/v3/info`. */
  readonly version: string | null
  readonly build: Build
  readonly names: Names
}

/** Stands for `started` when `/v3/info`, or that field of it, is missing (up to 1.15.1). */
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
 * Asks for a route that is always on: the routes of a protocol that is off are missing under both names. A server with neither
 * name is an unknown later version. Its lists cannot be read, so it must not count as an empty server.
 */
const readNames = Effect.fnUntraced(function* (
  api: ControlApi,
  build: Build
): Effect.fn.Return<Names, MediaServerUnavailable> {
  if (!mayHaveNewNames(build)) return "old"
  if (yield* hasPathDefaults(api, "new")) return "new"
  if (yield* hasPathDefaults(api, "old")) return "old"
  return yield* unavailable(pathDefaultsCall("new"), "nonsense", "the route exists under neither name")
})

export interface Identify {
  /** Calls MediaMTX. Returns the same object as before (`===`) while the process is the same. */
  readonly now: Effect.Effect<RunningServer, MediaServerUnavailable>
  /** Calls MediaMTX only if no server was seen yet. */
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
    const build = buildOf(version)
    const names = yield* readNames(api, build)
    // A concurrent call may have found the same process meanwhile.
    const server = known(started, version) ?? { started, version, build, names }
    seen = server
    return server
  })
  return { now, lastSeen: Effect.suspend(() => (seen === undefined ? now : Effect.succeed(seen))) }
}

export const restartedDuringSnapshot = unavailable(infoCall, "nonsense", "it restarted during the snapshot")
