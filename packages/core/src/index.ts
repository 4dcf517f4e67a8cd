/**
 * Greenroom's core: the domain, the ports that it needs, and the use cases over them. A Node service embeds it by providing the
 * ports (`@greenroom/adapters/memory` has them all, without a network) and running the use cases, which are Effect programs. What is not
 * exported here is internal.
 */

/*
 * The domain: values, keys and paths, the session's state machine, and the rules that decide. Pure: it computes, and performs nothing.
 */

export { type AuthDecision, type Refusal, type RefusalReason, refusalReasons } from "./domain/access/AuthDecision.ts"
export { type AuthCall, type AuthRequest, type PublishRequest, readAuthCall } from "./domain/access/AuthRequest.ts"
export { type CheckResult, checkOutcomes, type ParsedCall } from "./domain/access/accessReport.ts"
export {
  type AccessCheck,
  type AdmissionRule,
  type AllowRule,
  accessChecks,
  admissionRules,
  allowRules,
  type DecisionReason,
  type FaultReason,
  faultReasons,
  type RefusalRule,
  type RuleName,
  remedyOf,
  ruleNames
} from "./domain/access/admissionRules.ts"
export {
  type AdmissionDecision,
  type AdmissionFacts,
  decideAdmission,
  decideCheck,
  type KeyFacts,
  type SessionFacts
} from "./domain/access/decideAdmission.ts"
export {
  canSupersede,
  contestedUntil,
  decideTakeover,
  TAKEOVERS_MOST,
  type Takeover,
  type TakeoverDecision
} from "./domain/access/decideTakeover.ts"
export { DESCRIBED_ID, type EncoderSettings, encoderCall, type UnusableSetting } from "./domain/access/encoderCall.ts"
export { type CredentialPlace, type CredentialRef, credentialPlaces } from "./domain/access/findCredential.ts"
export {
  DECISIONS_KEPT,
  type DecisionContent,
  DecisionFacts,
  type DecisionFilter,
  type DecisionOutcome,
  decisionOutcomes,
  type RecordedDecision
} from "./domain/access/RecordedDecision.ts"
export { OVERLAP_MAX_SECONDS, successorId, type WhyNotRotatable, whyNotRotatable } from "./domain/access/rotation.ts"
export {
  activeBlock,
  BLOCK_MAX_SECONDS,
  KEY_PREFIX_LENGTH,
  type KeyHash,
  type KeyOwner,
  type KeyStatus,
  type KeyValidity,
  type KeyValue,
  keyStatus,
  keyStatuses,
  Label,
  type PathBlock,
  revocationOf,
  type StreamKey,
  whyInvalid
} from "./domain/access/StreamKey.ts"
export {
  containsKey,
  ingestPath,
  NewPathLimit,
  PATH_MAX_LENGTH,
  PathLimitText,
  parseLimit,
  StreamPath,
  within,
  withoutKeys
} from "./domain/access/StreamPath.ts"
export { type AuditAction, auditActions, ClaimedAction, resourceTypeOf } from "./domain/audit/AuditAction.ts"
export {
  type AuditEntry,
  type AuditFilter,
  type AuditOutcome,
  auditOutcomes,
  type Image,
  matchesAuditFilter,
  type NewAuditEntry
} from "./domain/audit/AuditEntry.ts"
export {
  beginning,
  CURSOR_PATTERN,
  type EventCursor,
  EventId,
  end,
  type LogHead,
  type LogId,
  type LogPosition,
  type LostCursor,
  readCursor,
  whyLost,
  writeCursor
} from "./domain/events/EventCursor.ts"
export {
  broadcasterEventNames,
  type DisabledEndpoint,
  type EventFilter,
  EventType,
  eventTypes,
  isBroadcasterEvent,
  isKeyEvent,
  isStreamEvent,
  isViewerEvent,
  isWorkerEvent,
  keyEventNames,
  type LoggedEvent,
  type LoggedSigningKey,
  type LoggedViewer,
  type MediaServerState,
  matchesFilter,
  mediaServerEventNames,
  refusalEventNames,
  signingKeyEventNames,
  streamEventName,
  streamEventNames,
  tokenEventNames,
  viewerEventNames,
  viewerRevocationEventNames,
  webhookEventNames,
  workerEventNames
} from "./domain/events/LoggedEvent.ts"
export {
  API_TOKENS_MAX,
  type ApiToken,
  hasExpired,
  isTokenText,
  LAST_USED_STEP_MS,
  type TokenHash,
  TokenName,
  type TokenValue
} from "./domain/identity/ApiToken.ts"
export {
  type Actor,
  type ActorType,
  actorType,
  actorTypes,
  type Caller,
  mayDo,
  noOrigin,
  type RequestOrigin
} from "./domain/identity/Caller.ts"
export { allows, Scope, scopes } from "./domain/identity/Scope.ts"
export { coversPath, type PathFacts } from "./domain/playback/coversPath.ts"
export {
  decidePlayback,
  type PlaybackAsk,
  type PlaybackDecision,
  type VerificationFailure,
  type VerifiedToken,
  verificationFailures,
  type WhyMustLeave,
  whyMustLeave
} from "./domain/playback/decidePlayback.ts"
export { isInNetwork, Network } from "./domain/playback/networks.ts"
export type { PathOwner } from "./domain/playback/PathOwner.ts"
export {
  openPlayback,
  type PlaybackDefaults as PlaybackPolicies,
  PlaybackPolicy,
  playbackPolicies
} from "./domain/playback/PlaybackPolicy.ts"
export {
  CLOCK_SKEW_SECONDS,
  type Coverage,
  EXPIRES_IN,
  MAX_SESSIONS_MOST,
  NETWORKS_MAX,
  type PlaybackAction,
  type PlaybackToken,
  PlaybackTokenId,
  playbackActions,
  SRT_STREAM_ID_MAX_LENGTH,
  TOKEN_MAX_LENGTH,
  type TokenClaims,
  type TokenGrant,
  type TokenIssuer,
  type TokenText,
  tokenIssuers,
  ViewerId
} from "./domain/playback/PlaybackToken.ts"
export {
  addRevocations,
  noRevocations,
  type Revocations,
  type RevokedToken,
  type RevokedViewer,
  tokenRevocationEnds,
  viewerRevocationEnds,
  whyRevoked
} from "./domain/playback/Revocations.ts"
export { APPLICATION_KEYS_MAX, jwkOf, PublicKey, type SigningKey, SigningKeyId } from "./domain/playback/SigningKey.ts"
export { EVERY_PATH, PathPattern, readClaims, signedClaims } from "./domain/playback/tokenClaims.ts"
export { type BearerUrl, noTokenUrls, type TokenUrls, tokenUrls } from "./domain/playback/tokenUrls.ts"
export type { Command } from "./domain/reconciliation/Command.ts"
export type { Hook } from "./domain/reconciliation/interpretHook.ts"
export {
  type ExcludedAction,
  type MediaServerFacts,
  recommendedFacts
} from "./domain/reconciliation/MediaServerFacts.ts"
export {
  isConnectionType,
  type ListedPath,
  type ListedSource,
  type MediaServerSnapshot,
  nextUnlisted,
  noneUnlisted,
  type OwnPath
} from "./domain/reconciliation/MediaServerSnapshot.ts"
export { PassSummary } from "./domain/reconciliation/PassSummary.ts"
export type { Policy } from "./domain/reconciliation/planForUnauthorized.ts"
export { type PassPolicy, planReconciliation, type Reconciliation } from "./domain/reconciliation/planReconciliation.ts"
export { initialState, type ReconcileState } from "./domain/reconciliation/ReconcileState.ts"
export type { StoredSession, StoreSnapshot, StoreSnapshotAfter } from "./domain/reconciliation/StoreSnapshot.ts"
export {
  applyEvent,
  Description,
  type Ending,
  endReasonOf,
  foldEvents,
  type LiveStream,
  type Observation,
  occupiesKeyAndPath,
  RecordingRef,
  type SessionState,
  type StreamStatus,
  statusOf,
  streamStatuses,
  Title,
  type Track
} from "./domain/streams/LiveStream.ts"
export {
  allEnabled,
  type EnabledProtocols,
  endpointsBehind,
  type IngestInstructions,
  ingestInstructions,
  noEndpoints,
  noneEnabled,
  notActive,
  type Playback,
  type PlaybackUrls,
  type PublicEndpoints,
  playbackOf,
  type Unplayable,
  unplayableReasons,
  type WhyUnplayable
} from "./domain/streams/PlaybackUrls.ts"

