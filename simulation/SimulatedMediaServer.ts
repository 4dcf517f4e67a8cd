/**
 * The `MediaServer` port of one instance over a simulated MediaMTX, with the laws that the port asks for: a look is whole or fails, RTSP
 * calls of one instance never overlap (the real adapter lets those that only read), every call ends within its deadline, none retries (the
 * real adapter's look asks again each second). A look is several control calls at several
 * moments, as the real one's, so that things happen in the middle of it.
 */

import { World } from "@greenroom/adapters/twin"
import {
  everythingServed,
  familyOf,
  type ListedPath,
  type ListedSource,
  type Look,
  listsOf,
  type MediaServer,
  MediaServerUnavailable,
  type Source
} from "@greenroom/core"
import { Effect, Exit } from "effect"
import type { Caller } from "./Caller.ts"
import type { ControlCall } from "./ControlApi.ts"
import type { Counts } from "./Counts.ts"
import type { Kernel } from "./Kernel.ts"
import { pathsOf, type Reading, sourcesOf } from "./Listing.ts"
import type { MediaHost } from "./MediaHost.ts"
import { type Family, families } from "./Step.ts"

/** The answers that a look is made of. */
export interface Readings {
  readonly before: Reading<string>
  readonly lists: ReadonlyArray<Reading<ReadonlyArray<ListedSource>>>
  readonly paths: Reading<ReadonlyArray<ListedPath>>
  readonly after: Reading<string>
}

/** `null`: these readings make no look. */
export type Compose = (readings: Readings) => Look | null

const wholeOf = <A>(reading: Reading<A>): A | null => (reading._tag === "Whole" ? reading.value : null)

/** Every answer whole, and one process from the beginning to the end. */
export const composeLook: Compose = ({ before, lists, paths, after }) => {
  const started = wholeOf(before)
  const listed = lists.map(wholeOf)
  const onPaths = wholeOf(paths)
  if (started === null || started !== wholeOf(after) || onPaths === null) return null
  if (listed.some((list) => list === null)) return null
  return { started, sources: listed.flatMap((list) => list ?? []), paths: onPaths }
}

/** As the real adapter: after an RTSP lookup without an answer none is sent for a while, so that a look gets its turn. */
const RTSP_PAUSE_MS = 1_000

const DEADLINES_MS = { look: 5_000, find: 500, kick: 2_000, curePath: 5_000 } as const

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
  readonly compose: Compose
  /** Told of every kick and cure at the moment at which MediaMTX executes it. */
  readonly strikes: Strikes
  /** Whether this instance is the one that reconciles. */
  readonly leads: () => boolean
  /** Told when the list of paths is read. */
  readonly pathsRead: () => void
  /** Told of every look that is one. */
  readonly looked: (look: Look) => void
  readonly mayKickStrangers: () => boolean
}

