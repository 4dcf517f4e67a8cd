/**
 * The `MediaServer` port of one instance: the real MediaMTX adapter over the simulated control API. A snapshot is many calls at several
 * moments, so that things happen in the middle of it. What is added here is what a network and a process add: answers that come to a
 * process which may be frozen or dead, connections that are cut, and the report of what is executed to the invariants.
 */
import {
  answerOf,
  type ControlApi,
  Decoded,
  MediaMtx,
  type MediaMtxCall,
  makeRestartSign,
  type Reply,
  unavailable
} from "@greenroom/adapters/mediamtx"
import type { MediaServer, MediaServerSnapshot } from "@greenroom/core"
import { type SimulatorApi, World } from "@greenroom/mediamtx-simulator"
import { Context, Effect, type Scope } from "effect"
import type { Bug } from "./bugs/Bug.ts"
import type { Caller } from "./Caller.ts"
import type { Counts } from "./Counts.ts"
import type { Kernel } from "./Kernel.ts"
import type { MediaHost } from "./MediaHost.ts"

/** So long does a connection to the control API stand without a call. */
const KEPT_ALIVE_MS = 1_500

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

export interface InstanceMediaServerOptions {
  readonly kernel: Kernel
  readonly host: MediaHost
  readonly caller: Caller
  readonly counts: Counts
  /** How the control API is asked may be wrong. */
  readonly bug: Pick<Bug, "controlApi"> | null
  /** Told of every kick and reset at the moment at which MediaMTX executes it. */
  readonly strikes: Strikes
  /** The same of viewers. `orderedAt`: when the instance has decided it. */
  readonly viewerKicked: (id: string, orderedAt: number) => void
  /** Whether this instance holds the lease now. */
  readonly leads: () => boolean
  /** Told when it orders somebody off the air without it. */
  readonly usurped: (what: string) => void
  /** Told of every look that is one, and when its list of paths was read. */
  readonly looked: (look: MediaServerSnapshot, pathsReadAt: number) => void
  readonly mayKickStrangers: () => boolean
}

/** The port call that a control call belongs to. Fibers that the adapter starts for it inherit it. */
interface Operation {
  readonly name: "look" | "find" | "kick" | "findViewer" | "viewersOf" | "kickViewer" | "resetPath" | "facts" | null
  isAwaited: boolean
  readonly orderedAt: number
  strangersToo: boolean
  /** When a list of paths was read for it first. Of a snapshot that asked twice, the older: nothing newer is sure. */
  pathsReadAt: number | null
  /** The process that answered it first. */
  process: string | null
}
const CurrentOperation = Context.Reference<Operation>("simulation/CurrentOperation", {
  defaultValue: () => ({
    name: null,
    isAwaited: true,
    orderedAt: 0,
    strangersToo: false,
    pathsReadAt: null,
    process: null
  })
})

/** Tells `onCut` what the system tells a client: a process that has ended refuses connections, and closes the one that was kept. */
const makeConnections = ({ kernel, host }: InstanceMediaServerOptions, onCut: () => void) => {
  const last = { at: Number.NEGATIVE_INFINITY, process: host.started() }
  return (process: string, isBroken: boolean) => {
    const wasKept = kernel.now() - last.at < KEPT_ALIVE_MS && last.process !== process
    if (wasKept || (isBroken && (!host.isUp() || host.started() !== process))) onCut()
    last.at = kernel.now()
    last.process = host.started()
  }
}

/** The simulator's JSON needs no reading, which would be a fifth of the work. */
const decoded = ({ status, body }: Reply): Reply =>
  status === 200 && typeof body === "object" && body !== null ? { status, body: new Decoded(body) } : { status, body }