export {
  type Family,
  familyOf,
  listsOf,
  Protocol,
  protocols,
  type Source,
  saysPublishEarly,
  sourceTypes
} from "./domain/streams/Protocol.ts"
export type { StreamDetails } from "./domain/streams/StreamDetails.ts"
export {
  EndReason,
  eventData,
  readEvent,
  SessionChange,
  StopReason,
  type StreamEvent,
  streamEventTypes
} from "./domain/streams/StreamEvent.ts"
export { addUsage, type Usage, usageDay, usageOf } from "./domain/streams/Usage.ts"
export {
  type Broadcaster,
  Contact,
  DisplayName,
  ExternalId,
  MEDIA_SERVER_BROADCASTER
} from "./domain/values/Broadcaster.ts"
export {
  ApiTokenId,
  AuditEntryId,
  BroadcasterId,
  DecisionId,
  StreamId,
  StreamKeyId,
  WebhookEndpointId
} from "./domain/values/Ids.ts"
export { METADATA_MAX_BYTES, Metadata } from "./domain/values/Metadata.ts"
export { millisBetween, Timestamp } from "./domain/values/Timestamp.ts"
export {
  type Departure,
  departures,
  type ListedReader,
  type Viewer,
  type ViewerDescription,
  ViewerProtocol,
  type ViewerRef,
  type ViewerRefusal
} from "./domain/viewers/Viewer.ts"
export { HELD_SUBJECTS_MAX } from "./domain/webhooks/DeliveryState.ts"
export type { NoAnswerReason, SendOutcome } from "./domain/webhooks/SendOutcome.ts"
export {
  ANSWER_KEPT_BYTES,
  type DeliveryOutcome,
  deliveryOutcomes,
  FAILURES_KEPT,
  type NewDelivery,
  SUCCESSES_KEPT,
  type WebhookDelivery
} from "./domain/webhooks/WebhookDelivery.ts"
export {
  type DisabledReason,
  disabledReasons,
  filterOf,
  PREVIOUS_SECRET_VALID_MS,
  WEBHOOK_ENDPOINTS_MAX,
  WEBHOOK_URL_MAX_LENGTH,
  WebhookDescription,
  type WebhookEndpoint,
  type WebhookTypes,
  WebhookUrl,
  webhookOrigin
} from "./domain/webhooks/WebhookEndpoint.ts"
export { PipelineId, parsePipelinePath, pipelinePath } from "./domain/workers/PipelinePath.ts"
export type { ProcessRef, WorkerChange, WorkerRecord } from "./domain/workers/WorkerRecord.ts"
export { type WorkerStateName, workerStates } from "./domain/workers/workerState.ts"
export type { WorkerAddresses } from "./domain/workers/workerUrls.ts"

