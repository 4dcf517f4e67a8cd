/**
 * One store for all instances: the memory repositories behind a line that takes time and fails. An operation is executed at one moment,
 * by the store's own clock, some milliseconds after it was called, and its answer comes some milliseconds later, if at all: the line
 * can be down, slow or frozen, a commit can fail before it happened or lose its answer, and an operation whose caller has given up can
 * still be executed. Every executed operation is shown to `executed`.
 */
import { layerRepositories, MemoryStore } from "@greenroom/adapters/memory"
import { Database } from "@greenroom/adapters/postgres"
import { Repositories, type StorePorts, StoreUnavailable, type StreamId } from "@greenroom/core"
import { Clock, Context, Effect, Exit, Layer, Scheduler } from "effect"
import type { Rng } from "../worlds/Rng.ts"
import type { Caller } from "./Caller.ts"
import type { Counts } from "./Counts.ts"
import type { Kernel } from "./Kernel.ts"

export interface SimulatedStoreOptions {
  readonly kernel: Kernel
  readonly rng: Rng
  readonly counts: Counts
  readonly executed: (operation: string, caller: Caller | null) => void
}

/** Remembers which rows were written, so that they can be checked without looking at all of them. */
class WatchedStreams extends Map<StreamId, MemoryStore.StoredStream> {
  readonly written = new Set<StreamId>()
  override set(id: StreamId, stream: MemoryStore.StoredStream) {
    this.written?.add(id)
    return super.set(id, stream)
  }
}

export type Line = <A, E>(
  caller: Caller,
  operation: string,
  effect: Effect.Effect<A, E>,
  clock?: Clock.Clock
) => Effect.Effect<A, E | StoreUnavailable>

/** As the PostgreSQL adapters have them. */
const { admission, reconciler, general } = Database.limits
const deadlineOf = (operation: string): number => {
  if (/^(Admissions|StoreHealth)\.|^Viewers\.pathFacts/.test(operation)) return admission.answerMillis
  return /^(Sessions|Leases)\.|^Viewers\.(paths|open|record)$/.test(operation)
    ? reconciler.answerMillis
    : general.answerMillis
}

/** What may write events: a reason to place them. */
export const writesEvents =
  /^(Admissions\.(admit|takeOver|endGone)|Sessions\.(request|mark|end)|StreamKeys\.(issue|change|revoke|rotate|block)|Broadcasters\.(create|upsert|change|remove)|PlaybackTokens\.revoke|SigningKeys\.(ensure|rotate|add|remove)|Viewers\.record)/

/** A commit of these may fail, or its answer be lost. */
const writes =
  /^(Events\.place|Admissions\.(admit|takeOver|endGone)|Sessions\.(request|mark|end|observe)|Leases\.|StreamKeys\.(issue|change|revoke|rotate|block)|Broadcasters\.(create|change|remove)|PlaybackTokens\.(create|recordSeen|revoke)|SigningKeys\.(ensure|rotate|add|remove)|Viewers\.record)/