const makeControlApi = (options: InstanceMediaServerOptions, onCut: () => void): ControlApi => {
  const { kernel, host, caller, counts, strikes } = options
  const notice = makeConnections(options, onCut)

  const executed = (operation: Operation) => (route: SimulatorApi.ApiRoute, world: World.World) => {
    const { strangersToo } = operation
    if (route._tag === "List") {
      const { path } = world.connections.get(route.id)!
      if (operation.name === "kickViewer") options.viewerKicked(route.id, operation.orderedAt)
      else strikes({ source: route.id, path, by: "kick", strangersToo })
    }
    // Who has come between the addition and the deletion goes with the deletion: no reading can rule that out.
    if (route._tag === "PathConfiguration" && route.verb === "add") {
      const holder = World.publisherOf(world, route.name)
      strikes({ source: holder?.id ?? null, path: route.name, by: "cure", strangersToo: true })
    }
  }

  const noticeProcess = (operation: Operation) => {
    operation.process ??= host.started()
    if (operation.name !== "look" || operation.process === host.started()) return
    operation.process = host.started()
    counts.fault("media server started anew in the middle of a look")
  }

  const send = (call: MediaMtxCall) =>
    Effect.withFiber<Reply | null>((fiber) => {
      const operation = fiber.getRef(CurrentOperation)
      if (operation.name === "find" && call.route.startsWith("/v3/rtsp") && !options.leads())
        counts.note("RTSP lookups by an instance that does not reconcile")
      return Effect.callback<Reply | null>((resume) => {
        const process = host.started()
        notice(process, false)
        host.control({
          call,
          by: caller.name,
          isAwaited: () => operation.isAwaited,
          executed: executed(operation),
          answered: (reply) => {
            if (call.route === "/v3/paths/list") operation.pathsReadAt ??= kernel.now()
            if (reply !== null) noticeProcess(operation)
            caller.deliver(() => {
              notice(process, reply === null)
              resume(Effect.succeed(reply))
            })
          }
        })
      })
    })
  const broken = (call: MediaMtxCall) => unavailable(call, "unreachable", "the connection broke")
  return (call) =>
    Effect.flatMap(send(call), (reply) => (reply === null ? Effect.fail(broken(call)) : answerOf(call, decoded(reply))))
}

export const makeInstanceMediaServer = Effect.fnUntraced(function* (
  options: InstanceMediaServerOptions
): Effect.fn.Return<MediaServer["Service"], never, Scope.Scope> {
  const { caller, counts, bug, leads, usurped } = options
  const restartSign = makeRestartSign()
  const right = makeControlApi(options, restartSign.onCut)
  const adapter = yield* MediaMtx.makeOver(bug?.controlApi?.(right) ?? right, { restartSign })

  /** One call of the port. The process may die or freeze by it. */
  const operation = <A, E>(
    name: NonNullable<Operation["name"]>,
    effect: Effect.Effect<A, E>,
    done: (value: A, operation: Operation) => void = () => {}
  ): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      const strangersToo = options.mayKickStrangers()
      if (!caller.mayCall(`MediaServer.${name}`)) return Effect.never
      const orderedAt = options.kernel.now()
      const current: Operation = { name, isAwaited: true, orderedAt, strangersToo, pathsReadAt: null, process: null }
      return effect.pipe(
        Effect.provideService(CurrentOperation, current),
        Effect.ensuring(
          Effect.sync(() => {
            current.isAwaited = false
          })
        ),
        Effect.tap((value) => Effect.sync(() => done(value, current)))
      )
    })

  /** The lists of the last look, which a recheck may take for its own. */
  let lists: MediaServerSnapshot["sources"] | null = null
  const seen = (look: MediaServerSnapshot, { pathsReadAt }: Operation) => {
    if (look.sources === lists) counts.note("looks with the lists of one before")
    lists = look.sources
    if (look.restartsSeen?.now === true) counts.fault("restart noticed without its time")
    options.looked(look, pathsReadAt ?? -1)
  }

  return {
    ...adapter,
    snapshot: operation("look", adapter.snapshot, seen),
    recheck: (lists) => operation("look", adapter.recheck(lists), seen),
    find: (source) => operation("find", adapter.find(source)),
    kick: (source) =>
      Effect.suspend(() => {
        if (!leads()) usurped(`a kick of ${source.id}`)
        return operation("kick", adapter.kick(source))
      }),
    findViewer: (viewer) => operation("findViewer", adapter.findViewer(viewer)),
    viewersOf: (protocol) => operation("viewersOf", adapter.viewersOf(protocol)),
    kickViewer: (viewer) => operation("kickViewer", adapter.kickViewer(viewer)),
    resetPath: (path) =>
      Effect.suspend(() => {
        if (!leads()) usurped(`a reset of ${path}`)
        return operation("resetPath", adapter.resetPath(path))
      }),
    factsNow: operation("facts", adapter.factsNow)
  }
})
