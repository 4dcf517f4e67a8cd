/**
 * The `MediaServer` port of one instance over a simulated MediaMTX. As in the real adapter a look is several control calls at several
 * moments, so that things happen in the middle of it, and gets another attempt beside it each second; a source is looked for and kicked in
 * each list in which it may stand; one on a path of the last two looks is not gone; every operation ends within its deadline. Attempts,
 * the turns and pauses of RTSP calls, and the sign of a restart where `started` is not known, are the real adapter's own. The ids of RTSP
 * are one here: up to 1.19.2 a call more stands for their translation.
 */
import { hedge, makeRestartSign, makeRtspLock, makeRtspLookupCooldown } from "@greenroom/adapters/mediamtx"
import {
  allEnabled,
  familyOf,
  type ListedPath,
  type ListedSource,
  listsOf,
  type MediaServer,
  type MediaServerSnapshot,
  MediaServerUnavailable,
  nextUnlisted,
  noneUnlisted,
  type Protocol,
  protocols,
  recommendedFacts,
  type Source
} from "@greenroom/core"
import { World } from "@greenroom/mediamtx-simulator"
import { Effect, type Scope } from "effect"
import type { Bug } from "./bugs/Bug.ts"
import type { Caller } from "./Caller.ts"
import type { ControlCall } from "./ControlApi.ts"
import type { Counts } from "./Counts.ts"
import type { Kernel } from "./Kernel.ts"
import { pathsOf, type Reading, sourcesOf } from "./Listing.ts"
import type { MediaHost } from "./MediaHost.ts"

/** The answers that a look is made of. */
export interface Readings {
  readonly before: Reading<string>
  readonly lists: ReadonlyArray<Reading<ReadonlyArray<ListedSource>>>
  readonly paths: Reading<ReadonlyArray<ListedPath>>
  readonly after: Reading<string>
}

/** `null`: these readings make no look. */
export type Compose = (readings: Readings) => MediaServerSnapshot | null

const wholeOf = <A>(reading: Reading<A>): A | null => (reading._tag === "Whole" ? reading.value : null)

/** Every answer whole, and one process from the beginning to the end. */
export const composeLook: Compose = ({ before, lists, paths, after }) => {
  const started = wholeOf(before)
  const listed = lists.map(wholeOf)
  const onPaths = wholeOf(paths)
  if (started === null || started !== wholeOf(after) || onPaths === null) return null
  if (listed.some((list) => list === null)) return null
  return { started, sources: listed.flatMap((list) => list ?? []), paths: onPaths, ownPaths: [] }
}

/** As `/v3/info` is read where it is not there. */
const STARTED_UNKNOWN = "unknown"
/** So long does a connection to the control API stand without a call. */
const KEPT_ALIVE_MS = 1_500

const DEADLINES_MS = { look: 5_000, find: 500, kick: 2_000, resetPath: 5_000 } as const

/** Somebody is taken off the air. */
export interface Strike {
  /** `null` for a path on which nobody publishes. */
  readonly source: string | null
  readonly path: string
  readonly by: "kick" | "cure"
  /** Whether those whom nobody admitted might be kicked when it was ordered. */
  readonly strangersToo: boolean
}
export type Strikes = (strike: Strike) => void

export interface SimulatedMediaServerOptions {
  readonly kernel: Kernel
  readonly host: MediaHost
  readonly caller: Caller
  readonly counts: Counts
  /** One thing of how it is asked may be wrong. */
  readonly bug: Pick<Bug, "compose" | "lists" | "turns"> | null
  /** Told of every kick and cure at the moment at which MediaMTX executes it. */
  readonly strikes: Strikes
  /** Whether this instance holds the lease now. */
  readonly leads: () => boolean
  /** Told when it orders somebody off the air without it. */
  readonly usurped: (what: string) => void
  /** Told of every look that is one, and when its list of paths was read. */
  readonly looked: (look: MediaServerSnapshot, pathsReadAt: number) => void
  readonly mayKickStrangers: () => boolean
}

type Asks<A> = Pick<ControlCall<A>, "about" | "run">

const isRtsp = (protocol: Protocol): protocol is "rtsp" | "rtsps" => familyOf(protocol) === "rtsp"

