/**
 * Decides about a viewer. While its stream is live nothing is asked of the store: the policy, the revocations and the keys are in memory. Of what it lets
 * in it remembers the session's id, by which the leader knows whose it is.
 */
import { Clock, DateTime, Effect, Option } from "effect"
import { type AuthDecision, refuse } from "../domain/access/AuthDecision.ts"
import type { ViewRequest } from "../domain/access/AuthRequest.ts"
import { LONGEST, shown } from "../domain/access/contentOf.ts"
import { decideCheck } from "../domain/access/decideAdmission.ts"
import type { PathFacts } from "../domain/playback/coversPath.ts"
import { decidePlayback, type PlaybackDecision, type VerifiedToken } from "../domain/playback/decidePlayback.ts"
import type { TokenClaims } from "../domain/playback/PlaybackToken.ts"
import type { DecisionId } from "../domain/values/Ids.ts"
import { parsePipelinePath, pipelinePath } from "../domain/workers/PipelinePath.ts"
import { CurrentViewers } from "../playback/CurrentViewers.ts"
import { PlaybackAccess } from "../playback/PlaybackAccess.ts"
import { type SeenToken, ViewerNotes } from "../playback/ViewerNotes.ts"
import { Admissions } from "../ports/Admissions.ts"
import { KeyGenerator } from "../ports/KeyGenerator.ts"
import { WorkersOn } from "../ports/MediaWorker.ts"
import { monotonicMillis } from "../resilience/ProcessClock.ts"
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
    token: token === null || verified === null ? null : { verified, names: token.names, isHidden: token.isHidden },
    claimedNames: ask.claimedNames,
    hasToBeNamed: ask.protocol !== null
  }
  const now = (yield* Clock.currentTimeMillis) / 1000
  const decided: Decided = { decision: decidePlayback(question, facts, revocations, now), facts, verified }
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

const seenOf = (claims: TokenClaims, signingKeyId: string, { broadcasterId }: PathFacts): SeenToken => ({
  id: claims.id,
  issuer: "application",
  signingKeyId,
  coverage: claims.coverage,
  broadcasterId:
    claims.coverage._tag === "Broadcaster"
      ? claims.coverage.broadcasterId
      : claims.coverage._tag === "Pattern"
        ? null
        : broadcasterId,
  viewerId: claims.viewerId,
  actions: claims.actions,
  maxSessions: claims.maxSessions,
  ips: claims.ips,
  metadata: {},
  createdAt: DateTime.makeUnsafe(Math.round(claims.issuedAt * 1000)),
  notBefore: claims.notBefore === null ? null : DateTime.makeUnsafe(Math.round(claims.notBefore * 1000)),
  expiresAt: DateTime.makeUnsafe(Math.round(claims.expiresAt * 1000))
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
  return refuse(decision.rule, decision.detail, null, decision.quiet)
})

/** A path that is not live, and a key that is not known, are looked up in the store: together within the deadline. */
export const admitViewer = (ask: ViewRequest) => withinDeadline(admit(ask))

/** The answer waits for what is noted. It was looked up a moment ago, so it is in memory, or the store does not answer. */
const NOTED_WITHIN_MS = 100

/** For the event: what is known of who was refused. `decisionId`: under which the refusal is in the decision log. */
export const noteRefusedViewer = Effect.fnUntraced(function* (
  ask: ViewRequest,
  refusal: Extract<AuthDecision, { readonly _tag: "Refuse" }>,
  decisionId: DecisionId
) {
  const access = yield* PlaybackAccess
  const looked = Effect.all({
    facts: Effect.option(access.factsOf(ask.path, ask.action)),
    verified: ask.token === null ? Effect.succeed(Option.none()) : Effect.option(access.verify(ask.token.text))
  })
  const nothing = { facts: Option.none<PathFacts>(), verified: Option.none<VerifiedToken>() }
  const orNothing = { duration: NOTED_WITHIN_MS, orElse: () => Effect.succeed(nothing) }
  const { facts, verified } = yield* Effect.timeoutOrElse(looked, orNothing)
  const claims = verified._tag === "Some" && verified.value._tag === "Verified" ? verified.value.claims : null
  yield* (yield* ViewerNotes).refused({
    path: shown(ask.path, LONGEST.path) ?? "",
    streamId: facts._tag === "Some" ? facts.value.streamId : null,
    broadcasterId: facts._tag === "Some" ? facts.value.broadcasterId : null,
    protocol: shown(ask.protocol, LONGEST.protocol),
    ip: shown(ask.ip, LONGEST.ip),
    userAgent: shown(ask.userAgent, LONGEST.userAgent),
    tokenId: claims?.id ?? null,
    viewerId: claims?.viewerId ?? null,
    reason: refusal.reason,
    rule: refusal.rule,
    detail: shown(refusal.detail, LONGEST.detail) ?? "",
    decisionId
  })
})
