/**
 * A `World` that lives (`SimulatorState`), with clients that connect, are asked about, and can be waited for. It is what
 * `MemoryMediaServer` looks at and what `SimulatorHttp` puts behind HTTP. Publishers are asked about one at a time, process-wide, as
 * MediaMTX does; while one is being asked about, its paths list hangs, and its RTSP lists do while that one is an RTSP session.
 */
import { familyOf } from "@greenroom/core"
import { Context, Deferred, Duration, Effect, Layer, type Scope, Semaphore } from "effect"
import { type AuthQuestion, type Client, queryOf, questionsOf } from "./AuthQuestion.ts"
import { type ClientOptions, type Connected, defaultTracks, type Publisher, type PublishOptions } from "./Publisher.ts"
import { randomUuid } from "./randomUuid.ts"
import { makeSimulatorState, type Step } from "./SimulatorState.ts"
import { defaultVersion, factsOf, type Names, type Version } from "./versions.ts"
import * as World from "./World.ts"

/** Whether the client is let in. A failure of whoever is asked has to be a `false`: MediaMTX takes it for one. */
export type Authenticate = (question: AuthQuestion) => Effect.Effect<boolean>

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
    readonly read: (options: ClientOptions) => Effect.Effect<Connected>
    /** A question of WebRTC's before there is a connection (`OPTIONS`, the publish page): its id is `null`. Ends when it was answered. */
    readonly preflight: (options: { readonly path: string; readonly token?: string }) => Effect.Effect<AuthQuestion>
    /** Waits behind the auths that are pending: so do the paths list, a path's entry, and a change of the configuration. */
    readonly pathsAnswer: Effect.Effect<void>
    /** Waits until no auth of an RTSP client is pending: so do all calls about RTSP sessions. */
    readonly rtspAnswers: Effect.Effect<void>
    /** Told of everything that happens, in order. */
    readonly observe: (observer: (happening: World.Happening) => void) => Effect.Effect<void>
    readonly stop: Effect.Effect<void>
    readonly start: Effect.Effect<void>
    /** Stop and start: a new `started`, and nobody is connected. */
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
  /** Whether calls about RTSP sessions hang while one of them is asked about. The real one does it sometimes; here always, unless told. */
  readonly rtspHangs?: boolean
}

/** Those that the present process is being asked about; a restart forgets them. */
interface Gate {
  readonly turn: Semaphore.Semaphore
  /** Which start of the server. */
  readonly of: number
  rtsp: number
}

