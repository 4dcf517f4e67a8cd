/**
 * The `MediaServer` port over a real MediaMTX's control API (v3, versions 1.9 to 1.21). Deadlines and health live here; what is asked
 * is in `look.ts`, `sources.ts`, `learn.ts` and `curePath.ts`, how, in `ControlApi.ts`, and in which versions things differ, in
 * `Release.ts`. Up to 1.19.2 the ids of RTSP sources are translated (`RtspIds.ts`): out here, an id is always that of `/auth`.
 *
 * MediaMTX takes up to 4 s to say that a password is wrong: only a look, with its 5 s, can tell that from silence.
 */
import {
  allEnabled,
  listsOf,
  MediaServer,
  type MediaServerSnapshot,
  MediaServerUnavailable,
  nextUnlisted,
  noneUnlisted,
  type Source
} from "@greenroom/core"
import { Duration, Effect, Layer, type Scope } from "effect"
import type { Asking } from "./Asking.ts"
import { type Address, type ControlApi, makeControlApi } from "./ControlApi.ts"
import { findSource, kickSource } from "./findAndKick.ts"
import { hedge } from "./hedge.ts"
import { makeLearning } from "./learn.ts"
import { makeRestartSign, type RestartSign } from "./RestartSign.ts"
import { makeRtspIds } from "./RtspIds.ts"
import { makeRtspLock } from "./RtspLock.ts"
import { makeRtspLookupCooldown } from "./RtspLookupCooldown.ts"
import { makeIdentify, type RunningServer, STARTED_UNKNOWN } from "./RunningServer.ts"
import { readSnapshot } from "./readSnapshot.ts"
import { makePathReset } from "./resetPath.ts"
import { isRtsp, makeLists } from "./routes.ts"
import { layerHttpClient } from "./transport.ts"

/** Each for the whole operation: all its calls, and the wait for their turn. */
export interface Deadlines {
  readonly look: Duration.Input
  readonly find: Duration.Input
  readonly kick: Duration.Input
  readonly resetPath: Duration.Input
}

export const defaultDeadlines: Deadlines = {
  look: "5 seconds",
  find: "500 millis",
  kick: "2 seconds",
  resetPath: "5 seconds"
}

export interface MediaMtxOptions extends Address {
  readonly deadlines?: Partial<Deadlines>
}

const mayAskRtsp = (source: Source): boolean => listsOf(source.protocol).some(isRtsp)

/** Over any control API: over HTTP with `layer`, over a simulated MediaMTX in tests. `restartSign` has to hear of connections that were cut. */
export const makeOver = Effect.fnUntraced(function* (
  api: ControlApi,
  options: { readonly deadlines?: Partial<Deadlines> | undefined; readonly restartSign?: RestartSign } = {}
): Effect.fn.Return<MediaServer["Service"], never, Scope.Scope> {
  const deadlines = { ...defaultDeadlines, ...options.deadlines }
  const restartSign = options.restartSign ?? makeRestartSign()
  const lists = makeLists(api, { rtsp: yield* makeRtspLock, rtsps: yield* makeRtspLock })
  const identify = makeIdentify(api)
  const asking: Asking = { api, lists, identify, rtspIds: makeRtspIds(lists) }
  const { learn, served, facts, factsNow } = yield* makeLearning(api, identify)
  const { reset, finish } = makePathReset(api, Duration.toMillis(deadlines.resetPath) / 2)

  let health: "ok" | "unreachable" = "unreachable"
  let unlisted = noneUnlisted

  const within = <A>(operation: keyof Deadlines, effect: Effect.Effect<A, MediaServerUnavailable>) =>
    Effect.timeoutOrElse(effect, {
      duration: deadlines[operation],
      orElse: () => {
        const detail = `no answer within ${Duration.format(Duration.fromInputUnsafe(deadlines[operation]))}`
        return Effect.fail(new MediaServerUnavailable({ reason: "unreachable", operation, detail }))
      }
    })

  /** An interrupted call says nothing; nor does an RTSP lookup that failed, which may have waited behind an auth. */
  const noted = <A>(effect: Effect.Effect<A, MediaServerUnavailable>, failureCounts = true) =>
    effect.pipe(
      Effect.tap(() => setHealth("ok")),
      Effect.tapError(() => (failureCounts ? setHealth("unreachable") : Effect.void))
    )
  const setHealth = (value: typeof health) =>
    Effect.sync(() => {
      health = value
    })

  const find = (source: Source) =>
    Effect.map(within("find", findSource(asking, source)), (found) =>
      unlisted.lasting.has(source.id) ? "present" : found
    )
  const pausing = makeRtspLookupCooldown()
  const findRtsp = (source: Source) => pausing(find(source))

  const meanwhile = (server: RunningServer) => Effect.andThen(finish, learn(server))
  const remember = (look: MediaServerSnapshot): MediaServerSnapshot => {
    unlisted = nextUnlisted(unlisted, look)
    asking.rtspIds.retain(look)
    return restartSign.isIn(look) && look.started === STARTED_UNKNOWN ? { ...look, restartSeen: true } : look
  }

  return MediaServer.of({
    snapshot: Effect.map(noted(within("look", hedge(readSnapshot(asking, meanwhile)))), remember),
    find: (source) => (mayAskRtsp(source) ? noted(findRtsp(source), false) : noted(find(source))),
    kick: (source) => within("kick", kickSource(asking, source)),
    resetPath: reset,
    enabled: served,
    facts,
    factsNow,
    health: Effect.sync(() => health)
  })
})

/** Opens connections when they are needed, so that building it cannot fail; they are closed with the layer. */
export const layer = (options: MediaMtxOptions): Layer.Layer<MediaServer> =>
  Layer.unwrap(
    Effect.sync(() => {
      const restartSign = makeRestartSign()
      const client = layerHttpClient(restartSign.onCut)
      const { deadlines } = options
      const make = Effect.flatMap(makeControlApi(options), (api) => makeOver(api, { deadlines, restartSign }))
      return Layer.provide(Layer.effect(MediaServer, make), client)
    })
  )

const unconfigured = (operation: string) =>
  Effect.fail(new MediaServerUnavailable({ reason: "absent", operation, detail: "no media server is configured" }))

/** For a service without a media server. */
export const absent: Layer.Layer<MediaServer> = Layer.succeed(MediaServer, {
  snapshot: unconfigured("look"),
  find: () => unconfigured("find"),
  kick: () => unconfigured("kick"),
  resetPath: () => unconfigured("resetPath"),
  enabled: Effect.succeed(allEnabled),
  facts: Effect.succeed(null),
  factsNow: Effect.succeed(null),
  health: Effect.succeed("absent" as const)
})
