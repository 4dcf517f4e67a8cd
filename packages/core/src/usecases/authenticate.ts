/**
 * The answer to MediaMTX's auth call. While it is open nobody else gets into that media server, so the common answer is one
 * statement: admit. Only when that wrote nothing are the facts read and `decideAdmission` asked why; and only when key or path are in
 * use, as far as the store knows, is the media server asked whether the other source is still there: an encoder that is refused
 * stops for good, so a false "in use" takes a broadcaster off the air.
 */
import { Cause, Context, Effect, Metric, Option, type Redacted } from "effect"
import { type AuthDecision, type Refusal, refuse } from "../domain/access/AuthDecision.ts"
import type { AuthRequest, CheckRequest, PublishRequest } from "../domain/access/AuthRequest.ts"
import { decideAdmission, decideCheck, refusePath, type SessionFacts } from "../domain/access/decideAdmission.ts"
import type { KeyHash } from "../domain/access/StreamKey.ts"
import type { StreamId } from "../domain/values/Ids.ts"
import { isWorkerOutput } from "../domain/workers/PipelinePath.ts"
import * as Metrics from "../Metrics.ts"
import { type AdmissionRequest, Admissions, type Admitted } from "../ports/Admissions.ts"
import { KeyGenerator } from "../ports/KeyGenerator.ts"
import { MediaServer } from "../ports/MediaServer.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { Reconciler } from "../reconciler/Reconciler.ts"
import { DuplicatePolicy } from "../resilience/DuplicatePolicy.ts"
import { WorkersOn } from "../workers/WorkerSettings.ts"

/** SHA-256 of the secret with which the operator, and the service itself, may use the media server's API. */
export class OperatorSecret extends Context.Service<OperatorSecret, { readonly hash: KeyHash }>()(
  "greenroom/OperatorSecret"
) {}

/** MediaMTX must have its answer within a second, whatever the store does. */
export const AUTH_DEADLINE_MS = 800
/** Another one for tests on machines that are busy; read at each call. */
export const AuthDeadline = Context.Reference<{ readonly millis: number }>("greenroom/AuthDeadline", {
  defaultValue: () => ({ millis: AUTH_DEADLINE_MS })
})

/** Compares digests without telling by the time it takes where they differ. */
export const sameHash = (a: KeyHash, b: KeyHash): boolean => {
  if (a.length !== b.length) return false
  let difference = 0
  for (let index = 0; index < a.length; index++) difference |= a[index]! ^ b[index]!
  return difference === 0
}

export const isOperator = Effect.fnUntraced(function* (candidates: ReadonlyArray<Redacted.Redacted<string>>) {
  const { hash } = yield* OperatorSecret
  const mint = yield* KeyGenerator
  return candidates.some((candidate) => sameHash(mint.hash(candidate), hash))
})

/** How the metric calls what was asked for. */
const actionOf = (ask: AuthRequest): string => {
  switch (ask._tag) {
    case "Publish":
    case "Misplaced":
    case "Unsupported":
      return "publish"
    case "Check":
      return "check"
    case "Other":
      return "other"
    default:
      return ask.action
  }
}

export const authenticate = Effect.fnUntraced(function* (ask: AuthRequest) {
  const decision: AuthDecision = yield* answer(ask)
  yield* Metric.update(Metrics.authDecision(actionOf(ask), decision._tag === "Refuse" ? decision.reason : "allow"), 1)
  return decision
})

const answer = Effect.fnUntraced(function* (ask: AuthRequest) {
  switch (ask._tag) {
    case "Publish":
      return yield* publish(ask)
    case "Check":
      return yield* check(ask)
    case "Misplaced":
      return refusePath(ask.path) ?? refuse("invalid_stream_key", ask.detail)
    case "Unsupported":
      return unsupported
    case "View":
      return allow
    case "Operate":
      if (yield* isOperator(ask.secrets)) return allow
      return refuse(
        "unauthorized",
        `The API secret is needed for the action ${ask.action}`,
        null,
        ask.secrets.length === 0
      )
    case "Other":
      return refuse(
        "unauthorized",
        "Only publish, read, playback, api, metrics and pprof are actions that can be allowed"
      )
  }
})

/** Viewer access control would begin here: `read` and `playback` are open to everybody. */
const allow: AuthDecision = { _tag: "Allow" }

/** The hash of the key and what it is asked for, once nothing stands in the way that is known without the store. */
const readyToAsk = Effect.fnUntraced(function* ({ path, key }: PublishRequest | CheckRequest) {
  const badPath = refusePath(path)
  if (badPath !== null) return badPath
  if (key === null) return refuse("unauthorized", "A stream key is needed to publish", null, true)
  if (!(yield* (yield* Reconciler).isStoreUp)) {
    return yield* new StoreUnavailable({ operation: "Authenticate", cause: new Error("the store is known to be down") })
  }
  return { hash: (yield* KeyGenerator).hash(key), path, reserved: (yield* WorkersOn) && isWorkerOutput(path) }
})

const withinDeadline = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(AuthDeadline, ({ millis }) =>
    Effect.timeoutOrElse(effect, {
      duration: millis,
      orElse: () => new StoreUnavailable({ operation: "Authenticate", cause: new Error("deadline") })
    })
  )

