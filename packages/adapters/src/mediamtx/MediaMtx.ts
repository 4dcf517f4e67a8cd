/**
 * The `MediaServer` port over MediaMTX's control API (v3, versions 1.9 to 1.21). This file holds the deadlines and the health.
 * The calls are in `snapshots.ts`, `findAndKick.ts`, `lookUpViewers.ts`, `factsCache.ts` and `resetPath.ts`, one call is in `ControlApi.ts`, and the
 * differences between versions are in `versionDifferences.ts`. Up to 1.19.2 `RtspIds.ts` translates the ids of RTSP sources:
 * outside of this folder, an id is always the one of `/auth`.
 *
 * MediaMTX takes up to 4 s to refuse a wrong password: only a snapshot, with its 5 s, can distinguish that from silence.
 */
import {
  allEnabled,
  listsOf,
  MediaServer,
  MediaServerUnavailable,
  type Source,
  type ViewerProtocol
} from "@greenroom/core"
import { layerOwnRuntime } from "@greenroom/core/internal"
import { Duration, Effect, Layer, type Scope } from "effect"
import type { ApiAccess } from "./ApiAccess.ts"
import { onceDecoded } from "./answerBody.ts"
import { type Address, type ControlApi, makeControlApi } from "./ControlApi.ts"
import { makeFactsCache } from "./factsCache.ts"
import { findSource, kickSource } from "./findAndKick.ts"
import { findViewer, kickViewer, viewersOf } from "./lookUpViewers.ts"
import { makeRestartSign, type RestartSign } from "./RestartSign.ts"
import { makeRtspIds } from "./RtspIds.ts"
import { makeRtspLock } from "./RtspLock.ts"
import { makeRtspLookupCooldown } from "./RtspLookupCooldown.ts"
import { makeIdentify, type RunningServer } from "./RunningServer.ts"
import { decodePaths, readPaths } from "./readSnapshot.ts"
import { makePathReset } from "./resetPath.ts"
import { isRtsp, makeLists } from "./routes.ts"
import { makeSnapshots } from "./snapshots.ts"
import { makeTransport } from "./transport.ts"

/** Each covers the whole operation: all its calls, and the wait for the RTSP lock. */
export interface Deadlines {
  readonly snapshot: Duration.Input
  readonly find: Duration.Input
  readonly kick: Duration.Input
  readonly resetPath: Duration.Input
  readonly findViewer: Duration.Input
  readonly viewersOf: Duration.Input
  readonly kickViewer: Duration.Input
}

export const defaultDeadlines: Deadlines = {
  /** Longer than the 4 s that MediaMTX takes to refuse a wrong password. */
  snapshot: "5 seconds",
  /** Shorter than the 0.8 s of an auth answer, which waits for it. */
  find: "500 millis",
  /** Longer than the 0.8 s of an auth answer, behind which an RTSP kick can hang. */
  kick: "2 seconds",
  /** Two calls of 2.5 s each: one adds the configuration, one deletes it. */
  resetPath: "5 seconds",
  /** One call, and no auth waits for it. */
  findViewer: "1 second",
  /** A list of 5,000 HLS sessions has 3.9 MB. */
  viewersOf: "2 seconds",
  /** As a publisher's. */
  kickViewer: "2 seconds"
}

export interface MediaMtxOptions extends Address {
  readonly deadlines?: Partial<Deadlines>
}

/**
 * Calls about RTSP sessions can hang behind an auth of an RTSP client, those about HLS sessions behind any auth while a path gets its first HLS viewer:
 * that one of them fails proves nothing.
 */
const mayHang = (protocol: ViewerProtocol): boolean => protocol === "hls" || isRtsp(protocol)

const mayAskRtsp = (source: Source): boolean => listsOf(source.protocol).some(isRtsp)

/**
 * Takes any control API: `layer` passes one over HTTP, tests pass one over a simulated MediaMTX. The owner of the API calls
 * `restartSign.onCut` for every connection that was cut.
 */
