/**
 * The `MediaServer` port over a `Simulator` in this process, without HTTP: for tests, for embedding, and wherever a media server has to stand
 * still when its clock does. It is the MediaMTX adapter over a simulated control API, so that it hangs where MediaMTX hangs. `down` is
 * the simulator's own (`stop`); other faults are set in `fault`.
 */
import { MediaServer, type ViewerProtocol } from "@greenroom/core"
import { answerRequests, Simulator } from "@greenroom/mediamtx-simulator"
import { Effect, Layer, Ref, type Scope } from "effect"
import { type Call, unavailable } from "../mediamtx/Call.ts"
import { answerOf, type ControlApi } from "../mediamtx/ControlApi.ts"
import * as MediaMtx from "../mediamtx/MediaMtx.ts"
import { makeRestartSign } from "../mediamtx/RestartSign.ts"

/** `frozen`: no answer. `refused`: it does not know our password. `nonsense`: answers that mean nothing. */
export type MemoryFault = "frozen" | "refused" | "nonsense"

export interface MemoryMediaServerOptions {
  /** How long a call may hang, as `MediaMtx` has them unless given. */
  readonly deadlines?: Partial<MediaMtx.Deadlines>
  readonly fault?: Ref.Ref<MemoryFault | null>
  /** Protocols that are off. */
  readonly off?: ReadonlyArray<ViewerProtocol>
  /** Fields of MediaMTX's global configuration that differ from the recommended one. */
  readonly configuration?: Readonly<Record<string, unknown>>
}

/** As docker/mediamtx.yml has it. */
const recommended = { rtspTransports: ["tcp"], protocols: ["tcp"] }

const requestOf = ({ method, route, rest = "", body }: Call) => {
  const [id = "", query = ""] = rest.split("?")
  const path = `${route}${decodeURIComponent(id)}`
  return { method, path, query: new URLSearchParams(query), body: body === undefined ? "" : JSON.stringify(body) }
}

/** `onCut` is called when a call meets a server that is down, or another process than the call before. */
const makeControlApi = (
  media: Simulator.Simulator["Service"],
  options: MemoryMediaServerOptions,
  onCut: () => void
): Effect.Effect<ControlApi> =>
  Effect.gen(function* () {
    const { facts } = (yield* media.world).options
    const off = new Set(options.off)
    const answer = answerRequests(media, {
      facts,
      isOn: (protocol) => !off.has(protocol) && (protocol !== "moq" || facts.moq),
      configured: { ...recommended, ...options.configuration },
      items: "essential"
    })
    const fault = options.fault ?? (yield* Ref.make<MemoryFault | null>(null))
    const refused = (call: Call) => unavailable(call, "unreachable", "the server is down")
    let startsSeen: number | undefined
    return Effect.fnUntraced(function* (call) {
      const { up, starts } = yield* media.world
      if (!up || (startsSeen !== undefined && startsSeen !== starts)) onCut()
      startsSeen = starts
      if (!up) return yield* refused(call)
      const current = yield* Ref.get(fault)
      if (current === "frozen") return yield* Effect.never
      if (current !== null) return yield* answerOf(call, { status: current === "refused" ? 401 : 500, body: null })
      const reply = yield* answer(requestOf(call))
      const after = yield* media.world
      return yield* after.up && after.starts === starts ? answerOf(call, reply) : refused(call)
    })
  })

export const make = Effect.fnUntraced(function* (
  options: MemoryMediaServerOptions = {}
): Effect.fn.Return<MediaServer["Service"], never, Simulator.Simulator | Scope.Scope> {
  const restartSign = makeRestartSign()
  const api = yield* makeControlApi(yield* Simulator.Simulator, options, restartSign.onCut)
  return yield* MediaMtx.makeOver(api, { deadlines: options.deadlines, restartSign })
})

export const layer = (options?: MemoryMediaServerOptions): Layer.Layer<MediaServer, never, Simulator.Simulator> =>
  Layer.effect(MediaServer, make(options))
