/**
 * An event as JSON, for every reader and every webhook. What follows from the clock (a key's status, a stream's duration) is as of the event;
 * addresses are those of today's configuration. The text of an event is made once, for all readers.
 */
import {
  isBroadcasterEvent,
  isKeyEvent,
  isStreamEvent,
  isViewerEvent,
  isWorkerEvent,
  type LoggedEvent,
  type PlayableStream,
  webhookOrigin
} from "@greenroom/core"
import { makePlayable } from "@greenroom/core/internal"
import { type DateTime, Effect, Schema } from "effect"
import {
  EventOfBroadcaster,
  EventOfMediaServer,
  EventOfPlaybackToken,
  EventOfRefusedViewer,
  EventOfRevokedViewer,
  EventOfSigningKey,
  EventOfStream,
  EventOfStreamKey,
  EventOfViewer,
  EventOfWebhookEndpoint,
  EventOfWorker
} from "../api/eventSchemas.ts"
import { streamKeyShown } from "./streamKeyShown.ts"
import { streamDetailsShown } from "./streamShown.ts"
import { refusalShown, revocationShown, timeOf, viewerSessionShown } from "./viewerShown.ts"
import { workerShown } from "./workerShown.ts"

const encoderOf = <S extends Schema.Codec<unknown, unknown>>(schema: S): ((value: S["Type"]) => unknown) =>
  Schema.encodeSync(Schema.toCodecJson(schema))

const encode = {
  stream: encoderOf(EventOfStream),
  key: encoderOf(EventOfStreamKey),
  broadcaster: encoderOf(EventOfBroadcaster),
  worker: encoderOf(EventOfWorker),
  mediaServer: encoderOf(EventOfMediaServer),
  endpoint: encoderOf(EventOfWebhookEndpoint),
  viewer: encoderOf(EventOfViewer),
  refusal: encoderOf(EventOfRefusedViewer),
  token: encoderOf(EventOfPlaybackToken),
  revocation: encoderOf(EventOfRevokedViewer),
  signingKey: encoderOf(EventOfSigningKey)
}

type Playable = (stream: PlayableStream["stream"], now: DateTime.Utc) => PlayableStream

/** An event on the wire: `{"id", "position", "type", "at", "stream_seq", "data"}`. */
export const eventOnWire = (event: LoggedEvent, playable: Playable): unknown => {
  if (isStreamEvent(event)) {
    const view = { ...playable(event.data.stream, event.at), broadcaster: event.data.broadcaster }
    return encode.stream({ ...event, data: streamDetailsShown(view) })
  }
  if (isKeyEvent(event)) return encode.key({ ...event, data: streamKeyShown({ key: event.data, now: event.at }) })
  if (isBroadcasterEvent(event)) return encode.broadcaster(event)
  if (isWorkerEvent(event)) return encode.worker({ ...event, data: workerShown(event.data) })
  if (isViewerEvent(event)) return encode.viewer({ ...event, data: viewerSessionShown(event.data) })
  switch (event.type) {
    case "viewer.refused":
      return encode.refusal({ ...event, data: refusalShown(event.data) })
    case "playback_token.revoked":
      return encode.token({ ...event, data: { ...event.data, expiresAt: timeOf(event.data.expiresAt) } })
    case "viewer.revoked":
      return encode.revocation({ ...event, data: revocationShown(event.data) })
    case "signing_key.created":
    case "signing_key.rotated":
    case "signing_key.removed":
      return encode.signingKey(event)
    case "webhook_endpoint.disabled":
      return encode.endpoint({ ...event, data: { ...event.data, url: webhookOrigin(event.data.url) } })
    default:
      return encode.mediaServer(event)
  }
}

/** By the event itself: it is forgotten with the event. */
const texts = new WeakMap<LoggedEvent, string>()

/** Writes events as JSON, with the protocols that the media server has now. */
export const eventWriter = Effect.map(makePlayable(), (playable) => (event: LoggedEvent): string => {
  const known = texts.get(event)
  if (known !== undefined) return known
  const text = JSON.stringify(eventOnWire(event, playable))
  texts.set(event, text)
  return text
})

/** The JSON text of one event. */
export const eventText = (event: LoggedEvent) => Effect.map(eventWriter, (write) => write(event))
