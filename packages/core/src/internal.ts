/**
 * What Greenroom's own packages share beside the public entry. It may change in each release: a program of yours that needs something of it is a
 * reason to make that public.
 */

export {
  type ClientRequest,
  knownMethod,
  recordClientRequest,
  recordDatabaseOperation,
  recorderOf,
  recordServerRequest
} from "./Durations.ts"
export { isSourceId, SOURCE_ID_PATTERN } from "./domain/access/AuthRequest.ts"
export { wholeKeyPattern } from "./domain/access/StreamPath.ts"
export { isTokenLike, queriedName, queriedToken } from "./domain/playback/queriedToken.ts"
export { compareReleases, type Release, readRelease } from "./domain/reconciliation/Release.ts"
export { isAtMost, isStorable } from "./domain/values/PlainText.ts"
export { shownUserAgent } from "./domain/viewers/userAgent.ts"
export { answerOf } from "./domain/webhooks/deliveryOf.ts"
export { PIPELINE_PATH } from "./domain/workers/PipelinePath.ts"
export { type EffectCopy, layerOwnRuntime, requireSameEffect } from "./EffectCopy.ts"
export { makeWrittenSignal, type WrittenSignal } from "./events/writtenSignal.ts"
export { CurrentViewers } from "./playback/CurrentViewers.ts"
export { PlaybackAccess } from "./playback/PlaybackAccess.ts"
export { ViewerNotes } from "./playback/ViewerNotes.ts"
export { LEASE_TTL_MS } from "./reconciler/LeaseGuard.ts"
export { type ConditionKind, makeConditions } from "./resilience/Conditions.ts"
export { monotonicMillis } from "./resilience/ProcessClock.ts"
export { errorTypeOf, isTraced, outgoing, StartsTrace, traceparent } from "./Spans.ts"
export { inTurns } from "./Turns.ts"
export { AUTH_DEADLINE_MS } from "./usecases/admitPublisher.ts"
export { AuditTrail, recordEntry } from "./usecases/audited.ts"
export { MAY_PUBLISH_WITHIN_MS } from "./usecases/MayPublish.ts"
export { type KeyRequestFault, type ReadableKeyRequest, validateKeyRequest } from "./usecases/manageStreamKeys.ts"
export { isSameVersion, type ListVersion, listSince, listVersion, makePlayable } from "./usecases/manageStreams.ts"
export { sameHash } from "./usecases/operatorSecret.ts"
export { followWithCursors, lookUntilFound } from "./usecases/readEvents.ts"
export { withinCallersLimit } from "./usecases/visibleToCaller.ts"