export const makeSimulatedMediaServer = (options: SimulatedMediaServerOptions): MediaServer["Service"] => {
  const { kernel, host, caller, counts, compose, strikes } = options
  const failed = (operation: string, reading?: Reading<unknown>) => {
    const reason = reading === undefined ? "unreachable" : reading._tag === "Failed" ? reading.why : "nonsense"
    return Exit.fail(new MediaServerUnavailable({ reason, operation, detail: "no clear answer" }))
  }

  /** This instance's RTSP calls, one after the other. */
  const line: Array<() => void> = []
  let rtspBusy = false
  const nextRtsp = () => {
    const next = line.shift()
    rtspBusy = next !== undefined
    next?.()
  }

  /** Answers come to a process that may be frozen or dead. */
  const control = <A>(call: ControlCall<A>) => {
    const send = () =>
      host.control({
        ...call,
        answered: (reading) =>
          caller.deliver(() => {
            if (call.about === "rtsp") nextRtsp()
            call.answered(reading)
          })
      })
    if (call.about !== "rtsp") return send()
    line.push(send)
    if (!rtspBusy) nextRtsp()
  }

  const operation = <A>(
    name: keyof typeof DEADLINES_MS,
    begin: (tell: (exit: Exit.Exit<A, MediaServerUnavailable>) => void, isOver: () => boolean) => void
  ): Effect.Effect<A, MediaServerUnavailable> =>
    Effect.callback((resume) => {
      if (!caller.mayCall(`MediaServer.${name}`)) return
      let over = false
      const tell = (exit: Exit.Exit<A, MediaServerUnavailable>) => {
        if (over) return
        over = true
        deadline.cancel()
        resume(exit)
      }
      const deadline = kernel.after(DEADLINES_MS[name], () => caller.deliver(() => tell(failed(name))))
      begin(tell, () => over)
      return Effect.sync(() => {
        over = true
        deadline.cancel()
      })
    })

  const look = operation<Look>("look", (tell) => {
    const askStarted = (answered: (reading: Reading<string>) => void) =>
      control({ about: "info", run: (world) => world.started, answered })
    askStarted((before) => {
      if (before._tag === "Failed") return tell(failed("look", before))
      let left = families.length + 1
      const lists: Array<Readings["lists"][number]> = []
      let paths: Readings["paths"] = { _tag: "Failed", why: "unreachable" }
      const arrived = () => {
        left -= 1
        if (left > 0) return
        askStarted((after) => {
          if (after._tag === "Whole" && before._tag === "Whole" && after.value !== before.value) {
            counts.fault("media server started anew in the middle of a look")
          }
          const composed = compose({ before, lists, paths, after })
          const wrong = [...lists, paths, after].find(({ _tag }) => _tag !== "Whole") ?? after
          if (composed !== null) options.looked(composed)
          tell(composed === null ? failed("look", wrong) : Exit.succeed(composed))
        })
      }
      for (const [index, family] of families.entries()) {
        control({
          about: family,
          run: (world) => sourcesOf(world, family),
          answered: (reading) => {
            lists[index] = reading
            arrived()
          }
        })
      }
      control({
        about: "paths",
        run: (world) => {
          options.pathsRead()
          return pathsOf(world, kernel.now(), host.ownPaths())
        },
        answered: (reading) => {
          paths = reading
          arrived()
        }
      })
    })
  })

  const isListed = (world: World.World, source: Source, family: Family): boolean => {
    const connection = world.connections.get(source.id)
    return connection !== undefined && familyOf(connection.protocol) === family
  }

  /** Asks the lists of the source's family, or all of them, RTSP last, until one knows it. */
  const ask = <A>(
    name: "find" | "kick",
    source: Source,
    run: (world: World.World) => A
  ): Effect.Effect<A | "gone", MediaServerUnavailable> =>
    operation(name, (tell, isOver) => {
      const about = [...new Set(listsOf(source.protocol).map(familyOf))].sort(
        (a, b) => Number(a === "rtsp") - Number(b === "rtsp")
      )
      const askNext = () => {
        const family = about.shift()
        if (family === undefined) return tell(Exit.succeed("gone"))
        if (isOver()) return
        control<A | "gone">({
          about: family,
          run: (world) => {
            if (!isListed(world, source, family)) return "gone"
            if (name === "kick" && isOver()) counts.fault("kick executed after its caller had given up")
            return run(world)
          },
          answered: (reading) => {
            if (reading._tag !== "Whole") return tell(failed(name, reading))
            if (reading.value === "gone") return askNext()
            tell(Exit.succeed(reading.value))
          }
        })
      }
      askNext()
    })

  let rtspPausedUntil = 0
  const find = (source: Source) => ask("find", source, () => "present" as const)
  const findRtsp = (source: Source) =>
    Effect.suspend(() => {
      if (kernel.now() < rtspPausedUntil) return failed("find")
      if (!options.leads()) counts.note("RTSP lookups by an instance that does not reconcile")
      const began = kernel.now()
      return Effect.tapError(find(source), () =>
        Effect.sync(() => {
          if (kernel.now() - began >= DEADLINES_MS.find) rtspPausedUntil = kernel.now() + RTSP_PAUSE_MS
        })
      )
    })

  return {
    look,
    find: (source) =>
      listsOf(source.protocol).some((protocol) => familyOf(protocol) === "rtsp") ? findRtsp(source) : find(source),
    kick: (source) =>
      Effect.suspend(() => {
        const strangersToo = options.mayKickStrangers()
        return ask("kick", source, (world) => {
          const { path, protocol } = world.connections.get(source.id)!
          strikes({ source: source.id, path, by: "kick", strangersToo })
          host.kick(source.id, protocol)
          return "kicked" as const
        })
      }),
    curePath: (path) =>
      operation<void>("curePath", (tell) =>
        control({
          about: "paths",
          run: (world) => {
            const holder = World.publisherOf(world, path)
            strikes({ source: holder?.id ?? null, path, by: "cure", strangersToo: true })
            host.change((now, at) => {
              const configured = World.configure(now, at, path, 1)
              return configured === false ? now : World.deconfigure(configured, at, path) || configured
            })
          },
          answered: (reading) => tell(reading._tag === "Whole" ? Exit.void : failed("curePath", reading))
        })
      ),
    served: Effect.succeed(everythingServed),
    health: Effect.succeed("ok" as const)
  }
}