/** The lists in which a source may stand, RTSP's last, because its calls can hang behind an auth. */
const inOrder = ({ protocol }: Source): ReadonlyArray<Protocol> => {
  const lists = listsOf(protocol)
  return [...lists.filter((list) => !isRtsp(list)), ...lists.filter(isRtsp)]
}

export const makeSimulatedMediaServer = Effect.fnUntraced(function* (
  options: SimulatedMediaServerOptions
): Effect.fn.Return<MediaServer["Service"], never, Scope.Scope> {
  const { kernel, host, caller, counts, bug, strikes } = options
  const compose = bug?.compose?.(composeLook) ?? composeLook
  const listsFor = bug?.lists ?? inOrder
  const turns = { rtsp: bug?.turns ?? (yield* makeRtspLock), rtsps: bug?.turns ?? (yield* makeRtspLock) }

  const unavailable = (operation: string, reading?: Reading<unknown>) =>
    new MediaServerUnavailable({
      reason: reading === undefined ? "unreachable" : reading._tag === "Failed" ? reading.why : "nonsense",
      operation,
      detail: "no clear answer"
    })

  const restartSign = makeRestartSign()
  const last = { at: Number.NEGATIVE_INFINITY, process: host.started() }
  /** A process that has ended closes its connections: the one of this call, and one that was kept from the last. */
  const noticeCut = (process: string, reading?: Reading<unknown>) => {
    const wasKept = kernel.now() - last.at < KEPT_ALIVE_MS && last.process !== process
    const refused = reading?._tag === "Failed" && reading.why === "unreachable"
    if (wasKept || (refused && (!host.isUp() || host.started() !== process))) restartSign.onCut()
    last.at = kernel.now()
    last.process = host.started()
  }

  /** Answers come to a process that may be frozen or dead. `isAwaited`: whether somebody still waits for this one. */
  const send = <A>(asks: Asks<A>, isAwaited: () => boolean, kicks = false): Effect.Effect<Reading<A>> =>
    Effect.callback((resume) => {
      const process = host.started()
      noticeCut(process)
      host.control({
        ...asks,
        kicks,
        by: caller.name,
        isAwaited,
        answered: (reading) =>
          caller.deliver(() => {
            noticeCut(process, reading)
            resume(Effect.succeed(reading))
          })
      })
    })
  const inTurn = <A>(
    protocol: Protocol,
    run: Asks<A>["run"],
    isAwaited: () => boolean,
    kicks = false
  ): Effect.Effect<Reading<A>, MediaServerUnavailable> => {
    const call = send({ about: protocol, run }, isAwaited, kicks)
    return isRtsp(protocol) ? turns[protocol][kicks ? "kick" : "read"](call) : call
  }

  /** Within its deadline. What is asked hears whether its caller has given up. */
  const operation = <A>(
    name: keyof typeof DEADLINES_MS,
    asks: (isAwaited: () => boolean) => Effect.Effect<A, MediaServerUnavailable>
  ): Effect.Effect<A, MediaServerUnavailable> =>
    Effect.suspend(() => {
      if (!caller.mayCall(`MediaServer.${name}`)) return Effect.never
      let isAwaited = true
      const over = Effect.sync(() => {
        isAwaited = false
      })
      return Effect.timeoutOrElse(
        Effect.ensuring(
          asks(() => isAwaited),
          over
        ),
        {
          duration: DEADLINES_MS[name],
          orElse: () => Effect.fail(unavailable(name))
        }
      )
    })

  const noticeRestart = (look: MediaServerSnapshot): MediaServerSnapshot => {
    if (!restartSign.isIn(look) || host.facts.info) return look
    counts.fault("restart noticed without its time")
    return { ...look, restartSeen: true }
  }

  const attempt = (isAwaited: () => boolean) =>
    Effect.gen(function* () {
      const askStarted = send(
        { about: "info", run: (world) => (host.facts.info ? world.started : STARTED_UNKNOWN) },
        isAwaited
      )
      const before = yield* askStarted
      if (before._tag === "Failed") return yield* unavailable("look", before)
      let pathsReadAt = -1
      const readPaths = send(
        {
          about: "paths",
          run: (world) => {
            pathsReadAt = kernel.now()
            return pathsOf(world, kernel.now(), host.ownPaths())
          }
        },
        isAwaited
      )
      const readSources = (protocol: Protocol) => inTurn(protocol, (world) => sourcesOf(world, protocol), isAwaited)
      const [lists, paths] = yield* Effect.all(
        [Effect.forEach(protocols, readSources, { concurrency: "unbounded" }), readPaths],
        { concurrency: "unbounded" }
      )
      const after = yield* askStarted
      if (after._tag === "Whole" && before._tag === "Whole" && after.value !== before.value) {
        counts.fault("media server started anew in the middle of a look")
      }
      const composed = compose({ before, lists, paths, after })
      const wrong = [...lists, paths, after].find(({ _tag }) => _tag !== "Whole") ?? after
      if (composed === null) return yield* unavailable("look", wrong)
      return { composed, pathsReadAt }
    })

  /** Asks the lists of the source's family, or all of them, until one knows it. */
  const ask = <A>(
    name: "find" | "kick",
    source: Source,
    run: (world: World.World) => A
  ): Effect.Effect<A | "gone", MediaServerUnavailable> =>
    operation(name, (isAwaited) =>
      Effect.gen(function* () {
        for (const protocol of listsFor(source)) {
          if (isRtsp(protocol) && host.facts.rtspAuthId === "connection") {
            const hasConnection = (world: World.World) => world.connections.get(source.id)?.protocol === protocol
            const connection = yield* inTurn(protocol, hasConnection, isAwaited)
            if (connection._tag !== "Whole") return yield* unavailable(`${name}: its connection`, connection)
            if (!connection.value) continue
          }
          const inList = (world: World.World): A | "gone" => {
            if (world.connections.get(source.id)?.protocol !== protocol) return "gone"
            if (name === "kick" && !isAwaited()) counts.fault("kick executed after its caller had given up")
            return run(world)
          }
          const reading = yield* inTurn(protocol, inList, isAwaited, name === "kick")
          if (reading._tag !== "Whole") return yield* unavailable(`${name} in the list of ${protocol}`, reading)
          if (reading.value !== "gone") return reading.value
        }
        return "gone"
      })
    )

  let unlisted = noneUnlisted
  const pausing = makeRtspLookupCooldown()
  const find = (source: Source) =>
    Effect.map(
      ask("find", source, () => "present" as const),
      (found) => (unlisted.lasting.has(source.id) ? "present" : found)
    )
  const findRtsp = (source: Source) =>
    pausing(
      Effect.suspend(() => {
        if (!options.leads()) counts.note("RTSP lookups by an instance that does not reconcile")
        return find(source)
      })
    )

  return {
    snapshot: Effect.map(
      operation("look", (isAwaited) => hedge(attempt(isAwaited))),
      ({ composed, pathsReadAt }) => {
        const look = noticeRestart(composed)
        unlisted = nextUnlisted(unlisted, look)
        options.looked(look, pathsReadAt)
        return look
      }
    ),
    find: (source) => (listsOf(source.protocol).some(isRtsp) ? findRtsp(source) : find(source)),
    kick: (source) =>
      Effect.suspend(() => {
        if (!options.leads()) options.usurped(`a kick of ${source.id}`)
        const strangersToo = options.mayKickStrangers()
        return ask("kick", source, (world) => {
          const { path, protocol } = world.connections.get(source.id)!
          strikes({ source: source.id, path, by: "kick", strangersToo })
          host.kick(source.id, protocol)
          return "kicked" as const
        })
      }),
    resetPath: (path) =>
      operation<void>("resetPath", (isAwaited) =>
        Effect.gen(function* () {
          if (!options.leads()) options.usurped(`a reset of ${path}`)
          const run = (world: World.World) => {
            const holder = World.publisherOf(world, path)
            strikes({ source: holder?.id ?? null, path, by: "cure", strangersToo: true })
            host.change((now, at) => {
              const configured = World.configure(now, at, path, 1)
              return configured === false ? now : World.deconfigure(configured, at, path) || configured
            })
          }
          const reading = yield* send({ about: "paths", run }, isAwaited)
          if (reading._tag !== "Whole") return yield* unavailable("resetPath", reading)
        })
      ),
    enabled: Effect.succeed(allEnabled),
    facts: Effect.succeed(recommendedFacts),
    factsNow: Effect.succeed(recommendedFacts),
    health: Effect.succeed("ok" as const)
  }
})
