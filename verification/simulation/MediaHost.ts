/**
 * The MediaMTX of a simulation: the simulator's pure `World` moved by simulated time, with the process around it that can be killed, started,
 * and frozen. Who is let in is asked at its `AuthEndpoint`; what the control API answers is in `ControlApi.ts`. It knows no Greenroom.
 */
import type { ViewerProtocol } from "@greenroom/core"
import { type Client, factsOf, queryOf, type Version, World } from "@greenroom/mediamtx-simulator"
import type { Rng } from "../worlds/Rng.ts"
import { type Ask, isView, makeAuthEndpoint, type PublishQuestion, type Question } from "./AuthEndpoint.ts"
import { type Inside, makeControlApi } from "./ControlApi.ts"
import type { Counts } from "./Counts.ts"
import type { Kernel } from "./Kernel.ts"
import { familyOfViewer } from "./Step.ts"

export interface MediaHostOptions {
  readonly version: Version
  readonly kernel: Kernel
  readonly rng: Rng
  readonly counts: Counts
  readonly ask: Ask
  readonly happened: (happening: World.Happening) => void
  /** Told when a kick of an RTSP session runs beside another call of the same process, and both are waited for. */
  readonly overlapped: (instance: string) => void
}

const READ_TIMEOUT_MS = 4_000
/** Of a hundred kicks that are answered so many do nothing. */
const IN_VAIN_OF_A_HUNDRED = 4
/** A kick beside another call about RTSP sessions may crash it, and here does; whoever runs it starts it anew. */
const STARTED_ANEW_AFTER_MS = 300
/** From the answer of a kick until the connection has left its list. */
const KICK_TAKES_MS = { rtmp: 15, rtsp: 14, srt: 16, webrtc: 95, moq: 15, hls: 5 } as const

/** Admitted by an auth, whatever it does now. */
export const isAdmitted = ({ phase }: World.Connection): boolean => phase._tag !== "Asking" && phase._tag !== "Denied"

/** Who watches a path that has no source any more is sent away. */
const withoutOwnSource = (world: World.World, now: number, path: string): World.World => {
  const without = World.setOwnSource(world, path, null)
  if (World.publisherOf(without, path) !== undefined) return without
  return World.readersOf(without, path).reduce((next, { id }) => World.close(next, now, id, "path_closed"), without)
}

