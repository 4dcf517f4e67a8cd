/**
 * The `MediaServer` port straight over a `Simulator`, without HTTP: for tests, for embedding, and for the simulation, which
 * needs a media server that stands still when its clock does. Sources go by the ids of their auth calls. It hangs where MediaMTX hangs: a look behind pending auths, calls
 * about RTSP sessions behind a pending auth of one. `down` is the world's own (`stop`); other faults are told by `fault`.
 */
import {
  allEnabled,
  type EnabledProtocols,
  listsOf,
  MediaServer,
  type MediaServerFacts,
  MediaServerUnavailable,
  nextUnlisted,
  noneUnlisted,
  recommendedFacts,
  type Source
} from "@greenroom/core"
import { lookAt, Simulator, World } from "@greenroom/mediamtx-simulator"
import { Clock, Duration, Effect, Layer, Ref } from "effect"

/** `frozen`: no answer. `refused`: it does not know our password. `nonsense`: half a list. */
export type MemoryFault = "frozen" | "refused" | "nonsense"

export interface MemoryMediaServerOptions {
  /** How long a call may hang; 0 makes a call that would hang fail at once. As `MediaMtx` has them unless told. */
  readonly deadlines?: {
    readonly look?: Duration.Input
    readonly find?: Duration.Input
    readonly kick?: Duration.Input
  }
  readonly fault?: Ref.Ref<MemoryFault | null>
  readonly served?: EnabledProtocols
  /** `recommendedFacts` by default. */
  readonly facts?: MediaServerFacts
}

/** A look asks again while there is time, as `MediaMtx`'s does. */
const LOOK_AGAIN_MS = 1_000

const familyIncludesRtsp = (source: Source): boolean => listsOf(source.protocol).includes("rtsp")

export const make = Effect.fnUntraced(function* (
  options: MemoryMediaServerOptions = {}
): Effect.fn.Return<MediaServer["Service"], never, Simulator.Simulator> {
  const media = yield* Simulator.Simulator
  const deadlines = {
    look: Duration.fromInputUnsafe(options.deadlines?.look ?? "5 seconds"),
    find: Duration.fromInputUnsafe(options.deadlines?.find ?? "500 millis"),
    kick: Duration.fromInputUnsafe(options.deadlines?.kick ?? "2 seconds")
  }
  const fault = options.fault ?? (yield* Ref.make<MemoryFault | null>(null))
  let health: "ok" | "unreachable" = "unreachable"
  let unlisted = noneUnlisted
  let startsSeen: number | null = null

  const call = <A>(operation: keyof typeof deadlines, effect: Effect.Effect<A>) => {
    const fail = (reason: MediaServerUnavailable["reason"], detail: string) =>
      Effect.fail(new MediaServerUnavailable({ reason, operation, detail }))
    const answered: Effect.Effect<A, MediaServerUnavailable> = Effect.gen(function* () {
      if (!(yield* media.world).up) return yield* fail("unreachable", "the server is down")
      const trouble = yield* Ref.get(fault)
      if (trouble === "frozen") return yield* operation === "look" ? askAgain : Effect.never
      return trouble === null ? yield* effect : yield* fail(trouble, "as the test wants it")
    })
    const askAgain = Effect.andThen(
      Effect.sleep(LOOK_AGAIN_MS),
      Effect.suspend(() => answered)
    )
    return Effect.timeoutOrElse(answered, {
      duration: deadlines[operation],
      orElse: () => fail("unreachable", `no answer within ${Duration.format(deadlines[operation])}`)
    })
  }

  const setHealth = (value: typeof health) =>
    Effect.sync(() => {
      health = value
    })

  const about = <A>(source: Source, effect: Effect.Effect<A>) =>
    familyIncludesRtsp(source) ? Effect.andThen(media.rtspAnswers, effect) : effect

  const listed = (world: World.World, source: Source): World.Connection | undefined => {
    const lists = listsOf(source.protocol)
    return [...world.connections.values()].find(
      ({ authId, protocol }) => authId === source.id && lists.includes(protocol)
    )
  }

  const look = Effect.gen(function* () {
    yield* media.pathsAnswer
    yield* media.rtspAnswers
    const world = yield* media.world
    const restarted = startsSeen !== null && startsSeen !== world.starts
    startsSeen = world.starts
    const seen = lookAt(world, yield* Clock.currentTimeMillis)
    unlisted = nextUnlisted(unlisted, seen)
    return restarted && !world.options.facts.info ? { ...seen, restartSeen: true as const } : seen
  })

  const find = (source: Source) =>
    Effect.map(media.world, (world) =>
      listed(world, source) !== undefined || unlisted.lasting.has(source.id) ? ("present" as const) : ("gone" as const)
    )

  const kick = Effect.fnUntraced(function* (source: Source) {
    const connection = listed(yield* media.world, source)
    if (connection === undefined) return "gone" as const
    yield* media.change((world, now) => World.kick(world, now, connection.id))
    return "kicked" as const
  })

  const resetPath = (path: string) =>
    Effect.andThen(
      media.pathsAnswer,
      media.change((world, now) => {
        const configured = World.configure(world, now, path, 1)
        return configured === false ? world : World.deconfigure(configured, now, path) || configured
      })
    )

  return MediaServer.of({
    snapshot: call("look", look).pipe(
      Effect.tap(() => setHealth("ok")),
      Effect.tapError(() => setHealth("unreachable"))
    ),
    find: (source) => Effect.tap(call("find", about(source, find(source))), () => setHealth("ok")),
    kick: (source) => call("kick", about(source, kick(source))),
    resetPath: (path) => Effect.asVoid(call("kick", resetPath(path))),
    enabled: Effect.succeed(options.served ?? allEnabled),
    facts: Effect.succeed(options.facts ?? recommendedFacts),
    factsNow: Effect.succeed(options.facts ?? recommendedFacts),
    health: Effect.sync(() => health)
  })
})

export const layer = (options?: MemoryMediaServerOptions): Layer.Layer<MediaServer, never, Simulator.Simulator> =>
  Layer.effect(MediaServer, make(options))