export const makeSimulatedStore = ({ kernel, rng, counts, executed }: SimulatedStoreOptions) => {
  const streams = new WatchedStreams()
  const state: MemoryStore.MemoryState = { ...MemoryStore.emptyStore(), streams }
  const clock = kernel.clock(
    () => 0,
    (run) => run()
  )
  const context = Context.empty().pipe(
    Context.add(Scheduler.Scheduler, kernel.scheduler),
    Context.add(Clock.Clock, clock)
  )
  const run = Effect.runForkWith(context)

  const services: StorePorts = (() => {
    const built = run(
      Effect.scoped(Layer.build(layerRepositories.pipe(Layer.provide(Layer.succeed(MemoryStore.MemoryStore, state)))))
    )
    kernel.settle()
    const exit = built.pollUnsafe()
    if (exit === undefined || Exit.isFailure(exit)) throw new Error("the memory repositories did not start at once")
    return Context.get(exit.value, Repositories)
  })()

  let stoppedUntil = 0
  let frozenAt: number | null = null
  let waking: Array<() => void> = []
  let slowBy = 0
  let failing = 0
  let losing = { count: 0, silent: false }
  let slowUntil = 0
  /** When it was last in a trouble that does not say itself how long it lasts. */
  let troubledAt = Number.NEGATIVE_INFINITY
  const silenced = new Set<() => void>()
  /** What breaks with the connections: each operation that is on its way, or whose answer is. */
  const underway = new Set<() => void>()

  /** Executes at this moment. Memory operations do not wait for anything. */
  const execute = <A, E>(
    operation: string,
    effect: Effect.Effect<A, E>,
    caller: Caller | null,
    by: Clock.Clock = clock
  ) => {
    const fiber = run(by === clock ? effect : Effect.provideService(effect, Clock.Clock, by))
    const exit = fiber.pollUnsafe()
    if (exit === undefined) throw new Error(`${operation} is not one step`)
    executed(operation, caller)
    return exit
  }

  const line: Line = <A, E>(caller: Caller, operation: string, effect: Effect.Effect<A, E>, by?: Clock.Clock) =>
    Effect.callback<A, E | StoreUnavailable>((resume) => {
      if (!caller.mayCall(operation)) return
      let over = false
      const tell = (exit: Exit.Exit<A, E | StoreUnavailable>) =>
        caller.deliver(() => {
          if (over) return
          over = true
          deadline.cancel()
          forget()
          resume(exit)
        })
      const fails = (cause: string) => Exit.fail(new StoreUnavailable({ operation, cause: new Error(cause) }))
      const refuses = () =>
        tell(Exit.fail(new StoreUnavailable({ operation, cause: new Error("rolled back"), rolledBack: true })))
      const breaks = () => tell(fails("the connection broke"))
      let lost = false
      const severed = () => {
        if (rng.chance(0.5)) lost = true
        breaks()
      }
      const forget = () => {
        silenced.delete(breaks)
        underway.delete(severed)
      }
      const deadline = kernel.after(deadlineOf(operation), () => tell(fails("deadline")))
      underway.add(severed)
      const answer = (exit: Exit.Exit<A, E>) => {
        kernel.after(rng.below(3) + rng.next() * slowBy, () => tell(exit))
      }
      const arrive = () => {
        if (lost) return
        if (kernel.now() < stoppedUntil) {
          counts.fault("store stopped")
          return breaks()
        }
        if (frozenAt !== null) {
          waking.push(() => (rng.chance(0.5) ? kernel.after(rng.below(400), arrive) : breaks()))
          return
        }
        if (failing > 0 && writes.test(operation)) {
          failing -= 1
          troubledAt = kernel.now()
          counts.fault("commit failed")
          return rng.chance(0.5) ? refuses() : breaks()
        }
        if (over) counts.fault("executed after its caller had given up")
        const exit = execute(operation, effect, caller, by)
        if (losing.count === 0 || !writes.test(operation)) return answer(exit)
        losing.count -= 1
        troubledAt = kernel.now()
        counts.fault(losing.silent ? "answer of a commit lost in silence" : "answer of a commit lost")
        if (losing.silent) silenced.add(breaks)
        else breaks()
      }
      kernel.after(rng.below(3) + rng.next() * slowBy, arrive)
      return Effect.sync(() => {
        over = true
        deadline.cancel()
        forget()
      })
    })

  const thaw = () => {
    if (frozenAt === null) return
    frozenAt = null
    troubledAt = kernel.now()
    const those = waking
    waking = []
    for (const wake of those) wake()
  }

  return {
    state,
    services,
    line,
    /** As a database announces: some milliseconds later, and not while the connection is lost. What it returns ends it. */
    announces: (announce: (newest: number) => void): (() => void) => {
      const { onPlaced } = state.eventLog
      const placed = ({ newest }: { readonly newest: number }) => {
        if (!rng.chance(0.1)) kernel.after(1 + rng.below(5), () => announce(newest))
      }
      onPlaced.add(placed)
      return () => void onPlaced.delete(placed)
    },
    /** For the beginning of a simulation, and for hands that are in the database without Greenroom. */
    now: <A, E>(operation: string, effect: Effect.Effect<A, E>): A => {
      const exit = execute(operation, effect, null)
      if (Exit.isFailure(exit)) throw new Error(`${operation} failed`)
      return exit.value
    },
    /** The rows that were written since the last time. */
    takeWritten: (): ReadonlyArray<StreamId> => {
      if (streams.written.size === 0) return []
      const ids = [...streams.written]
      streams.written.clear()
      return ids
    },
    stop: (millis: number) => {
      stoppedUntil = kernel.now() + millis
    },
    freeze: (millis: number) => {
      if (frozenAt !== null) return
      counts.fault("store frozen")
      frozenAt = kernel.now()
      kernel.after(millis, thaw)
    },
    slow: (by: number, millis: number) => {
      counts.fault("store slow")
      slowBy = by
      slowUntil = Math.max(slowUntil, kernel.now() + millis)
      kernel.after(millis, () => {
        slowBy = 0
      })
    },
    failCommits: (count: number) => {
      failing = count
    },
    loseAnswers: (count: number, silent: boolean) => {
      losing = { count, silent }
    },
    killConnections: () => {
      counts.fault("store's connections killed")
      troubledAt = kernel.now()
      for (const severed of [...underway]) severed()
      underway.clear()
    },
    /** Whether it has answered everything, and without delay, since then. */
    wasWellSince: (time: number) => frozenAt === null && Math.max(stoppedUntil, slowUntil, troubledAt) < time,
    /** Whether it answers nothing now. */
    isDown: () => frozenAt !== null || kernel.now() < stoppedUntil,
    /** Since when it has said nothing at all; `null` when it does. */
    frozenSince: () => frozenAt,
    repair: () => {
      stoppedUntil = Math.min(stoppedUntil, kernel.now())
      slowUntil = Math.min(slowUntil, kernel.now())
      slowBy = 0
      failing = 0
      losing = { count: 0, silent: false }
      thaw()
      for (const breaks of [...silenced]) breaks()
    }
  }
}

export type SimulatedStore = ReturnType<typeof makeSimulatedStore>
