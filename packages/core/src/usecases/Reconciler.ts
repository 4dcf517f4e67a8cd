/**
 * The reconciler's life: a pass at least once a second, at once when somebody wakes it, for as long as its scope is open,
 * whatever failed before. Failures are said once when they begin and once when they are over; the metrics count each. It also
 * keeps the admissions whose answer was lost, and ends those sessions as soon as the store answers.
 */
import { Cause, Clock, Context, Duration, Effect, Exit, Latch, Layer, Metric, Queue } from "effect"
import type { StreamId } from "../domain/Ids.ts"
import { blank, type Memory } from "../domain/reconcile.ts"
import { withoutKeys } from "../domain/StreamPath.ts"
import { Admissions } from "../ports/Admissions.ts"
import { Leases } from "../ports/Leases.ts"
import { type MediaServer, MediaServerUnavailable } from "../ports/MediaServer.ts"
import type { Sessions } from "../ports/Sessions.ts"
import type { StoreHealth } from "../ports/StoreHealth.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import * as Telemetry from "../Telemetry.ts"
import { type PassOutcome, pass, ReconcilePolicy } from "./Reconcile.ts"
import { makeStoreWatch, type StoreWatch } from "./StoreWatch.ts"

export class Reconciler extends Context.Service<
  Reconciler,
  {
    /** Asks for a pass now. Any number of wakes before it begins are one. */
    readonly wake: Effect.Effect<void>
    /**
     * Asks for a pass within a quarter of a second. Who was just let in has nothing to show before that, and those who come one
     * upon the other are looked at together, instead of each behind a look at the one before.
     */
    readonly wakeSoon: Effect.Effect<void>
    /** Waits until the next pass, complete or not, is over. */
    readonly nextPass: Effect.Effect<void>
    /** The answer to an admission was lost: should its session have come to be, it must not stay. */
    readonly regret: (streamId: StreamId) => Effect.Effect<void>
    /** False while the store is known to be down. */
    readonly storeAnswers: Effect.Effect<boolean>
  }
>()("greenroom/Reconciler") {
  static readonly layer: Layer.Layer<
    Reconciler,
    never,
    ReconcilePolicy | Leases | Sessions | MediaServer | Admissions | StoreHealth
  > = Layer.effect(
    Reconciler,
    Effect.gen(function* () {
      const wakes = yield* Queue.sliding<void>(1)
      const passed = yield* Latch.make()
      const regrets = new Map<StreamId, Regret>()
      const wake = Effect.asVoid(Queue.offer(wakes, undefined))
      const scope = yield* Effect.scope
      let soon = false
      const wakeSoon = Effect.suspend(() => {
        if (soon) return Effect.void
        soon = true
        return Effect.sleep(PASS_EVERY_WHILE_CONNECTING_MS).pipe(
          Effect.andThen(
            Effect.suspend(() => {
              soon = false
              return wake
            })
          ),
          Effect.forkIn(scope),
          Effect.asVoid
        )
      })
      const policy = yield* ReconcilePolicy
      const leases = yield* Leases
      // Finalizers run in the reverse order: the loop has ended before the lease is given up, so it cannot take it again.
      yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeoutOption(leases.release(policy.holder), "1 second")))
      const watch = yield* makeStoreWatch
      yield* Effect.forkScoped(live(wakes, passed, regrets, watch))
      return Reconciler.of({
        wake,
        wakeSoon,
        nextPass: passed.await,
        regret: (streamId) =>
          Effect.suspend(() => {
            if (regrets.size < MAX_REGRETS) regrets.set(streamId, { until: null })
            return watch.suspect
          }),
        storeAnswers: watch.answers
      })
    })
  )
}

/** A look comes at least this often; more often only when woken. */
export const PASS_EVERY_MS = 1_000
/** While somebody is connecting; MediaMTX analyses RTMP for 2 s before it is ready. */
export const PASS_EVERY_WHILE_CONNECTING_MS = 250
/** Two passes never follow each other closer than this, however often somebody wakes. */
const PASS_APART_MS = 50
const PASS_DEADLINE = Duration.seconds(15)
const MAX_REGRETS = 10_000
/** A lost admission may still be on its way to the store after the first end was written: it is ended again for this long. */
const REGRET_FOR_MS = 5_000

interface Regret {
  until: number | null
}

interface Said {
  trouble: string | null
  strangers: string
}