export const make = Effect.fnUntraced(function* (
  options: SimulatorOptions = {}
): Effect.fn.Return<Simulator["Service"], never, Scope.Scope> {
  const scope = yield* Effect.scope
  const { authenticate: initial = () => Effect.succeed(true), rtspHangs = true, readyAfter, ...rest } = options
  const { version = defaultVersion, names, ...settings } = rest
  const facts = factsOf(version, names)
  let authenticate = initial
  const living = yield* makeSimulatorState({
    ...World.defaultOptions,
    ...settings,
    facts,
    readyAfter: { ...World.defaultOptions.readyAfter, rtmp: facts.rtmpReadyAfter, ...readyAfter }
  })
  const { change, until } = living
  const newGate = (): Gate => ({ turn: Semaphore.makeUnsafe(1), of: living.peek().starts, rtsp: 0 })
  let gate = newGate()

  const answerTo = (question: AuthQuestion) => {
    const asked = Effect.suspend(() => authenticate(question))
    const duration = living.peek().options.authTimeout
    const inTime = Effect.timeoutOrElse(asked, { duration, orElse: () => Effect.succeed(false) })
    return Effect.catchDefect(facts.authTimeout ? inTime : asked, () => Effect.succeed(false))
  }

  const decided = Effect.fnUntraced(function* (client: Client) {
    for (const question of questionsOf(client, facts)) {
      const allowed = yield* answerTo(question)
      if (allowed) return true
    }
    return false
  })

  const orUntilItEnds = <A>(mine: Gate, effect: Effect.Effect<A>, otherwise: A): Effect.Effect<A> =>
    Effect.raceFirst(
      effect,
      Effect.as(
        until(({ up, starts }) => (up && starts === mine.of ? undefined : true)),
        otherwise
      )
    )

  /** A client that went away while it waits for its turn is asked about all the same; a process that ended asks no more. */
  const ask = (connection: string, client: Client) =>
    Effect.suspend(() => {
      const mine = gate
      const rtsp = familyOf(client.protocol) === "rtsp" ? 1 : 0
      mine.rtsp += rtsp
      return orUntilItEnds(mine, mine.turn.withPermit(decided(client)), false).pipe(
        Effect.ensuring(
          Effect.sync(() => {
            mine.rtsp -= rtsp
          })
        ),
        Effect.tap((allowed) =>
          change((now, at) => (mine === gate ? World.answer(now, at, connection, allowed) : now))
        ),
        Effect.tap(() => Effect.sync(living.wake))
      )
    })

  const preflight = Effect.fnUntraced(function* ({
    path,
    token = ""
  }: {
    readonly path: string
    readonly token?: string
  }) {
    const mine = gate
    const [asked] = questionsOf({ id: "", action: "publish", protocol: "webrtc", path, token }, facts)
    const question: AuthQuestion = { ...asked!, id: null }
    yield* orUntilItEnds(mine, mine.turn.withPermit(Effect.asVoid(answerTo(question))), undefined)
    return question
  })

  const connect = Effect.fnUntraced(function* (
    options: PublishOptions,
    action: "publish" | "read",
    wait: boolean
  ): Effect.fn.Return<Publisher> {
    const { protocol, path, user, password, token, query } = options
    const id = options.id ?? (yield* randomUuid)
    const ownConnection = familyOf(protocol) === "rtsp" ? { connectionId: yield* randomUuid } : {}
    const admitted = yield* Deferred.make<boolean>()
    const closed = yield* Deferred.make<World.CloseReason>()
    const ready = yield* Deferred.make<boolean>()
    handles.set(id, { closed, ready })
    const readyAfter = options.stall
      ? { readyAfter: null }
      : options.readyAfter === undefined
        ? {}
        : { readyAfter: Duration.toMillis(options.readyAfter) }
    const connection: World.NewConnection = {
      id,
      protocol,
      action,
      path,
      query: queryOf(options),
      user: user ?? "",
      tracks: options.tracks ?? defaultTracks,
      ...ownConnection,
      ...readyAfter
    }
    const { connections } = yield* change((now, at) => World.connect(now, at, connection))
    const authId = connections.get(id)?.authId ?? id
    const present = { user, password, token, query }
    const given = Object.fromEntries(Object.entries(present).filter(([, value]) => value !== undefined))
    const letIn = Effect.as(
      change((now, at) => World.answer(now, at, id, true)),
      true
    )
    const asking = !connections.has(id)
      ? Effect.succeed(false)
      : options.unasked
        ? letIn
        : ask(id, { ...given, id: authId, action, protocol, path })
    const answered = Effect.flatMap(asking, (allowed) => Deferred.succeed(admitted, allowed))
    yield* wait ? answered : Effect.forkIn(answered, scope, { startImmediately: true })
    const act = (step: (world: World.World, now: number, id: string) => World.World) =>
      Effect.asVoid(change((now, at) => step(now, at, id)))
    return {
      id,
      authId,
      protocol,
      path,
      admitted: Deferred.await(admitted),
      ready: Effect.raceFirst(Deferred.await(ready), progress),
      closed: Effect.raceFirst(Deferred.await(closed), progress),
      drop: act((now, at) => World.close(now, at, id, "left")),
      kill: act(World.kill),
      freeze: act(World.freeze),
      thaw: act(World.thaw),
      pause: act(World.pause),
      record: act(World.record)
    }
  })

  /** Waits along with the world's own times, so that what is waited for happens. */
  const progress = until<never>(() => undefined)

  const handles = new Map<string, { closed: Deferred.Deferred<World.CloseReason>; ready: Deferred.Deferred<boolean> }>()
  living.observe((happening) => {
    const id = happening._tag === "Closed" ? happening.id : happening.connection.id
    const handle = handles.get(id)
    if (handle === undefined) return
    if (happening._tag === "Ready") Deferred.doneUnsafe(handle.ready, Effect.succeed(true))
    if (happening._tag !== "Closed") return
    Deferred.doneUnsafe(handle.ready, Effect.succeed(false))
    Deferred.doneUnsafe(handle.closed, Effect.succeed(happening.reason))
    handles.delete(id)
  })

  const stop = Effect.asVoid(change(World.stop))
  const start = Effect.map(change(World.start), ({ starts }) => {
    if (gate.of !== starts) gate = newGate()
  })

  return Simulator.of({
    world: living.current,
    change,
    until,
    authenticateWith: (next) =>
      Effect.sync(() => {
        authenticate = next
      }),
    publish: (publisher) => connect(publisher, "publish", false),
    publishAsked: (publisher) => connect(publisher, "publish", true),
    read: (reader) => connect(reader, "read", true),
    preflight,
    pathsAnswer: Effect.suspend(() => orUntilItEnds(gate, gate.turn.withPermit(Effect.void), undefined)),
    rtspAnswers: Effect.suspend(() => until(() => (gate.rtsp === 0 || !rtspHangs ? true : undefined))).pipe(
      Effect.asVoid
    ),
    observe: (observer) => Effect.sync(() => living.observe(observer)),
    stop,
    start,
    restart: Effect.andThen(stop, start)
  })
})

export const layer = (options?: SimulatorOptions): Layer.Layer<Simulator> => Layer.effect(Simulator, make(options))
