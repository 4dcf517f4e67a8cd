/**
 * What happens in Greenroom, in one order: the event log. An event has a position, which is given after its transaction has committed,
 * so that a reader that has seen a position never misses an earlier one. Its `data` is the resource as the event left it.
 */
import { type DateTime, Schema } from "effect"
import type { StreamKey } from "../access/StreamKey.ts"
import type { PlaybackTokenId, TokenIssuer, ViewerId } from "../playback/PlaybackToken.ts"
import type { RevokedToken, RevokedViewer } from "../playback/Revocations.ts"
import type { SigningKeyId } from "../playback/SigningKey.ts"
import type { StreamDetails } from "../streams/StreamDetails.ts"
import type { SessionChange } from "../streams/StreamEvent.ts"
import type { Broadcaster } from "../values/Broadcaster.ts"
import type { StreamId } from "../values/Ids.ts"
import type { Departure, ViewerProtocol, ViewerRefusal } from "../viewers/Viewer.ts"
import type { WorkerRecord } from "../workers/WorkerRecord.ts"
import type { EventId, LogPosition } from "./EventCursor.ts"

/** What a stream's transition is called in the log. */
export const streamEventName = {
  admitted: "stream.connecting",
  ready: "stream.active",
  stop_requested: "stream.stop_requested",
  kicked: "stream.kicked",
  ended: "stream.ended"
} as const satisfies { readonly [T in SessionChange["type"]]: string }

/** Types of events whose `data` is a stream. */
export const streamEventNames = Object.values(streamEventName)
/** Types of events whose `data` is a stream key. */
export const keyEventNames = ["key.created", "key.changed", "key.revoked", "key.expired"] as const
/** Types of events whose `data` is a broadcaster. */
export const broadcasterEventNames = ["broadcaster.created", "broadcaster.changed", "broadcaster.deleted"] as const
/** Types of events whose `data` is a media worker. */
export const workerEventNames = ["worker.started", "worker.retrying", "worker.stopped", "worker.failed"] as const
/** Types of events whose `data` is the state of the media server. */
export const mediaServerEventNames = [
  "media_server.reachable",
  "media_server.unreachable",
  "media_server.restarted"
] as const
/** Types of events whose `data` is a webhook endpoint that was disabled. */
export const webhookEventNames = ["webhook_endpoint.disabled"] as const
/** Types of events whose `data` is a viewer's session; a `viewer.left` has why. */
export const viewerEventNames = ["viewer.joined", "viewer.left"] as const
/** Sampled: at most ten a second of an instance. */
export const refusalEventNames = ["viewer.refused"] as const
/** What takes the right to watch away, of one token or of a viewer. */
export const tokenEventNames = ["playback_token.revoked"] as const
/** What takes all rights of a viewer away. */
export const viewerRevocationEventNames = ["viewer.revoked"] as const
/** Types of events whose `data` is a signing key's public half. */
export const signingKeyEventNames = ["signing_key.created", "signing_key.rotated", "signing_key.removed"] as const

/** Every type of event, in the order of the documentation. */
export const eventTypes = [
  ...streamEventNames,
  ...keyEventNames,
  ...broadcasterEventNames,
  ...workerEventNames,
  ...mediaServerEventNames,
  ...webhookEventNames,
  ...viewerEventNames,
  ...refusalEventNames,
  ...tokenEventNames,
  ...viewerRevocationEventNames,
  ...signingKeyEventNames
] as const
export const EventType = Schema.Literals(eventTypes)
export type EventType = typeof EventType.Type

/** The media server as the leader found it. */
export interface MediaServerState {
  /** `main`: a store is for one media server. */
  readonly id: string
  readonly reachable: boolean
  /** Its own start, in its own words; `null` before it was first reached. */
  readonly started: string | null
}

/** Why an endpoint gets no more events. */
export interface DisabledEndpoint {
  readonly id: string
  /** The whole URL. Readers, other endpoints among them, are shown `webhookOrigin` of it. */
  readonly url: string
  readonly reason: "gone" | "failing"
}

/** A viewer's session in an event: what `GET /viewers` shows of it, without what changes while it lasts. */
export interface LoggedViewer {
  readonly id: string
  readonly viewerId: ViewerId | null
  readonly tokenId: PlaybackTokenId | null
  readonly path: string
  readonly streamId: StreamId | null
  readonly protocol: ViewerProtocol
  readonly ip: string | null
  readonly userAgent: string | null
  readonly since: DateTime.Utc
  /** Of `viewer.left`. */
  readonly why: Departure | null
}