const live = Effect.fnUntraced(function* (
  wakes: Queue.Queue<void>,
  passed: Latch.Latch,
  regrets: Map<StreamId, Regret>,
  watch: StoreWatch
) {
  let memory: Memory = blank
  let pause = PASS_EVERY_MS
  const said: Said = { trouble: null, strangers: "" }
  while (true) {
    const started = yield* Clock.currentTimeMillis
    const exit = yield* Effect.andThen(Effect.ignoreCause(endRegretted(regrets), { log: "Debug" }), pass(memory)).pipe(
      Effect.timeoutOrElse({ duration: PASS_DEADLINE, orElse: () => Effect.fail(new Error("the pass took too long")) }),
      Effect.exit
    )
    yield* tell(exit, said)
    if (outcomeOf(exit) === "store_unavailable") yield* watch.suspect
    pause = PASS_EVERY_MS
    if (Exit.isSuccess(exit) && exit.value._tag === "Complete") {
      memory = exit.value.memory
      if (exit.value.expecting) pause = PASS_EVERY_WHILE_CONNECTING_MS
      yield* Metric.update(Telemetry.passSeconds, ((yield* Clock.currentTimeMillis) - started) / 1000)
      if (exit.value.unsettled) yield* Queue.offer(wakes, undefined)
    }
    if (regrets.size > REGRETS_AT_ONCE) yield* Queue.offer(wakes, undefined)
    yield* passed.release
    yield* Effect.sleep(PASS_APART_MS)
    yield* Effect.timeoutOption(Queue.take(wakes), pause - PASS_APART_MS)
  }
})

/** Longer than a look may wait for them: those that are left come with the next pass. */
const REGRETS_AT_ONCE = 100

/** One that cannot be ended now is tried again by the next pass; when that is because the store is down, the pass says so. */
const endRegretted = Effect.fnUntraced(function* (regrets: Map<StreamId, Regret>) {
  if (regrets.size === 0) return
  const admissions = yield* Admissions
  const now = yield* Clock.currentTimeMillis
  for (const [streamId, regret] of [...regrets].slice(0, REGRETS_AT_ONCE)) {
    yield* admissions.endGone(streamId)
    regret.until ??= now + REGRET_FOR_MS
    regrets.delete(streamId)
    if (regret.until > now) regrets.set(streamId, regret)
  }
})

const outcomeOf = (exit: Exit.Exit<PassOutcome, unknown>): string => {
  if (Exit.isSuccess(exit)) return exit.value._tag === "Complete" ? "complete" : "not_leading"
  const error = Cause.squash(exit.cause)
  if (error instanceof StoreUnavailable) return "store_unavailable"
  if (error instanceof MediaServerUnavailable) {
    return error.reason === "absent" ? "media_server_absent" : "media_server_unavailable"
  }
  return "failed"
}

const tell = Effect.fnUntraced(function* (exit: Exit.Exit<PassOutcome, unknown>, said: Said) {
  const outcome = outcomeOf(exit)
  yield* Metric.update(Metric.withAttributes(Telemetry.passes, { outcome }), 1)
  const trouble = Exit.isSuccess(exit) ? null : outcome
  if (trouble !== said.trouble) {
    if (Exit.isFailure(exit)) {
      const error = Cause.squash(exit.cause)
      const absent = outcome === "media_server_absent"
      yield* (
        absent
          ? Effect.logInfo("there is no media server to look at yet")
          : Effect.logWarning("the reconciler cannot see; the stored state stands until it can")
      ).pipe(Effect.annotateLogs({ outcome, error: error instanceof Error ? error.message : String(error) }))
      if (outcome === "failed") yield* Effect.logError("a defect in a pass of the reconciler", exit.cause)
    } else yield* Effect.logInfo("the reconciler sees again")
    said.trouble = trouble
  }
  if (Exit.isFailure(exit) || exit.value._tag !== "Complete") return

  const { reported, heldBack } = exit.value
  yield* Metric.update(Telemetry.unauthorizedPublishers, reported.length + heldBack)
  const strangers = heldBack > 0 ? "too many" : reported.map((listed) => listed.id).join()
  if (strangers === said.strangers) return
  said.strangers = strangers
  if (heldBack > 0) {
    yield* Effect.logError(
      `${heldBack} publishers have no session here, more than the mass-kick limit: none of them is kicked until an operator decides`
    )
  }
  for (const listed of reported) {
    yield* Effect.logWarning("a publisher has no session here; it is only reported, as configured").pipe(
      Effect.annotateLogs({
        path: listed.path === null ? null : withoutKeys(listed.path),
        protocol: listed.protocol,
        source_id: listed.id
      })
    )
  }
})