/*
 * The ports: what the core needs of a store, a media server, a source of keys and a media worker. The comment of each states its laws, which
 * `@greenroom/adapters` has as a test suite.
 */

export { type AdmissionRequest, Admissions, type Admitted, type FactsRequest } from "./ports/Admissions.ts"
export {
  type ApiTokenChanges,
  type ApiTokenFilter,
  ApiTokens,
  type ChangeTokenOutcome,
  type CreateTokenOutcome,
  type NewApiToken
} from "./ports/ApiTokens.ts"
export { AuditLog } from "./ports/AuditLog.ts"
export { AuthDecisions, type AuthDecisionsPort, type DecisionWrite } from "./ports/AuthDecisions.ts"
export { type BroadcasterFields, Broadcasters, ExternalIdTaken, type UpsertFields } from "./ports/Broadcasters.ts"
export { type EventSlice, Events, type EventsPort, READ_AT_MOST } from "./ports/Events.ts"
export { KeyGenerator } from "./ports/KeyGenerator.ts"
export { type Lease, Leases, type PassRecord } from "./ports/Leases.ts"
export { MediaServer, MediaServerUnavailable } from "./ports/MediaServer.ts"
export { MediaWorker, type WorkerOrder, WorkersOn } from "./ports/MediaWorker.ts"
export type { Page, PageRequest, Position } from "./ports/Page.ts"
export {
  CLOCK_AHEAD_MAX_MS,
  type PlaybackTokenFilter,
  PlaybackTokens,
  type PlaybackTokensPort,
  TOKENS_KEPT_DAYS,
  type ViewerRevocation
} from "./ports/PlaybackTokens.ts"
export { Repositories, replacePorts, type StorePorts } from "./ports/Repositories.ts"
export { type PruneOutcome, Retention } from "./ports/Retention.ts"
export { SecretCipher, SecretUnreadable } from "./ports/SecretCipher.ts"
export { type LeaseHolder, Sessions } from "./ports/Sessions.ts"
export {
  type AddKeyOutcome,
  type OwnSigningKey,
  SIGNING_KEY_ID_KEPT_DAYS,
  SigningKeys,
  type SigningKeysPort
} from "./ports/SigningKeys.ts"
export { StoreHealth } from "./ports/StoreHealth.ts"
export { StoreUnavailable } from "./ports/StoreUnavailable.ts"
export {
  type ChangeOutcome,
  type IssueOutcome,
  type KeyAt,
  type KeyChanges,
  type KeyFilter,
  type NewStreamKey,
  type NewSuccessor,
  type RotateOutcome,
  StreamKeys
} from "./ports/StreamKeys.ts"
export {
  type Annotation,
  type ListedStream,
  type StoreVersion,
  type StreamFilter,
  type StreamList,
  Streams
} from "./ports/Streams.ts"
export { type KeyPair, TokenSigner, type VerifierKeys } from "./ports/TokenSigner.ts"
export { type OpenPath, type ViewerFilter, Viewers, type ViewersPort } from "./ports/Viewers.ts"
export {
  type CreateEndpointOutcome,
  type EncryptedSecret,
  type EndpointStop,
  type HeldSubject,
  type LeasedEndpoint,
  type SettledBy,
  type Settlement,
  type WebhookEndpointChanges,
  type WebhookEndpointFields,
  WebhookEndpoints,
  type WebhookEndpointsPort
} from "./ports/WebhookEndpoints.ts"
export { type WebhookRequest, WebhookSender } from "./ports/WebhookSender.ts"
export { type WorkerKeyOrder, Workers } from "./ports/Workers.ts"

