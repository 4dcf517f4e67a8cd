/**
 * What `/auth` would answer, without any of its effects: no session, no takeover, nothing ended, no pass, nothing recorded. It reads the store's
 * facts once and decides by the same functions; where `/auth` would ask the media server whether a connection is gone, it asks as well.
 */
import { Effect } from "effect"
import { type Refusal, refuse, withFacts } from "../domain/access/AuthDecision.ts"
import type { AuthRequest, ViewRequest } from "../domain/access/AuthRequest.ts"
import type { AccessOutcome, Admittance } from "../domain/access/accessReport.ts"
import { decideAdmission, decideCheck, refusePath } from "../domain/access/decideAdmission.ts"
import { decideByCall, unsupportedProtocol } from "../domain/access/decideByCall.ts"
import { canSupersede, decideTakeover } from "../domain/access/decideTakeover.ts"
import type { Protocol } from "../domain/streams/Protocol.ts"
import type { StreamKeyId } from "../domain/values/Ids.ts"
import { isWorkerOutput } from "../domain/workers/PipelinePath.ts"
import { Admissions, type FactsRequest } from "../ports/Admissions.ts"
import { WorkersOn } from "../ports/MediaWorker.ts"
import { DuplicatePolicy } from "../resilience/DuplicatePolicy.ts"
import { cannotBeListed, prepare, withinDeadline } from "./admitPublisher.ts"
import { decideView } from "./admitViewer.ts"
import { areAllGone } from "./explainRefusal.ts"
import { hostRefusal, MayPublish } from "./MayPublish.ts"

/** A key that is named by its id, and the path that it is to publish on. */
export interface KeyAndPath {
  readonly _tag: "KeyAndPath"
  readonly streamKeyId: StreamKeyId
  readonly path: string
}

/** The id of no connection: none has it, so none can be the asking one. */
const NO_CONNECTION = "none"

interface Question {
  readonly request: FactsRequest & { readonly reserved: boolean }
  readonly protocol: Protocol | null
  /** A page asks before there is a connection: then it does not matter who has the key. */
  readonly isCheck: boolean
}

const refused = (refusal: Refusal): AccessOutcome => ({ _tag: "Refuse", refusal })

const decide = Effect.fnUntraced(function* ({ request, protocol, isCheck }: Question) {
  const admissions = yield* Admissions
  const facts = yield* withinDeadline(admissions.facts(request))
  const { path, reserved } = request
  const admits = (how: Admittance, hostAsked: boolean): AccessOutcome => ({ _tag: "Publish", facts, how, hostAsked })
  if (isCheck) {
    const checked = decideCheck({ path, reserved }, facts)
    return checked._tag === "Refuse" ? refused(checked) : admits("not_decided_yet", false)
  }
  const hostAsked = (yield* MayPublish) !== null
  const byHost = yield* hostRefusal({ path, reserved, protocol }, facts)
  if (byHost !== null) return refused(byHost)
  const decision = decideAdmission({ path, reserved, sourceId: NO_CONNECTION }, { ...facts, sourceSession: null })
  if (decision._tag === "Refuse") return refused(decision)
  if (decision._tag !== "InUse") return admits("free", hostAsked)
  const takeover = decideTakeover(decision, facts, yield* DuplicatePolicy)
  if (takeover._tag === "TakeOver" && canSupersede(decision.by, facts, takeover.of))
    return admits("takes_over", hostAsked)
  const { refusal } = takeover._tag === "Leave" ? takeover : decision
  return (yield* areAllGone(decision.by)) ? admits("others_are_gone", hostAsked) : refused(withFacts(refusal, facts))
})

const foreseeKey = Effect.fnUntraced(function* ({ streamKeyId, path }: KeyAndPath) {
  const badPath = refusePath(path)
  if (badPath !== null) return refused(badPath)
  const reserved = isWorkerOutput(path) && (yield* WorkersOn)
  const request = { streamKeyId, path, sourceId: null, reserved }
  return yield* decide({ request, protocol: null, isCheck: false })
})

const foreseeView = Effect.fnUntraced(function* (ask: ViewRequest) {
  const { decision, facts } = yield* decideView(ask)
  if (decision._tag === "Refuse") return refused(refuse(decision.rule, decision.detail, null, decision.quiet))
  const foreseen: AccessOutcome = { _tag: "View", policy: facts.policy, tokenId: decision.grant?.tokenId ?? null }
  return foreseen
})

/** Fails with `StoreUnavailable` where `/auth` would be a 503. */
export const foreseeAdmission = Effect.fnUntraced(function* (
  ask: Exclude<AuthRequest, { readonly _tag: "Operate" }> | KeyAndPath
) {
  switch (ask._tag) {
    case "KeyAndPath":
      return yield* foreseeKey(ask)
    case "Publish":
    case "Check": {
      const isCheck = ask._tag === "Check"
      if (!isCheck && ask.protocol === "moq" && (yield* cannotBeListed)) return refused(unsupportedProtocol)
      const prepared = yield* prepare(ask)
      if ("_tag" in prepared) return refused(prepared)
      const request = { ...prepared.question, sourceId: null }
      return yield* decide({ request, protocol: isCheck ? null : ask.protocol, isCheck })
    }
    case "View":
      return yield* foreseeView(ask)
    default:
      return refused(decideByCall(ask))
  }
})
