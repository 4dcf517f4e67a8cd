/**
 * One Greenroom process: the real use cases and the real reconciler over the ports of the simulation, with a clock of its own, a deliberate
 * bug in one of its ports perhaps, and a `Process` that can end at any of its port calls.
 */
import { Database } from "@greenroom/adapters/postgres"
import {
  type AuthCall,
  type AuthDecision,
  allEnabled,
  authenticate,
  type DecisionLog,
  DuplicatePolicy,
  Endpoints,
  type EventFeed,
  type Hook,
  KeyGenerator,
  type LostAdmissions,
  layerBackground,
  MediaServer,
  type MediaServerSnapshot,
  MediaServerUnavailable,
  OperatorSecret,
  PlaybackDefaults,
  type PlaybackPolicies,
  ReconcilePolicy,
  type Reconciler,
  Repositories,
  readAuthCall,
  receiveHook,
  SecretCipher,
  type StoreMonitor,
  TokenSigner
} from "@greenroom/core"
import type { CurrentViewers, PlaybackAccess, ViewerNotes } from "@greenroom/core/internal"
import { Cause, Clock, Context, Effect, Exit, Layer, Logger, Redacted, References, Scheduler, Scope } from "effect"
import { isView, type PublishQuestion, type Question, type ViewQuestion } from "./AuthEndpoint.ts"
import type { Bug } from "./bugs/Bug.ts"
import type { Counts } from "./Counts.ts"
import type { HookCall } from "./Hooks.ts"
import { makeInstanceMediaServer, type Strikes } from "./InstanceMediaServer.ts"
import type { Kernel } from "./Kernel.ts"
import type { MediaHost } from "./MediaHost.ts"
import { type Bench, type Ports, remotePorts } from "./Ports.ts"
import { startProcess } from "./Process.ts"
import type { SimulatedStore } from "./SimulatedStore.ts"
import { simulatedCipher } from "./SimulatedTokenSigner.ts"

type Services =
  | CurrentViewers
  | DecisionLog
  | Endpoints
  | EventFeed
  | KeyGenerator
  | LostAdmissions
  | MediaServer
  | OperatorSecret
  | PlaybackAccess
  | ReconcilePolicy
  | Reconciler
  | Repositories
  | SecretCipher
  | StoreMonitor
  | TokenSigner
  | ViewerNotes

export interface InstanceOptions {
  readonly kernel: Kernel
  readonly counts: Counts
  readonly store: SimulatedStore
  readonly host: MediaHost
  readonly mint: KeyGenerator["Service"]
  readonly signer: TokenSigner["Service"]
  readonly logger: Logger.Logger<unknown, void>
  readonly policy: ReconcilePolicy["Service"]
  readonly onDuplicate: "refuse" | "takeover"
  readonly playback: PlaybackPolicies
  readonly controlApi: "there" | "absent"
  /** How far its wall clock is off at this moment. */
  readonly clockAhead: () => number
  readonly bug: Bug | null
  /** Told before each of its port calls. */
  readonly called: () => void
  readonly strikes: Strikes
  readonly viewerKicked: (id: string, orderedAt: number) => void
  readonly looked: (look: MediaServerSnapshot, pathsReadAt: number) => void
  /** Whether those whom nobody admitted may be kicked now. */
  readonly mayKickStrangers: () => boolean
  /** Told when it orders somebody off the air without holding the lease. */
  readonly usurped: (what: string) => void
  /** Told when a caller had to wait for longer than it may. */
  readonly overdue: (what: string, millis: number) => void
  /** An auth for this source came to no decision: its client will be told no. */
  readonly undecided: (source: string) => void
  readonly decided: (question: Question, decision: AuthDecision | "unavailable") => void
  readonly died: () => void
  readonly froze: (millis: number) => void
}

const hookOf = ({ event, path, source, sourceType, protected: isProtected }: HookCall): Hook => ({
  kind: event === "ready" ? "ready" : "not_ready",
  path,
  sourceId: source,
  sourceType,
  protected: isProtected
})

const nobody = (operation: string) =>
  Effect.fail(new MediaServerUnavailable({ reason: "absent", operation, detail: "no media server is configured" }))

/** As the real adapter has it where no control API is configured. */
const absentMediaServer: MediaServer["Service"] = {
  snapshot: nobody("look"),
  recheck: () => nobody("look"),
  find: () => nobody("find"),
  kick: () => nobody("kick"),
  findViewer: () => nobody("findViewer"),
  viewersOf: () => nobody("viewersOf"),
  kickViewer: () => nobody("kickViewer"),
  resetPath: () => nobody("resetPath"),
  enabled: Effect.succeed(allEnabled),
  facts: Effect.succeed(null),
  factsNow: Effect.succeed(null),
  health: Effect.succeed("absent" as const)
}

