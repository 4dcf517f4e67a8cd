/**
 * The media server of a deployment that has to find one first. Until it is there the port answers `absent`, and the service does everything
 * that it can without one. Use cases do not notice the change.
 */
import { MediaMtx } from "@greenroom/adapters/mediamtx"
import { allEnabled, MediaServer, MediaServerUnavailable, noneEnabled } from "@greenroom/core"
import { Context, Effect, Layer, Scope } from "effect"

type Shape = MediaServer["Service"]

const none = (operation: string) =>
  Effect.fail(new MediaServerUnavailable({ reason: "absent", operation, detail: "there is no media server yet" }))

/** Until it is known which protocols will be on, all of them count as on, so that a key that is issued meanwhile has its instructions. */
const awaited: Shape = {
  snapshot: none("snapshot"),
  recheck: () => none("recheck"),
  find: () => none("find"),
  kick: () => none("kick"),
  findViewer: () => none("findViewer"),
  viewersOf: () => none("viewersOf"),
  kickViewer: () => none("kickViewer"),
  resetPath: () => none("resetPath"),
  enabled: Effect.succeed(allEnabled),
  facts: Effect.succeed(null),
  factsNow: Effect.succeed(null),
  health: Effect.succeed("absent")
}

const absent: Shape = { ...awaited, enabled: Effect.succeed(noneEnabled) }

export class LateBoundMediaServer extends Context.Service<
  LateBoundMediaServer,
  {
    /** From now on the port is the client of this control API. */
    readonly bind: (options: MediaMtx.MediaMtxOptions) => Effect.Effect<void>
    /** There will be none: nothing plays. */
    readonly markAbsent: Effect.Effect<void>
    /**
     * Runs in the background, in the scope of this layer: a media server that is started there is stopped after the last request was
     * answered, not before.
     */
    readonly start: <E, R>(effect: Effect.Effect<unknown, E, R>) => Effect.Effect<void, never, Exclude<R, Scope.Scope>>
  }
>()("greenroom/LateBoundMediaServer") {}

export const layer: Layer.Layer<MediaServer | LateBoundMediaServer> = Layer.effectContext(
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    let current = awaited
    const mediaServer = MediaServer.of({
      snapshot: Effect.suspend(() => current.snapshot),
      recheck: (lists) => current.recheck(lists),
      find: (source) => current.find(source),
      kick: (source) => current.kick(source),
      findViewer: (viewer) => current.findViewer(viewer),
      viewersOf: (protocol) => current.viewersOf(protocol),
      kickViewer: (viewer) => current.kickViewer(viewer),
      resetPath: (path) => current.resetPath(path),
      enabled: Effect.suspend(() => current.enabled),
      facts: Effect.suspend(() => current.facts),
      factsNow: Effect.suspend(() => current.factsNow),
      health: Effect.suspend(() => current.health)
    })
    const slot = LateBoundMediaServer.of({
      start: (effect) => effect.pipe(Scope.provide(scope), Effect.forkIn(scope), Effect.asVoid),
      markAbsent: Effect.sync(() => {
        current = absent
      }),
      bind: Effect.fnUntraced(function* (options) {
        current = Context.get(yield* Layer.buildWithScope(MediaMtx.layer(options), scope), MediaServer)
      })
    })
    return Context.make(MediaServer, mediaServer).pipe(Context.add(LateBoundMediaServer, slot))
  })
)