/** Reads, and does nothing else: no session, no reservation, no pass of the reconciler, and a worker's key stays unused. */
const check = Effect.fnUntraced(function* (ask: CheckRequest) {
  const question = yield* readyToAsk(ask)
  if ("_tag" in question) return question
  const admissions = yield* Admissions
  const facts = yield* admissions.facts({ ...question, sourceId: null }).pipe(
    withinDeadline,
    Effect.tapError(() => Effect.flatMap(Reconciler, ({ reportStoreFailure }) => reportStoreFailure))
  )
  return decideCheck(question, facts)
})

const unsupported = refuse(
  "protocol_not_supported",
  "Greenroom can neither follow nor end publishers over this protocol: publish over RTMP, RTSP, SRT or WebRTC"
)

/** MoQ in a media server that is known not to list its sessions. */
const cannotBeListed = ({ protocol }: PublishRequest) =>
  protocol !== "moq"
    ? Effect.succeed(false)
    : Effect.map(
        Effect.flatMap(MediaServer, ({ facts }) => facts),
        (facts) => facts?.moq === "on, but not listed"
      )

const publish = Effect.fnUntraced(function* (ask: PublishRequest) {
  if (yield* cannotBeListed(ask)) return unsupported
  const question = yield* readyToAsk(ask)
  if ("_tag" in question) return question
  const reconciler = yield* Reconciler
  const streamId = (yield* (yield* KeyGenerator).uuid) as StreamId
  const request: AdmissionRequest = { ...question, sourceId: ask.sourceId, protocol: ask.protocol, streamId }
  const decision = yield* admitOrExplain(request).pipe(
    withinDeadline,
    Effect.onError((cause) =>
      nothingWasDone(cause) ? reconciler.reportStoreFailure : reconciler.admissionLost(streamId)
    )
  )
  if (decision._tag === "AllowPublisher" && decision.again && (yield* reconciler.isLost(decision.streamId))) {
    yield* reconciler.wake
    return refuse("stream_key_in_use", "The first answer to this connection was lost: connect anew", decision.key)
  }
  if (decision._tag === "AllowPublisher") yield* reconciler.wakeSoon
  else if (isInTheWay(decision)) yield* reconciler.wake
  return decision
})

/** Whoever asks with a key that is none, or none any more, has no bearing on who is on the air: no look is owed to him. */
const isInTheWay = (decision: AuthDecision): boolean =>
  decision._tag === "Refuse" && (decision.reason === "stream_key_in_use" || decision.reason === "path_in_use")

/** The store itself said that the admission failed. Its silence, or a caller who has left, says nothing of what was done. */
const nothingWasDone = (cause: Cause.Cause<StoreUnavailable>): boolean => {
  const error = Cause.squash(cause)
  return error instanceof StoreUnavailable && error.rolledBack === true
}

const admitted = ({ streamId, key, again }: Admitted): AuthDecision => ({
  _tag: "AllowPublisher",
  streamId,
  key,
  again
})

const admitOrExplain = Effect.fnUntraced(function* (request: AdmissionRequest) {
  const admissions = yield* Admissions
  const onDuplicate = yield* DuplicatePolicy
  let standsInTheWay: Refusal | null = null
  for (let attempt = 1; attempt <= 2; attempt++) {
    const admission = yield* admissions.admit(request)
    if (Option.isSome(admission)) return admitted(admission.value)
    if (standsInTheWay !== null) break
    const facts = yield* admissions.facts(request)
    const decision = decideAdmission(request, facts)
    switch (decision._tag) {
      case "Refuse":
        return decision
      case "Again":
        return admitted({ streamId: decision.streamId, key: decision.key, again: true })
      case "Admit":
        standsInTheWay = refuse(
          "stream_key_in_use",
          "The stream key was taken by another connection just now",
          facts.key
        )
        break
      case "InUse": {
        const own = decision.by.every((session) => session.streamKeyId === facts.key?.id)
        if (onDuplicate === "takeover" && own) {
          const takenOver = yield* admissions.takeOver(request)
          if (Option.isSome(takenOver)) return admitted(takenOver.value)
        }
        if (!(yield* allGone(decision.by))) return decision.refusal
        standsInTheWay = decision.refusal
      }
    }
  }
  return standsInTheWay ?? refuse("stream_key_in_use", "The stream key is in use")
})

/**
 * Whether the media server itself says that every one of these sources is gone; those that are, are ended. Doubt is a no. However young an
 * admission is: MediaMTX lists a connection before it asks about it, so one that is in no list has left.
 */
const allGone = Effect.fnUntraced(function* (claims: ReadonlyArray<SessionFacts>) {
  const mediaServer = yield* MediaServer
  const admissions = yield* Admissions
  const verdicts = yield* Effect.forEach(
    claims,
    (claim) =>
      mediaServer.find(claim.source).pipe(
        Effect.map((answer) => answer === "gone"),
        Effect.orElseSucceed(() => false)
      ),
    { concurrency: "unbounded" }
  )
  if (!verdicts.every((gone) => gone)) return false
  for (const claim of claims) yield* admissions.endGone(claim.streamId)
  return true
})