/*
 * The application: the use cases that callers run, the background services (`layerBackground`, `superviseWorkers`, `pruneHistory`), and the settings
 * of both.
 */

export { layerBackground } from "./background/layerBackground.ts"
export { layerFollower } from "./background/layerFollower.ts"
export { DecisionLog, DecisionLogPace } from "./decisions/DecisionLog.ts"
export { type Attached, type EventConsumer, EventFeed } from "./events/EventFeed.ts"
export * as Metrics from "./Metrics.ts"
export { PlaybackDefaults } from "./playback/PlaybackDefaults.ts"
export { ReconcilePolicy } from "./reconciler/ReconcilePolicy.ts"
export { Reconciler } from "./reconciler/Reconciler.ts"
export type { PassOutcome } from "./reconciler/runPass.ts"
export { warningKinds } from "./reconciler/Warnings.ts"
export { DuplicatePolicy } from "./resilience/DuplicatePolicy.ts"
export { LostAdmissions } from "./resilience/LostAdmissions.ts"
export { StoreMonitor } from "./resilience/StoreMonitor.ts"
export { AuthDeadline } from "./usecases/admitPublisher.ts"
export { type Answered, authenticate } from "./usecases/authenticate.ts"
export { AwaitOffAirWithin } from "./usecases/awaitOffAir.ts"
export { CurrentCaller } from "./usecases/CurrentCaller.ts"
export { type AuthCheck, type AuthQuestion, checkAuth } from "./usecases/checkAuth.ts"
export { InvalidArgument } from "./usecases/InvalidArgument.ts"
export { listAuthDecisions, recordRefusedCall } from "./usecases/listAuthDecisions.ts"
export { describeWorker, listWorkers } from "./usecases/listWorkers.ts"
export {
  layerMayPublish,
  MayPublish,
  type PublishAnswer,
  type PublishAsk,
  type PublishRule
} from "./usecases/MayPublish.ts"
export {
  changeApiToken,
  createApiToken,
  describeApiToken,
  listApiTokens,
  type NewTokenRequest,
  removeApiToken
} from "./usecases/manageApiTokens.ts"
export {
  changeBroadcaster,
  countBroadcasters,
  createBroadcaster,
  describeBroadcaster,
  describeBroadcasterByExternalId,
  listBroadcasters,
  removeBroadcaster,
  upsertBroadcaster
} from "./usecases/manageBroadcasters.ts"
export {
  createPlaybackToken,
  describePlaybackToken,
  listPlaybackTokens,
  type NewPlaybackToken,
  revokePlaybackToken,
  type TokenTooLong
} from "./usecases/managePlaybackTokens.ts"
export {
  addSigningKey,
  listSigningKeys,
  publicSigningKeys,
  ROTATION_OVERLAP,
  removeSigningKey,
  rotateSigningKey
} from "./usecases/manageSigningKeys.ts"
export {
  changeKey,
  countKeys,
  describeIngest,
  describeKey,
  issueKey,
  listKeys,
  revoke
} from "./usecases/manageStreamKeys.ts"
export {
  annotateStream,
  countStreams,
  describeStream,
  Endpoints,
  listActive,
  type PlayableStream,
  streamEvents
} from "./usecases/manageStreams.ts"
export {
  countViewers,
  kickViewer,
  listViewers,
  REVOKED_UNTIL_MAX_DAYS,
  revokeViewer,
  ViewerSessionId,
  type WatchedViewer
} from "./usecases/manageViewers.ts"
export {
  changeWebhookEndpoint,
  createWebhookEndpoint,
  describeWebhookEndpoint,
  listWebhookDeliveries,
  listWebhookEndpoints,
  RefusedWebhookUrl,
  removeWebhookEndpoint,
  rotateWebhookSecret,
  validateWebhookEndpoint,
  type WebhookChanges,
  type WebhookFault,
  type WebhookStart
} from "./usecases/manageWebhooks.ts"
export { isOperator, OperatorSecret } from "./usecases/operatorSecret.ts"
export { pruneAuditLog } from "./usecases/pruneAuditLog.ts"
export { pruneEvents } from "./usecases/pruneEvents.ts"
export { pruneHistory } from "./usecases/pruneHistory.ts"
export { prunePlaybackTokens } from "./usecases/prunePlaybackTokens.ts"
export {
  type AuditEvent,
  AuditText,
  ClaimedActor,
  countAuditLog,
  listAuditLog,
  recordAuditEvent
} from "./usecases/readAuditLog.ts"
export {
  CursorLost,
  EVENTS_LIMIT_MAX,
  EVENTS_WAIT_MAX_MS,
  type EventPage,
  type EventQuery,
  followEvents,
  readEvents
} from "./usecases/readEvents.ts"
export { receiveHook } from "./usecases/receiveHook.ts"
export { type Reconciled, requestReconciliation } from "./usecases/requestReconciliation.ts"
export { OverlapSeconds, rotateKey } from "./usecases/rotateKey.ts"
export {
  REDELIVERED_AT_MOST,
  type Redelivered,
  type Redelivery,
  redeliverWebhooks,
  testWebhookEndpoint,
  type WebhookTest
} from "./usecases/sendWebhooks.ts"
export { BlockSeconds, forceStop, type StopOptions, stopStream } from "./usecases/stopStream.ts"
export { deliverWebhooks } from "./webhooks/deliverWebhooks.ts"
export { EventBody } from "./webhooks/EventBody.ts"
export { sendEvent } from "./webhooks/sendEvent.ts"
export { watchWithoutKey } from "./webhooks/watchWithoutKey.ts"
export { superviseWorkers } from "./workers/superviseWorkers.ts"
export { WorkerSettings } from "./workers/WorkerSettings.ts"
