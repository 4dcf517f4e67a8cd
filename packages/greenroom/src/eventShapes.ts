/** The events of the log as plain objects: one shape for each kind of resource, with the cursor from which a host goes on. */
import * as Core from "@greenroom/core"
import type { DateTime } from "effect"
import {
  type Broadcaster,
  broadcasterShape,
  date,
  keyShapeAt,
  type Stream,
  type StreamKeyWithStatus,
  streamShape
} from "./shapes.ts"
import { dateOfSeconds, loggedViewerShape, refusalShape, revocationShape, type ViewerSession } from "./viewerShapes.ts"

interface Common {
  /** The same for ever: by it a host knows an event that it has seen. */
  readonly id: string
  /** Where the event is in the log: `from` of a later call goes on after it. */
  readonly cursor: string
  /** Counts from 1 over all events, without a gap. */
  readonly position: number
  /** By the database's clock. Order is `position`, never `at`. */
  readonly at: Date
}

export interface StreamEvent extends Common {
  readonly type: (typeof Core.streamEventNames)[number]
  readonly streamId: string
  /** Counts from 1 in each stream, without a gap. */
  readonly seq: number
  /** Why it stops or has ended. */
  readonly reason: Core.EndReason | null
  /** The stream as the event left it. */
  readonly stream: Stream
}

export interface KeyEvent extends Common {
  readonly type: (typeof Core.keyEventNames)[number]
  readonly key: StreamKeyWithStatus
}

export interface BroadcasterEvent extends Common {
  readonly type: (typeof Core.broadcasterEventNames)[number]
  readonly broadcaster: Broadcaster
}

export interface WorkerEvent extends Common {
  readonly type: (typeof Core.workerEventNames)[number]
  readonly worker: {
    /** The `<id>` of `live/<id>/in`. */
    readonly streamId: string
    readonly state: Core.WorkerStateName
    readonly reason: string | null
    readonly attempt: number
    readonly inputStreamId: string | null
    readonly outputStreamId: string | null
  }
}

export interface MediaServerEvent extends Common {
  readonly type: (typeof Core.mediaServerEventNames)[number]
  readonly mediaServer: Core.MediaServerState
}

export interface WebhookEndpointEvent extends Common {
  readonly type: (typeof Core.webhookEventNames)[number]
  /** Of its URL only scheme and host. */
  readonly endpoint: Core.DisabledEndpoint
}

export interface ViewerEvent extends Common {
  readonly type: (typeof Core.viewerEventNames)[number]
  /** `why`: of `viewer.left`. */
  readonly viewer: ViewerSession & { readonly why: Core.Departure | null }
}

export interface ViewerRefusedEvent extends Common {
  readonly type: (typeof Core.refusalEventNames)[number]
  /** A sample: at most ten a second of each process. */
  readonly refusal: {
    readonly path: string
    readonly streamId: string | null
    readonly broadcasterId: string | null
    readonly protocol: string | null
    readonly ip: string | null
    readonly userAgent: string | null
    /** Of a token whose signature is good. */
    readonly tokenId: string | null
    readonly viewerId: string | null
    readonly reason: string
    readonly rule: string
    readonly detail: string
    readonly decisionId: string
  }
}

export interface PlaybackTokenEvent extends Common {
  readonly type: (typeof Core.tokenEventNames)[number]
  readonly playbackToken: { readonly id: string; readonly viewerId: string | null; readonly expiresAt: Date }
}

export interface ViewerRevokedEvent extends Common {
  readonly type: (typeof Core.viewerRevocationEventNames)[number]
  readonly revocation: {
    readonly viewerId: string
    /** On whose paths alone; `null`: on all. */
    readonly broadcasterId: string | null
    /** Tokens that were issued until then are not good any more. */
    readonly revokedAt: Date
    readonly until: Date | null
  }
}

export interface SigningKeyEvent extends Common {
  readonly type: (typeof Core.signingKeyEventNames)[number]
  readonly signingKey: { readonly id: string; readonly issuer: Core.TokenIssuer }
}

export type GreenroomEvent =
  | StreamEvent
  | KeyEvent
  | BroadcasterEvent
  | WorkerEvent
  | MediaServerEvent
  | WebhookEndpointEvent
  | ViewerEvent
  | ViewerRefusedEvent
  | PlaybackTokenEvent
  | ViewerRevokedEvent
  | SigningKeyEvent

export type EventType = GreenroomEvent["type"]
/** The shape of the events of a type. */
export type EventOf<T extends EventType> = GreenroomEvent & { readonly type: T }

type Playable = (stream: Core.LiveStream, now: DateTime.Utc) => Core.PlayableStream

const workerShape = (worker: Core.WorkerRecord): WorkerEvent["worker"] => ({
  streamId: worker.id,
  state: worker.state,
  reason: worker.reason,
  attempt: worker.attempt,
  inputStreamId: worker.inputStreamId,
  outputStreamId: worker.outputStreamId
})

export const eventShape = (event: Core.LoggedEvent, cursor: string, playable: Playable): GreenroomEvent => {
  const common = { id: event.id, cursor, position: event.position, at: date(event.at) }
  if (Core.isStreamEvent(event)) {
    const stream = streamShape(playable(event.data.stream, event.at))
    const reason = stream.endReason ?? stream.stopping
    return { ...common, type: event.type, streamId: stream.id, seq: event.streamSeq, reason, stream }
  }
  if (Core.isKeyEvent(event)) return { ...common, type: event.type, key: keyShapeAt(event.data, event.at) }
  if (Core.isBroadcasterEvent(event)) return { ...common, type: event.type, broadcaster: broadcasterShape(event.data) }
  if (Core.isWorkerEvent(event)) return { ...common, type: event.type, worker: workerShape(event.data) }
  if (Core.isViewerEvent(event)) return { ...common, type: event.type, viewer: loggedViewerShape(event.data) }
  switch (event.type) {
    case "viewer.refused":
      return { ...common, type: event.type, refusal: refusalShape(event.data) }
    case "playback_token.revoked": {
      const { id, viewerId, expiresAt } = event.data
      return { ...common, type: event.type, playbackToken: { id, viewerId, expiresAt: dateOfSeconds(expiresAt) } }
    }
    case "viewer.revoked":
      return { ...common, type: event.type, revocation: revocationShape(event.data) }
    case "signing_key.created":
    case "signing_key.rotated":
    case "signing_key.removed":
      return { ...common, type: event.type, signingKey: event.data }
    case "webhook_endpoint.disabled":
      return {
        ...common,
        type: event.type,
        endpoint: { ...event.data, url: Core.webhookOrigin(event.data.url) }
      }
    default:
      return { ...common, type: event.type, mediaServer: event.data }
  }
}
