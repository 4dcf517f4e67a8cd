/**
 * A simulated MediaMTX in this process: a `World` held by `SimulatorState`, the queue in which clients are asked about (`authQueue.ts`), and
 * clients that connect (`connectClients.ts`). `answerRequests` is its control API; `SimulatorHttp` puts it behind HTTP.
 */
import { Context, Effect, Layer, type Scope } from "effect"
import type { AuthQuestion } from "./AuthQuestion.ts"
import { type Authenticate, makeAuthQueue } from "./authQueue.ts"
import { makeConnect } from "./connectClients.ts"
import type { Publisher, PublishOptions, Reader, ReadOptions } from "./Publisher.ts"
import { makeSimulatorState, type Step } from "./SimulatorState.ts"
import { defaultVersion, factsOf, type Names, type Version } from "./versions.ts"
import * as World from "./World.ts"

export class Simulator extends Context.Service<
  Simulator,
  {
    /** The world as it is now. */
    readonly world: Effect.Effect<World.World>
    readonly change: (step: Step) => Effect.Effect<World.World>
    /** Waits until the check gives something. */
    readonly until: <A>(check: (world: World.World) => A | undefined) => Effect.Effect<A>
    /** From now on this decides who is let in. Until then everybody is. */
    readonly authenticateWith: (authenticate: Authenticate) => Effect.Effect<void>
    /** Connects, and is asked about while the caller goes on. */
    readonly publish: (options: PublishOptions) => Effect.Effect<Publisher>
    /** Connects, and returns when its auth was answered. */
    readonly publishAsked: (options: PublishOptions) => Effect.Effect<Publisher>
    /** A viewer, which returns when its auth was answered: asked about as its protocol is, refused like a publisher. */
    readonly read: (options: ReadOptions) => Effect.Effect<Reader>
    /** A question of WebRTC's before there is a connection (`OPTIONS`, the publish page): its id is `null`. Ends when it was answered. */
    readonly preflight: (options: { readonly path: string; readonly token?: string }) => Effect.Effect<AuthQuestion>
    /** Waits behind the auths that are pending: so do the paths list, a path's entry, and a change of the configuration. */
    readonly pathsAnswer: Effect.Effect<void>
    /** Waits until no auth of an RTSP client is pending: so do all calls about RTSP sessions. */
    readonly rtspAnswers: Effect.Effect<void>
    /** Waits until no auth of an HLS player is pending: so do all calls about HLS sessions. */
    readonly hlsAnswers: Effect.Effect<void>
    /** Called with every event, in order. */
    readonly observe: (observer: (happening: World.Happening) => void) => Effect.Effect<void>
    readonly stop: Effect.Effect<void>
    readonly start: Effect.Effect<void>
    /** Stop and start: a new `started`, and no client is connected. */
    readonly restart: Effect.Effect<void>
  }
>()("greenroom/Simulator") {}

export interface SimulatorOptions extends Partial<Omit<World.WorldOptions, "readyAfter" | "facts">> {
  /** The release whose behaviour it has, such as `1.12.3`; 1.20.1 by default. */
  readonly version?: Version
  /** Another set of names of the control API's routes than the version's. */
  readonly names?: Names
  readonly readyAfter?: Partial<World.WorldOptions["readyAfter"]>
  readonly authenticate?: Authenticate
  /** Whether calls about RTSP sessions hang while one of them is asked about. The real one does it sometimes; here always, unless a test sets it. */
  readonly rtspHangs?: boolean
  /** The same of calls about HLS sessions. */
  readonly hlsHangs?: boolean
}

export const make = Effect.fnUntraced(function* (
  options: SimulatorOptions = {}
): Effect.fn.Return<Simulator["Service"], never, Scope.Scope> {
  const { authenticate = () => Effect.succeed(true), rtspHangs = true, hlsHangs = true, readyAfter, ...rest } = options
  const { version = defaultVersion, names, ...settings } = rest
  const facts = factsOf(version, names)
  const state = yield* makeSimulatorState({
    ...World.defaultOptions,
    ...settings,
    facts,
    readyAfter: { ...World.defaultOptions.readyAfter, rtmp: facts.rtmpReadyAfter, ...readyAfter }
  })
  const queue = makeAuthQueue(state, authenticate, { rtsp: rtspHangs, hls: hlsHangs })
  const connect = makeConnect(state, queue, yield* Effect.scope)
  const stop = Effect.asVoid(state.change(World.stop))
  const start = Effect.map(state.change(World.start), queue.started)

  return Simulator.of({
    world: state.current,
    change: state.change,
    until: state.until,
    authenticateWith: queue.authenticateWith,
    publish: (publisher) => connect(publisher, "publish", false),
    publishAsked: (publisher) => connect(publisher, "publish", true),
    read: (reader) => connect(reader, "read", true),
    preflight: queue.preflight,
    pathsAnswer: queue.pathsAnswer,
    rtspAnswers: queue.rtspAnswers,
    hlsAnswers: queue.hlsAnswers,
    observe: (observer) => Effect.sync(() => state.observe(observer)),
    stop,
    start,
    restart: Effect.andThen(stop, start)
  })
})

export const layer = (options?: SimulatorOptions): Layer.Layer<Simulator> => Layer.effect(Simulator, make(options))
