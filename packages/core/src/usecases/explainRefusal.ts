/**
 * Why an admission wrote nothing, and what follows: the facts are read and `decideAdmission` decides. When key or path are in
 * use, as far as the store knows, the media server is asked whether the other source is still there: an encoder that is refused
 * stops for good, so a false "in use" takes a broadcaster off the air.
 */
import { Effect, Option } from "effect"
import { type AuthDecision, allowPublisher, type Refusal, refuse, withFacts } from "../domain/access/AuthDecision.ts"
import { decideAdmission, type SessionFacts } from "../domain/access/decideAdmission.ts"
import { decideTakeover } from "../domain/access/decideTakeover.ts"
import { type AdmissionRequest, Admissions } from "../ports/Admissions.ts"
import { MediaServer } from "../ports/MediaServer.ts"
import { DuplicatePolicy } from "../resilience/DuplicatePolicy.ts"
import { withSpanIfTraced } from "../Spans.ts"

const takenJustNow = "The stream key was taken by another connection just now"

/** What remains once the facts are read: an answer, or another attempt, with the refusal if that fails too. */
type Next = { readonly answer: AuthDecision } | { readonly retryOr: Refusal }

const decideFromFacts = Effect.fnUntraced(function* (request: AdmissionRequest) {
  const admissions = yield* Admissions
  const facts = yield* withSpanIfTraced(admissions.facts(request), "Admissions.facts")
  const decision = decideAdmission(request, facts)
  const next = (): Next => {
    switch (decision._tag) {
      case "Refuse":
        return { answer: decision }
      case "Again":
        return { answer: allowPublisher({ streamId: decision.streamId, key: decision.key, again: true }) }
      case "Admit":
        return { retryOr: withFacts(refuse("stream_key_in_use", takenJustNow, facts.key), facts) }
      case "InUse":
        return { retryOr: decision.refusal }
    }
  }
  if (decision._tag !== "InUse") return next()
  const takeover = decideTakeover(decision, facts, yield* DuplicatePolicy)
  if (takeover._tag === "TakeOver") {
    const takenOver = yield* withSpanIfTraced(admissions.takeOver(request, takeover), "Admissions.takeOver")
    if (Option.isSome(takenOver)) return { answer: allowPublisher(takenOver.value) } as Next
  }
  const { refusal } = takeover._tag === "Leave" ? takeover : decision
  if (!(yield* areAllGone(decision.by))) return { answer: withFacts(refusal, facts) } as Next
  for (const { streamId } of decision.by) yield* admissions.endGone(streamId)
  return next()
})

/** Tries once more where no conflict is left. */
export const explainRefusal = Effect.fnUntraced(function* (request: AdmissionRequest) {
  const next = yield* decideFromFacts(request)
  if ("answer" in next) return next.answer
  const admissions = yield* Admissions
  const admission = yield* withSpanIfTraced(admissions.admit(request), "Admissions.admit")
  return Option.isSome(admission) ? allowPublisher(admission.value) : next.retryOr
})

/**
 * Whether the media server itself answers that every one of these sources is gone. Doubt is a no. The age of an
 * admission does not matter: MediaMTX lists a connection before it asks about it, so one that is in no list has left.
 */
export const areAllGone = Effect.fnUntraced(function* (claims: ReadonlyArray<SessionFacts>) {
  const mediaServer = yield* MediaServer
  const gone = yield* Effect.forEach(
    claims,
    (claim) =>
      mediaServer.find(claim.source).pipe(
        Effect.map((answer) => answer === "gone"),
        Effect.orElseSucceed(() => false)
      ),
    { concurrency: "unbounded" }
  )
  return gone.every((one) => one)
})