/** Whatever the store does: while an auth is open, MediaMTX lets nobody else in. */
const AUTH_WITHIN_MS = 1_000
/** While the store is known to say nothing. */
const REFUSED_WITHIN_MS = 100
/** While the store is well. */
const CONFIRMED_WITHIN_MS = 2_500

export const startInstance = (options: InstanceOptions) => {
  const { kernel, counts, store, host, policy, bug } = options
  const startedAt = kernel.now()
  const connections = new Set<() => void>()
  /** What is left to do once nobody waits for an answer any more; `null` while it has not been told to end. */
  let close: (() => void) | null = null
  const hangUp = (connection: () => void): boolean => {
    const wasOpen = connections.delete(connection)
    if (wasOpen && connections.size === 0) close?.()
    return wasOpen
  }
  const own = startProcess({
    kernel,
    counts,
    name: policy.holder,
    called: options.called,
    died: () => {
      // The kernel closes the sockets of a process that is gone: whoever waits for its answer hears that.
      for (const reset of [...connections]) kernel.after(1, reset)
      options.died()
    },
    froze: options.froze
  })
  const { caller } = own

  const rightClock = kernel.clock(options.clockAhead, caller.deliver)
  const clock = bug?.clock?.(rightClock) ?? rightClock
  const machine = Context.empty().pipe(
    Context.add(Scheduler.Scheduler, kernel.scheduler),
    Context.add(Clock.Clock, clock),
    Context.add(Logger.CurrentLoggers, new Set([options.logger])),
    Context.add(References.MinimumLogLevel, "Info" as const)
  )
  /** What is built at once, or not at all. */
  const built = <A>(name: string, effect: Effect.Effect<A>): A => {
    const fiber = Effect.runForkWith(machine)(effect)
    kernel.settle()
    const exit = fiber.pollUnsafe()
    if (exit === undefined) throw new Error(`${name} did not start at once`)
    if (Exit.isFailure(exit)) throw Cause.squash(exit.cause)
    return exit.value
  }
  const simulated = makeInstanceMediaServer({
    kernel,
    host,
    caller,
    counts,
    bug,
    strikes: options.strikes,
    leads: () => {
      const lease = store.state.leases.get("main")
      return lease?.holder === policy.holder && lease.until > kernel.now()
    },
    usurped: options.usurped,
    viewerKicked: options.viewerKicked,
    looked: options.looked,
    mayKickStrangers: options.mayKickStrangers
  })
  // The connections to the media server outlast the reconciler: they end with the process.
  const mediaServer = built("the media server", Effect.provideService(simulated, Scope.Scope, Scope.makeUnsafe()))
  const bench: Bench = {
    store,
    policy,
    clock,
    call: (operation, effect, by) => store.line(caller, operation, effect, by)
  }
  const right = remotePorts(store, caller, options.controlApi === "absent" ? absentMediaServer : mediaServer)
  const ports: Ports = bug?.change?.(right, bench) ?? right

  const base = machine.pipe(
    Context.add(Repositories, {
      ...store.services,
      admissions: ports.admissions,
      events: ports.events,
      sessions: ports.sessions,
      leases: ports.leases,
      storeHealth: ports.storeHealth,
      streamKeys: ports.keys,
      streams: ports.streams,
      broadcasters: ports.broadcasters,
      playbackTokens: ports.playbackTokens,
      signingKeys: ports.signingKeys,
      viewers: ports.viewers
    }),
    Context.add(MediaServer, ports.mediaServer),
    Context.add(KeyGenerator, options.mint),
    Context.add(TokenSigner, options.signer),
    Context.add(SecretCipher, simulatedCipher),
    Context.add(OperatorSecret, { hash: new Uint8Array(32) }),
    Context.add(ReconcilePolicy, policy),
    Context.add(DuplicatePolicy, options.onDuplicate),
    Context.add(PlaybackDefaults, options.playback),
    Context.add(Endpoints, { hls: null, webrtc: null, rtmp: null, rtsp: null, srt: null })
  )
  const scope = Scope.makeUnsafe()
  const reconciler = Effect.provideContext(Layer.buildWithScope(layerBackground, scope), base)
  const context: Context.Context<Services> = Context.merge(base, built("the reconciler", reconciler))

  /** Runs in this process. `done` hears of the end, unless the process dies before. What it returns interrupts. */
  const run = <A, E>(effect: Effect.Effect<A, E, Services>, done: (exit: Exit.Exit<A, E>) => void): (() => void) => {
    let interrupt = () => {}
    caller.deliver(() => {
      const fiber = Effect.runForkWith(context)(effect)
      fiber.addObserver(done)
      interrupt = () => caller.deliver(() => fiber.interruptUnsafe())
    })
    return () => interrupt()
  }

  /** Holds this process to its time: it may not be frozen meanwhile, and for some answers the store must be well, too. */
  const timed = (what: string, began: number, allowed: number, storeMustBeWell: boolean) => {
    const took = kernel.now() - began
    if (took <= allowed || !own.wasAwakeSince(began) || (storeMustBeWell && !store.wasWellSince(began))) return
    options.overdue(what, took)
  }

  let firstUnanswered: number | null = null
  /** A store that says nothing is known by then: the first auth that waited for it in vain makes it be asked. */
  const timedByTheBreaker = (began: number, failed: boolean) => {
    const silentSince = store.frozenSince()
    if (silentSince === null || (firstUnanswered ?? 0) < silentSince) firstUnanswered = null
    if (silentSince === null) return
    const known = firstUnanswered === null ? null : firstUnanswered + Database.limits.admission.answerMillis
    if (known !== null && began > known && own.wasAwakeSince(silentSince))
      timed("/auth, while the store was known to be silent,", began, REFUSED_WITHIN_MS, false)
    if (failed && kernel.now() - began >= Database.limits.admission.answerMillis) firstUnanswered ??= kernel.now()
  }

  const publishes = ({ id, path, protocol, key }: PublishQuestion) =>
    authenticate({
      _tag: "Publish",
      path,
      // MediaMTX asks about RTMPS and RTSPS as their plain forms.
      protocol: protocol === "rtmps" ? "rtmp" : protocol === "rtsps" ? "rtsp" : protocol,
      sourceId: id,
      key: key === null ? null : Redacted.make(key)
    })

  const views = ({ view }: ViewQuestion) => {
    const { user, password, token, query } = view
    const call: AuthCall = {
      ...view,
      user: Redacted.make(user),
      password: Redacted.make(password),
      token: Redacted.make(token),
      query: Redacted.make(query)
    }
    const ask = readAuthCall(call)
    if (ask._tag === "Incomplete") throw new Error("a viewer's question is incomplete")
    return authenticate(ask, call)
  }

  return {
    name: policy.holder,
    wasAwakeSince: (time: number) => startedAt < time && own.wasAwakeSince(time),
    isAlive: own.isAlive,
    isFrozen: own.isFrozen,
    isWell: () => close === null && own.isWell(),
    freeze: own.freeze,
    thaw: own.thaw,
    plannedCrash: own.plannedCrash,
    cancelCrash: own.cancelCrash,
    run,
    /** An operator's call, which is confirmed or not within its time, whatever the media server does. */
    operate: <A, E>(what: string, effect: Effect.Effect<A, E, Services>, done: (exit: Exit.Exit<A, E>) => void) => {
      const began = kernel.now()
      run(effect, (exit) => {
        timed(what, began, CONFIRMED_WITHIN_MS, true)
        done(exit)
      })
    },
    /** One call of `/auth`. An answer that is no decision is a 503; a process that dies breaks the connection. */
    authenticate: (
      question: Question,
      answer: (decision: AuthDecision | "unavailable" | "broken") => void
    ): (() => void) => {
      const broken = () => answer("broken")
      // It may have ended while the call was on its way: nothing listens any more.
      if (close !== null || !own.isAlive()) {
        kernel.after(1, broken)
        return () => {}
      }
      connections.add(broken)
      const began = kernel.now()
      const interrupt = run(isView(question) ? views(question) : publishes(question), (exit) => {
        timed("/auth", began, AUTH_WITHIN_MS, false)
        if (!isView(question)) timedByTheBreaker(began, Exit.isFailure(exit))
        if (Exit.isFailure(exit)) options.undecided(question.id)
        options.decided(question, Exit.isSuccess(exit) ? exit.value : "unavailable")
        kernel.after(1, () => {
          if (!hangUp(broken)) return
          answer(Exit.isSuccess(exit) ? exit.value : "unavailable")
        })
      })
      return () => {
        hangUp(broken)
        interrupt()
      }
    },
    /** One call of a webhook. */
    hook: (call: HookCall) => {
      if (close === null) run(bug?.hook?.(call) ?? receiveHook(hookOf(call)), () => {})
    },
    die: () => {
      if (own.isAlive()) counts.fault("instance killed")
      own.die()
    },
    /** SIGTERM: nobody is let in any more, who asks already is answered, then the scope is closed, and the process ends. */
    terminate: () => {
      if (close !== null || !own.isWell()) return
      counts.fault("instance ended gracefully")
      close = () => caller.deliver(() => Effect.runForkWith(base)(Scope.close(scope, Exit.void)).addObserver(own.die))
      if (connections.size === 0) close()
    }
  }
}

export type Instance = ReturnType<typeof startInstance>
