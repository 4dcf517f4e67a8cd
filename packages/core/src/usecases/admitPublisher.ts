/**
 * Decides about a publisher, or about a key that is only to be checked. The common answer is one statement: admit. Only when that wrote nothing does
 * `explainRefusal` read why. This is the hot path: a service is read from the context only where it is needed.
 */
import { Cause, Context, Effect, Option } from "effect"
import { type AuthDecision, allowPublisher, type RefusalReason, refuse } from "../domain/access/AuthDecision.ts"
import type { CheckRequest, PublishRequest } from "../domain/access/AuthRequest.ts"
import { decideCheck, refusePath } from "../domain/access/decideAdmission.ts"
import { unsupportedProtocol } from "../domain/access/decideByCall.ts"
import type { StreamId } from "../domain/values/Ids.ts"
import { isWorkerOutput } from "../domain/workers/PipelinePath.ts"
import { type AdmissionRequest, Admissions } from "../ports/Admissions.ts"
import { KeyGenerator } from "../ports/KeyGenerator.ts"
import { MediaServer } from "../ports/MediaServer.ts"
import { WorkersOn } from "../ports/MediaWorker.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { Reconciler } from "../reconciler/Reconciler.ts"
import { LostAdmissions } from "../resilience/LostAdmissions.ts"
import { StoreMonitor } from "../resilience/StoreMonitor.ts"
import { withSpanIfTraced } from "../Spans.ts"
import { explainRefusal } from "./explainRefusal.ts"
import { refusedByHost } from "./MayPublish.ts"

/** MediaMTX must have its answer within a second, whatever the store does. */
export const AUTH_DEADLINE_MS = 800
/** The deadline of one call, read at each call: for embedders, and for tests on busy machines. */
export const AuthDeadline = Context.Reference<{ readonly millis: number }>("greenroom/AuthDeadline", {
  defaultValue: () => ({ millis: AUTH_DEADLINE_MS })
})

const unavailable = (reason: string) => new StoreUnavailable({ operation: "Authenticate", cause: new Error(reason) })

export const withinDeadline = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(AuthDeadline, ({ millis }) =>
    Effect.timeoutOrElse(effect, { duration: millis, orElse: () => unavailable("deadline") })
  )

/** What is refused without the store; or the hash of the key and what it is asked for. */
export const prepare = Effect.fnUntraced(function* ({ path, key }: PublishRequest | CheckRequest) {
  const badPath = refusePath(path)
  if (badPath !== null) return badPath
  if (key === null) return refuse("no_key", "A stream key is needed to publish", null, true)
  const monitor = yield* StoreMonitor
  if (!(yield* monitor.isUp)) return yield* unavailable("the store is known to be down")
  const generator = yield* KeyGenerator
  const reserved = isWorkerOutput(path) && (yield* WorkersOn)
  return { generator, monitor, question: { hash: generator.hash(key), path, reserved } }
})

/** Reads, and does nothing else: no session, no reservation, no pass of the reconciler, and a worker's key stays unused. */
export const checkKey = Effect.fnUntraced(function* (ask: CheckRequest) {
  const prepared = yield* prepare(ask)
  if ("_tag" in prepared) return prepared
  const { monitor, question } = prepared
  const admissions = yield* Admissions
  const facts = yield* withinDeadline(
    withSpanIfTraced(admissions.facts({ ...question, sourceId: null }), "Admissions.facts")
  ).pipe(Effect.tapError(() => monitor.reportFailure))
  return decideCheck(question, facts)
})

/** MoQ on a media server that is known not to list its sessions. */
export const cannotBeListed = Effect.flatMap(MediaServer, ({ facts }) =>
  Effect.map(facts, (known) => known?.moq === "on, but not listed")
)

export const admitPublisher = Effect.fnUntraced(function* (ask: PublishRequest) {
  if (ask.protocol === "moq" && (yield* cannotBeListed)) return unsupportedProtocol
  const prepared = yield* prepare(ask)
  if ("_tag" in prepared) return prepared
  const { generator, monitor, question } = prepared
  const streamId = (yield* generator.uuid) as StreamId
  const request: AdmissionRequest = { ...question, sourceId: ask.sourceId, protocol: ask.protocol, streamId }
  const decision = yield* withinDeadline(admitOrExplain(request)).pipe(
    Effect.onError((cause) =>
      wasNothingDone(cause)
        ? monitor.reportFailure
        : Effect.flatMap(LostAdmissions, (lost) => Effect.andThen(lost.add(streamId), monitor.reportFailure))
    )
  )
  return yield* conclude(decision)
})

const admitOrExplain = Effect.fnUntraced(function* (request: AdmissionRequest) {
  const refused = yield* refusedByHost(request)
  if (refused !== null) return refused
  const admissions = yield* Admissions
  const admission = yield* withSpanIfTraced(admissions.admit(request), "Admissions.admit")
  return Option.isSome(admission) ? allowPublisher(admission.value) : yield* explainRefusal(request)
})

/** The store itself reports that the admission failed. Its silence, or a caller that has left, shows nothing of what was done. */
const wasNothingDone = (cause: Cause.Cause<StoreUnavailable>): boolean => {
  const error = Cause.squash(cause)
  return error instanceof StoreUnavailable && error.rolledBack === true
}

/** Wakes the reconciler where the decision bears on who is live: a request with an invalid key does not. */
const conclude = Effect.fnUntraced(function* (decision: AuthDecision) {
  const reconciler = yield* Reconciler
  if (decision._tag === "AllowPublisher") {
    if (decision.again && (yield* (yield* LostAdmissions).has(decision.streamId))) {
      yield* reconciler.wake
      return refuse("answer_was_lost", "The first answer to this connection was lost: connect anew", decision.key)
    }
    yield* reconciler.wakeSoon
  } else if (decision._tag === "Refuse" && isConflict(decision.reason)) yield* reconciler.wake
  return decision
})

const isConflict = (reason: RefusalReason): boolean =>
  reason === "stream_key_in_use" || reason === "path_in_use" || reason === "stream_key_contested"
