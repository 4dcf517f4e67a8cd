/**
 * The ports of one instance, as plain values: what the use cases run on, and what a deliberate bug may replace. `remote` puts every
 * operation of a repository on the line to the store.
 */
import type {
  Admissions,
  Broadcasters,
  Events,
  Leases,
  MediaServer,
  PlaybackTokens,
  ReconcilePolicy,
  Sessions,
  SigningKeys,
  StoreHealth,
  StoreUnavailable,
  StreamKeys,
  Streams,
  Viewers
} from "@greenroom/core"
import { makeWrittenSignal } from "@greenroom/core/internal"
import { type Clock, Effect, Queue, Stream } from "effect"
import type { Caller } from "./Caller.ts"
import { type Line, type SimulatedStore, writesEvents } from "./SimulatedStore.ts"

export interface Ports {
  readonly admissions: Admissions["Service"]
  readonly events: Events["Service"]
  readonly sessions: Sessions["Service"]
  readonly leases: Leases["Service"]
  readonly keys: StreamKeys["Service"]
  readonly streams: Streams["Service"]
  readonly broadcasters: Broadcasters["Service"]
  readonly playbackTokens: PlaybackTokens["Service"]
  readonly signingKeys: SigningKeys["Service"]
  readonly viewers: Viewers["Service"]
  readonly storeHealth: StoreHealth["Service"]
  readonly mediaServer: MediaServer["Service"]
}

/** What a deliberate bug may use to do wrong what the ports do right. */
export interface Bench {
  readonly store: SimulatedStore
  /** One operation of this instance on the store. */
  readonly call: <A, E>(
    operation: string,
    effect: Effect.Effect<A, E>,
    clock?: Clock.Clock
  ) => Effect.Effect<A, E | StoreUnavailable>
  readonly policy: ReconcilePolicy["Service"]
  readonly clock: Clock.Clock
}

type Operation =
  | Effect.Effect<unknown, StoreUnavailable>
  | ((...args: ReadonlyArray<unknown>) => Effect.Effect<unknown, StoreUnavailable>)

/** What moves sessions in a reconciler's name, and otherwise by a hook that was believed or an operator's word alone. */
const movesByLease = new Set(["Sessions.markReady", "Sessions.end"])
export const BELIEVED = " (unseen)"

const remote = <S extends object>(
  port: string,
  service: S,
  line: Line,
  caller: Caller,
  answered: (operation: string) => void = () => {}
): S =>
  Object.fromEntries(
    (Object.entries(service) as ReadonlyArray<readonly [string, Operation]>).map(([name, operation]) => {
      const called = `${port}.${name}`
      const believed = (args: ReadonlyArray<unknown>) =>
        movesByLease.has(called) && args.at(-1) === null ? BELIEVED : ""
      const answers = Effect.tap(Effect.sync(() => answered(called)))
      return [
        name,
        typeof operation === "function"
          ? (...args: ReadonlyArray<unknown>) => answers(line(caller, called + believed(args), operation(...args)))
          : answers(line(caller, called, operation))
      ]
    })
  ) as S

/** `written` is of this instance alone. Announcements reach it late, or not at all. */
const remoteEvents = (store: SimulatedStore, caller: Caller, written: Effect.Effect<void>): Events["Service"] => ({
  ...remote("Events", store.services.events, store.line, caller),
  written,
  newest: Stream.callback<number>(
    (queue) =>
      Effect.acquireRelease(
        Effect.sync(() => store.announces((newest) => caller.deliver(() => void Queue.offerUnsafe(queue, newest)))),
        (unsubscribe) => Effect.sync(unsubscribe)
      ),
    { bufferSize: 1, strategy: "sliding" }
  )
})

export const remotePorts = (store: SimulatedStore, caller: Caller, mediaServer: MediaServer["Service"]): Ports => {
  const { services, line } = store
  const written = makeWrittenSignal()
  const answered = (operation: string) => {
    if (writesEvents.test(operation)) written.set()
  }
  return {
    events: remoteEvents(store, caller, written.await),
    admissions: remote("Admissions", services.admissions, line, caller, answered),
    sessions: remote("Sessions", services.sessions, line, caller, answered),
    leases: remote("Leases", services.leases, line, caller, answered),
    keys: remote("StreamKeys", services.streamKeys, line, caller, answered),
    streams: remote("Streams", services.streams, line, caller),
    broadcasters: remote("Broadcasters", services.broadcasters, line, caller, answered),
    playbackTokens: remote("PlaybackTokens", services.playbackTokens, line, caller, answered),
    signingKeys: remote("SigningKeys", services.signingKeys, line, caller, answered),
    viewers: remote("Viewers", services.viewers, line, caller, answered),
    storeHealth: remote("StoreHealth", services.storeHealth, line, caller),
    mediaServer
  }
}
