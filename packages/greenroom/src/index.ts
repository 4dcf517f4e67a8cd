/** Greenroom inside your own service: one object, promises, a web handler. No type of Effect stands in any signature. */
import "./effectOfGreenroom.ts"

export type { ActingAs } from "./actingAs.ts"
export type { AuthAnswer } from "./answerAuth.ts"
export type { Auth, AuthCheck, AuthDecision, AuthDecisionFilter, EncoderSettings } from "./authMethods.ts"
export type { BroadcasterFields, BroadcasterRef, Broadcasters } from "./broadcasterMethods.ts"
export { createGreenroom, type Greenroom } from "./createGreenroom.ts"
export type { EventFilter, EventOptions, EventsFrom, EventsLost, HandlerOptions } from "./eventMethods.ts"
export type {
  BroadcasterEvent,
  EventOf,
  EventType,
  GreenroomEvent,
  KeyEvent,
  MediaServerEvent,
  PlaybackTokenEvent,
  SigningKeyEvent,
  StreamEvent,
  ViewerEvent,
  ViewerRefusedEvent,
  ViewerRevokedEvent,
  WebhookEndpointEvent,
  WorkerEvent
} from "./eventShapes.ts"
export type { WebHandler } from "./fetch.ts"
export { GreenroomError, type GreenroomErrorCode } from "./GreenroomError.ts"
export type { Health } from "./healthOf.ts"
export type { CreatedKey, KeyChanges, KeyFilter, Keys, NewKey } from "./keyMethods.ts"
export type {
  DatabaseOptions,
  GreenroomOptions,
  KeepOptions,
  LogEntry,
  MayPublishAnswer,
  MayPublishAsk,
  MediaMtxOptions,
  PlaybackOptions,
  PublicUrl
} from "./options.ts"
export type {
  CreatedPlaybackToken,
  NewPlaybackToken,
  PlaybackTokenFilter,
  PlaybackTokens
} from "./playbackTokenMethods.ts"
export type { Broadcaster, Stream, StreamKey, StreamKeyWithStatus } from "./shapes.ts"
export type { NewSigningKey, PublicJwk, SigningKeys } from "./signingKeyMethods.ts"
export type { Annotation, LiveFilter, Streams } from "./streamMethods.ts"
export type { ViewerFilter, ViewerRevocation, Viewers } from "./viewerMethods.ts"
export type { PlaybackToken, SigningKey, Viewer, ViewerSession } from "./viewerShapes.ts"