export interface LoggedSigningKey {
  readonly id: SigningKeyId
  readonly issuer: TokenIssuer
}

interface Envelope {
  /** Stays the same for ever; the `webhook-id` of its deliveries. */
  readonly id: EventId
  readonly position: LogPosition
  /** When it happened, by the database's clock. Order is `position`, never `at`. */
  readonly at: DateTime.Utc
  /** Whose events are in order among themselves: `stream:<id>`, `key:<id>`, `broadcaster:<id>`, `worker:<id>`, `media_server:<id>`, `webhook_endpoint:<id>`, `viewer:<id>`, `viewer_id:<id>` (refused: `path:<path>`), `playback_token:<id>`, `signing_key:<id>`. */
  readonly subject: string
  readonly broadcasterId: string | null
}

/** Of streams alone: the number of the transition in its stream. */
interface OfStream extends Envelope {
  readonly streamSeq: number
}
interface OfOther extends Envelope {
  readonly streamSeq: null
}

export type LoggedEvent =
  | (OfStream & { readonly type: (typeof streamEventNames)[number]; readonly data: StreamDetails })
  | (OfOther & { readonly type: (typeof keyEventNames)[number]; readonly data: StreamKey })
  | (OfOther & { readonly type: (typeof broadcasterEventNames)[number]; readonly data: Broadcaster })
  | (OfOther & { readonly type: (typeof workerEventNames)[number]; readonly data: WorkerRecord })
  | (OfOther & { readonly type: (typeof mediaServerEventNames)[number]; readonly data: MediaServerState })
  | (OfOther & { readonly type: (typeof webhookEventNames)[number]; readonly data: DisabledEndpoint })
  | (OfOther & { readonly type: (typeof viewerEventNames)[number]; readonly data: LoggedViewer })
  | (OfOther & { readonly type: (typeof refusalEventNames)[number]; readonly data: ViewerRefusal })
  | (OfOther & {
      readonly type: (typeof tokenEventNames)[number]
      readonly data: RevokedToken & { readonly viewerId: ViewerId | null }
    })
  | (OfOther & { readonly type: (typeof viewerRevocationEventNames)[number]; readonly data: RevokedViewer })
  | (OfOther & { readonly type: (typeof signingKeyEventNames)[number]; readonly data: LoggedSigningKey })

const isOneOf = <T extends string>(types: ReadonlyArray<T>, type: string): type is T =>
  (types as ReadonlyArray<string>).includes(type)

type Named<T extends EventType> = Extract<LoggedEvent, { readonly type: T }>

/** Whether its `data` is a stream. */
export const isStreamEvent = (event: LoggedEvent): event is Named<(typeof streamEventNames)[number]> =>
  isOneOf(streamEventNames, event.type)
/** Whether its `data` is a stream key. */
export const isKeyEvent = (event: LoggedEvent): event is Named<(typeof keyEventNames)[number]> =>
  isOneOf(keyEventNames, event.type)
/** Whether its `data` is a viewer's session. */
export const isViewerEvent = (event: LoggedEvent): event is Named<(typeof viewerEventNames)[number]> =>
  isOneOf(viewerEventNames, event.type)
/** Whether its `data` is a broadcaster. */
export const isBroadcasterEvent = (event: LoggedEvent): event is Named<(typeof broadcasterEventNames)[number]> =>
  isOneOf(broadcasterEventNames, event.type)
/** Whether its `data` is a media worker. */
export const isWorkerEvent = (event: LoggedEvent): event is Named<(typeof workerEventNames)[number]> =>
  isOneOf(workerEventNames, event.type)

/** Which events a reader wants; what is absent does not limit. */
export interface EventFilter {
  /** Never empty. */
  readonly types?: ReadonlyArray<EventType>
  readonly broadcasterId?: string
  readonly streamId?: string
  /** As `LoggedEvent.subject`. */
  readonly subject?: string
  /** Of streams: their path. Events of other resources have none. */
  readonly path?: string
}

/** Whether the reader wants the event. */
export const matchesFilter = (
  event: LoggedEvent,
  { types, broadcasterId, streamId, subject, path }: EventFilter
): boolean =>
  (types === undefined || types.includes(event.type)) &&
  (broadcasterId === undefined || event.broadcasterId === broadcasterId) &&
  (streamId === undefined || event.subject === `stream:${streamId}`) &&
  (subject === undefined || event.subject === subject) &&
  (path === undefined || (isStreamEvent(event) && event.data.stream.path === path))
