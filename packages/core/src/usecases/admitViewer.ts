/**
 * Decides about a viewer. While its stream is live nothing is asked of the store: the policy, the revocations and the keys are in memory. Of what it lets
 * in it remembers the session's id, by which the leader knows whose it is.
 */
import { DateTime, Effect } from "effect"
import { type AuthDecision, type Refusal, type RefusedViewer, refuse } from "../domain/access/AuthDecision.ts"
import type { ViewRequest } from "../domain/access/AuthRequest.ts"
import { LONGEST, shown } from "../domain/access/contentOf.ts"
import { decideCheck } from "../domain/access/decideAdmission.ts"
import type { PathFacts } from "../domain/playback/coversPath.ts"
import { decidePlayback, type PlaybackDecision, type VerifiedToken } from "../domain/playback/decidePlayback.ts"
import type { TokenClaims } from "../domain/playback/PlaybackToken.ts"
import type { BroadcasterId, DecisionId } from "../domain/values/Ids.ts"
import { parsePipelinePath, pipelinePath } from "../domain/workers/PipelinePath.ts"
import { CurrentViewers } from "../playback/CurrentViewers.ts"
import { PlaybackAccess } from "../playback/PlaybackAccess.ts"
import { type SeenToken, ViewerNotes } from "../playback/ViewerNotes.ts"
import { Admissions } from "../ports/Admissions.ts"
import { KeyGenerator } from "../ports/KeyGenerator.ts"
import { WorkersOn } from "../ports/MediaWorker.ts"
import { monotonicMillis, nowSeconds } from "../resilience/ProcessClock.ts"
import { withinDeadline } from "./admitPublisher.ts"

interface Decided {
  readonly decision: PlaybackDecision
  readonly facts: PathFacts
  readonly verified: VerifiedToken | null
}

/** Reads, and changes nothing. */
export const decideView = Effect.fnUntraced(function* (ask: ViewRequest) {
  const access = yield* PlaybackAccess
  const facts = yield* access.factsOf(ask.path, ask.action)
  const { token } = ask
  const verified = token === null ? null : yield* access.verify(token.text)
  const { revocations } = yield* access.view
  const question = {
    action: ask.action,
    path: ask.path,
    ip: ask.ip,
    token: token === null || verified === null ? null : { verified, isHidden: token.isHidden },
    names: ask.names,
    hasToBeNamed: ask.protocol !== null
  }
  const decision = decidePlayback(question, facts, revocations, yield* nowSeconds)
  const decided: Decided = { decision, facts, verified }
  return decided
})

/** A worker of ours reads its source with the key that it publishes with, within the time in which that key admits it. */
const isWorker = Effect.fnUntraced(function* ({ path, workerKey }: ViewRequest) {
  const pipeline = workerKey === null ? null : parsePipelinePath(path)
  if (workerKey === null || pipeline?.direction !== "in" || !(yield* WorkersOn)) return false
  const { hash } = yield* KeyGenerator
  const output = pipelinePath(pipeline.id, "out")
  const question = { hash: hash(workerKey), path: output, reserved: true }
  const facts = yield* (yield* Admissions).facts({ ...question, sourceId: null })
  const ticket = facts.key?.ticket
  const isDue = ticket !== undefined && DateTime.isLessThan(facts.now, ticket.admitsUntil)
  return isDue && decideCheck(question, facts)._tag !== "Refuse"
})

/** Whose things a token is for, where that is one broadcaster. */
const ownerOf = ({ coverage }: TokenClaims, { broadcasterId }: PathFacts): BroadcasterId | null => {
  if (coverage._tag === "Broadcaster") return coverage.broadcasterId
  return coverage._tag === "Pattern" ? null : broadcasterId
}

const atSeconds = (seconds: number): DateTime.Utc => DateTime.makeUnsafe(Math.round(seconds * 1000))

const seenOf = (claims: TokenClaims, signingKeyId: string, facts: PathFacts): SeenToken => ({
  id: claims.id,
  issuer: "application",
  signingKeyId,
  coverage: claims.coverage,
  broadcasterId: ownerOf(claims, facts),
  viewerId: claims.viewerId,
  actions: claims.actions,
  maxSessions: claims.maxSessions,
  ips: claims.ips,
  metadata: {},
  createdAt: atSeconds(claims.issuedAt),
  notBefore: claims.notBefore === null ? null : atSeconds(claims.notBefore),
  expiresAt: atSeconds(claims.expiresAt)
})

const rememberAllowed = Effect.fnUntraced(function* (ask: ViewRequest, { decision, facts, verified }: Decided) {
  if (decision._tag === "Refuse") return
  const { grant } = decision
  if (ask.sourceId !== null && !ask.claimsWorker) {
    const { admitted } = yield* CurrentViewers
    const ip = shown(ask.ip, LONGEST.ip)
    const userAgent = shown(ask.userAgent, LONGEST.userAgent)
    admitted.add(ask.sourceId, { path: ask.path, ip, userAgent, grant, at: yield* monotonicMillis })
  }
  if (grant === null || verified?._tag !== "Verified") return
  const { keys } = yield* (yield* PlaybackAccess).view
  if (keys.find(({ id }) => id === grant.signingKeyId)?.issuer !== "application") return
  yield* (yield* ViewerNotes).seen(seenOf(verified.claims, grant.signingKeyId, facts))
})

const refusedViewer = ({ facts: { streamId, broadcasterId }, verified }: Decided): RefusedViewer => {
  const claims = verified?._tag === "Verified" ? verified.claims : null
  return { streamId, broadcasterId, tokenId: claims?.id ?? null, viewerId: claims?.viewerId ?? null }
}

const admit = Effect.fnUntraced(function* (ask: ViewRequest) {
  const decided = yield* decideView(ask)
  const { decision } = decided
  if (decision._tag === "Allow") {
    yield* rememberAllowed(ask, decided)
    return { _tag: "AllowViewer", rule: decision.rule, grant: decision.grant } satisfies AuthDecision
  }
  if (decision.rule === "playback_token_needed" && (yield* isWorker(ask))) {
    return { _tag: "Allow" } satisfies AuthDecision
  }
  return { ...refuse(decision.rule, decision.detail, null, decision.quiet), viewer: refusedViewer(decided) }
})

/** A path that is not live, and a key that is not known, are looked up in the store: together within the deadline. */
export const admitViewer = (ask: ViewRequest) => withinDeadline(admit(ask))

/** For the event. `decisionId`: under which the refusal is in the decision log. */
export const noteRefusedViewer = Effect.fnUntraced(function* (
  ask: ViewRequest,
  viewer: RefusedViewer,
  { reason, rule, detail }: Refusal,
  decisionId: DecisionId
) {
  yield* (yield* ViewerNotes).refused({
    ...viewer,
    path: shown(ask.path, LONGEST.path) ?? "",
    protocol: shown(ask.protocol, LONGEST.protocol),
    ip: shown(ask.ip, LONGEST.ip),
    userAgent: shown(ask.userAgent, LONGEST.userAgent),
    reason,
    rule,
    detail: shown(detail, LONGEST.detail) ?? "",
    decisionId
  })
})