export const makeOver = Effect.fnUntraced(function* (
  api: ControlApi,
  options: { readonly deadlines?: Partial<Deadlines> | undefined; readonly restartSign?: RestartSign } = {}
): Effect.fn.Return<MediaServer["Service"], never, Scope.Scope> {
  const deadlines = { ...defaultDeadlines, ...options.deadlines }
  const restartSign = options.restartSign ?? makeRestartSign()
  const lists = makeLists(api, { rtsp: yield* makeRtspLock, rtsps: yield* makeRtspLock })
  const identify = makeIdentify(api)
  const paths = readPaths(api, onceDecoded(decodePaths))
  const access: ApiAccess = { api, lists, paths, identify, rtspIds: makeRtspIds(lists) }
  const { refresh, served, facts, factsNow } = yield* makeFactsCache(api, identify)
  const { reset, finish } = makePathReset(api, Duration.toMillis(deadlines.resetPath) / 2)

  let health: "ok" | "unreachable" = "unreachable"

  const within = <A>(operation: keyof Deadlines, effect: Effect.Effect<A, MediaServerUnavailable>) =>
    Effect.timeoutOrElse(effect, {
      duration: deadlines[operation],
      orElse: () => {
        const detail = `no answer within ${Duration.format(Duration.fromInputUnsafe(deadlines[operation]))}`
        return Effect.fail(new MediaServerUnavailable({ reason: "unreachable", operation, detail }))
      }
    })

  /** An interrupted call proves nothing about health. A failed RTSP lookup proves nothing either: it may have waited behind an auth. */
  const withHealth = <A>(effect: Effect.Effect<A, MediaServerUnavailable>, failureCounts = true) =>
    effect.pipe(
      Effect.tap(() => setHealth("ok")),
      Effect.tapError(() => (failureCounts ? setHealth("unreachable") : Effect.void))
    )
  const setHealth = (value: typeof health) =>
    Effect.sync(() => {
      health = value
    })

  const meanwhile = (server: RunningServer) => Effect.andThen(finish, refresh(server))
  const { snapshot, recheck, isLastingUnlisted } = makeSnapshots(access, restartSign, meanwhile, (reading) =>
    withHealth(within("snapshot", reading))
  )

  const find = (source: Source) =>
    Effect.map(within("find", findSource(access, source)), (found) =>
      isLastingUnlisted(source.id) ? "present" : found
    )
  const withCooldown = makeRtspLookupCooldown()
  const findRtsp = (source: Source) => withCooldown(find(source))

  const aboutViewers = <A>(
    operation: "findViewer" | "viewersOf",
    protocol: ViewerProtocol,
    effect: Effect.Effect<A, MediaServerUnavailable>
  ) => withHealth(within(operation, effect), !mayHang(protocol))

  return MediaServer.of({
    snapshot,
    recheck,
    find: (source) => (mayAskRtsp(source) ? withHealth(findRtsp(source), false) : withHealth(find(source))),
    kick: (source) => within("kick", kickSource(access, source)),
    findViewer: (viewer) => aboutViewers("findViewer", viewer.protocol, findViewer(access, viewer)),
    viewersOf: (protocol) => aboutViewers("viewersOf", protocol, viewersOf(access, protocol)),
    kickViewer: (viewer) => within("kickViewer", kickViewer(access, viewer)),
    resetPath: reset,
    enabled: served,
    facts,
    factsNow,
    health: Effect.sync(() => health)
  })
})

/** Opens connections when a call needs them, so building the layer cannot fail. The layer's end closes them. */
export const layer = (options: MediaMtxOptions): Layer.Layer<MediaServer> =>
  Layer.effect(
    MediaServer,
    Effect.gen(function* () {
      const restartSign = makeRestartSign()
      const send = yield* makeTransport(restartSign.onCut)
      return yield* makeOver(makeControlApi(options, send), { deadlines: options.deadlines, restartSign })
    })
  ).pipe(Layer.provide(layerOwnRuntime))

const unconfigured = (operation: string) =>
  Effect.fail(new MediaServerUnavailable({ reason: "absent", operation, detail: "no media server is configured" }))

/** For a service without a media server. */
export const absent: Layer.Layer<MediaServer> = Layer.succeed(MediaServer, {
  snapshot: unconfigured("snapshot"),
  recheck: () => unconfigured("recheck"),
  find: () => unconfigured("find"),
  kick: () => unconfigured("kick"),
  findViewer: () => unconfigured("findViewer"),
  viewersOf: () => unconfigured("viewersOf"),
  kickViewer: () => unconfigured("kickViewer"),
  resetPath: () => unconfigured("resetPath"),
  enabled: Effect.succeed(allEnabled),
  facts: Effect.succeed(null),
  factsNow: Effect.succeed(null),
  health: Effect.succeed("absent" as const)
})
