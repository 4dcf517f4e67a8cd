/**
 * An event as JSON, for every reader and every webhook. What follows from the clock (a key's status, a stream's duration) is as of the event;
 * addresses are those of today's configuration. The text of an event is made once, whoever asks for it.
 */
import {
  isBroadcasterEvent,
  isKeyEvent,
  isStreamEvent,
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
  EventOfStream,
  EventOfStreamKey,
  EventOfWebhookEndpoint,
  EventOfWorker
} from "../api/eventSchemas.ts"
import { streamKeyShown } from "./streamKeyShown.ts"
import { streamDetailsShown } from "./streamShown.ts"
import { workerShown } from "./workerShown.ts"

const encoderOf = <S extends Schema.Codec<unknown, unknown>>(schema: S): ((value: S["Type"]) => unknown) =>
  Schema.encodeSync(Schema.toCodecJson(schema))

const encode = {
  stream: encoderOf(EventOfStream),
  key: encoderOf(EventOfStreamKey),
  broadcaster: encoderOf(EventOfBroadcaster),
  worker: encoderOf(EventOfWorker),
  mediaServer: encoderOf(EventOfMediaServer),
  endpoint: encoderOf(EventOfWebhookEndpoint)
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
  if (event.type !== "webhook_endpoint.disabled") return encode.mediaServer(event)
  return encode.endpoint({ ...event, data: { ...event.data, url: webhookOrigin(event.data.url) } })
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