export const makeMediaHost = ({ version, kernel, rng, counts, ask, happened, overlapped }: MediaHostOptions) => {
  const facts = factsOf(version)
  const readyAfter = { ...World.defaultOptions.readyAfter, rtmp: facts.rtmpReadyAfter }
  let world = World.begin(kernel.now(), { ...World.defaultOptions, facts, readyAfter, readTimeout: READ_TIMEOUT_MS })
  let due: number | null = null
  let timer: { readonly cancel: () => void } | undefined
  let frozen = false
  /** When it was last down or frozen. */
  let troubledAt = Number.NEGATIVE_INFINITY
  let waking: Array<() => void> = []
  let restartIn: { calls: number; readonly by: "kill" | "stop"; readonly downFor: number } | null = null
  /** Until when each path has a source of the server's own. */
  const ownUntil = new Map<string, number>()

  const plan = () => {
    const next = World.nextDue(world)
    if (next === due) return
    due = next
    timer?.cancel()
    timer = next === null ? undefined : kernel.after(next - kernel.now(), () => awake(() => change((same) => same)))
  }
  const change = (step: (world: World.World, now: number) => World.World): World.World => {
    const now = kernel.now()
    const after = step(due !== null && due <= now && !frozen ? World.advance(world, now) : world, now)
    if (after === world) return world
    world = after.happened.length === 0 ? after : { ...after, happened: [] }
    plan()
    for (const happening of after.happened) happened(happening)
    return world
  }
  const current = () => change((same) => same)
  /** Runs now, or when the process is awake again, unless it is another one by then. */
  const awake = (run: () => void) => {
    if (!frozen) return run()
    const { starts } = world
    waking.push(() => {
      if (world.starts === starts && world.up) run()
    })
  }

  const answered = (id: string, by: Question | null | "unasked") => {
    const letIn =
      by !== null && by !== "unasked" && isView(by) ? { user: by.view.user, id: by.view.id ?? id } : undefined
    change((now, at) => World.answer(now, at, id, by !== null, letIn))
  }
  const readTimeout = facts.authTimeout ? READ_TIMEOUT_MS : null
  const authEndpoint = makeAuthEndpoint({ kernel, counts, ask, facts, readTimeout, awake, answered })
  const countCalls = () => {
    if (restartIn === null) return
    restartIn.calls -= 1
    if (restartIn.calls > 0) return
    const { by, downFor } = restartIn
    restartIn = null
    restart(by, downFor)
  }
  const met = (one: Inside, other: Inside) => {
    counts.fault("media server crashed by an RTSP kick beside another call")
    if (one.by === other.by && one.isAwaited() && other.isAwaited()) overlapped(one.by)
    restart("kill", STARTED_ANEW_AFTER_MS)
  }
  /** Viewers that one kick has not reached; the next one does. */
  const keptViewers = new Map<string, number>()
  const isInVain = (id: string): boolean => {
    if (rng.below(100) >= IN_VAIN_OF_A_HUNDRED || keptViewers.has(id)) return false
    if (world.connections.get(id)?.action === "read") keptViewers.set(id, kernel.now())
    return true
  }
  const kick = (id: string, protocol: ViewerProtocol) => {
    if (isInVain(id)) return counts.fault("kick answered, and nobody goes")
    kernel.after(KICK_TAKES_MS[familyOfViewer(protocol)], () =>
      awake(() => void change((now, at) => World.kick(now, at, id)))
    )
  }
  const control = makeControlApi({
    kernel,
    rng,
    counts,
    authEndpoint,
    facts,
    world: current,
    change,
    kick,
    awake,
    arrived: countCalls,
    met
  })

  const end = (by: "kill" | "stop") => {
    if (!world.up) return
    troubledAt = kernel.now()
    counts.fault(by === "kill" ? "media server killed" : "media server stopped")
    const publishers = by === "stop" && !frozen ? World.publishers(current()) : []
    for (const connection of publishers) happened({ _tag: "NotReady", at: kernel.now(), connection })
    frozen = false
    waking = []
    authEndpoint.reset()
    control.reset()
    change(World.stop)
  }
  const start = () => {
    if (world.up) return
    troubledAt = kernel.now()
    counts.fault("media server started anew")
    change(World.start)
  }
  const thaw = () => {
    if (!frozen) return
    troubledAt = kernel.now()
    frozen = false
    current()
    const those = waking
    waking = []
    for (const run of those) run()
  }
  const restart = (by: "kill" | "stop", downFor: number) => {
    end(by)
    kernel.after(downFor, start)
  }

  return {
    /** As it is now; while the process is frozen, as it was then. */
    world: current,
    facts,
    /** What its own process is called; `/v3/info` may not say it. */
    started: () => world.started,
    isUp: () => world.up,
    change: (step: (world: World.World, now: number) => World.World) => awake(() => void change(step)),
    /** Somebody comes to watch. */
    watch: (client: Client & { readonly otherId: string }) => {
      const { id, otherId, protocol, path, user = "" } = client
      if (!world.up) return false
      const connection = { id, protocol, action: "read", path, query: queryOf(client), user, tracks: [] } as const
      const family = familyOfViewer(protocol)
      const other = family === "rtsp" || family === "hls" ? { connectionId: otherId } : {}
      awake(() => {
        change((now, at) => World.connect(now, at, { ...connection, ...other }))
        authEndpoint.authenticateViewer(client)
      })
      return true
    },
    /** When a kick of the viewer was answered that did nothing. */
    keptSince: (id: string): number | undefined => keptViewers.get(id),
    /** Somebody connects; `unasked`: it is let in without a question. */
    connect: (connection: World.NewConnection, question: PublishQuestion | "unasked") => {
      if (!world.up) return false
      awake(() => {
        change((now, at) => World.connect(now, at, connection))
        if (question === "unasked") answered(connection.id, "unasked")
        else authEndpoint.authenticate(question)
      })
      return true
    },
    own: (path: string, source: World.OwnSource, millis: number) => {
      ownUntil.set(path, kernel.now() + millis)
      change((now) => World.setOwnSource(now, path, source))
      kernel.after(millis, () => {
        if (ownUntil.get(path)! <= kernel.now()) change((now, at) => withoutOwnSource(now, at, path))
      })
    },
    isAsking: authEndpoint.isAsking,
    control: control.send,
    slow: control.slow,
    err: control.err,
    restart,
    restartIn: (inCalls: number, by: "kill" | "stop", downFor: number) => {
      restartIn = { calls: inCalls, by, downFor }
    },
    freeze: (millis: number) => {
      if (!world.up || frozen) return
      counts.fault("media server frozen")
      frozen = true
      const { starts } = world
      kernel.after(millis, () => {
        if (world.starts === starts) thaw()
      })
    },
    /** Whether it has been up and awake, and has answered everything without delay, since then. */
    wasWellSince: (time: number) => world.up && !frozen && control.wasWellSince(time) && troubledAt < time,
    repair: () => {
      restartIn = null
      control.repair()
      start()
      thaw()
    }
  }
}

export type MediaHost = ReturnType<typeof makeMediaHost>
