/**
 * The streams as people read them: listed, described with their history, annotated, and with URLs that play while there is something to play.
 * All of it comes from the store, so it answers while the media server does not.
 */
import { Context, type DateTime, Effect, Option } from "effect"
import type { LiveStream } from "../domain/streams/LiveStream.ts"
import {
  type EnabledProtocols,
  noEndpoints,
  type PlaybackUrls,
  type PublicEndpoints,
  playbackUrls
} from "../domain/streams/PlaybackUrls.ts"
import type { StreamId } from "../domain/values/Ids.ts"
import { MediaServer } from "../ports/MediaServer.ts"
import type { PageRequest } from "../ports/Page.ts"
import { type Annotation, type StoreVersion, type StreamDetails, type StreamFilter, Streams } from "../ports/Streams.ts"
import { inTurns } from "../Turns.ts"

/** Where the public reaches the media server, from the configuration. */
export class Endpoints extends Context.Service<Endpoints, PublicEndpoints>()("greenroom/Endpoints") {}

export interface PlayableStream {
  readonly stream: LiveStream
  readonly urls: PlaybackUrls
  /** The database's clock when the stream was read. */
  readonly now: DateTime.Utc
}

const enabledProtocols = Effect.flatMap(MediaServer, ({ enabled }) => enabled)

/** Adds the URLs to streams that were read at `now`. Before a stream is active and after it there is nothing to play: all `null`. */
const withPlaybackUrls = Effect.fnUntraced(function* (now: DateTime.Utc, enabled?: EnabledProtocols) {
  const endpoints = yield* Endpoints
  const protocols = enabled ?? (yield* enabledProtocols)
  return (stream: LiveStream): PlayableStream => ({
    stream,
    now,
    urls:
      stream.state._tag === "Active"
        ? playbackUrls(
            endpoints,
            protocols,
            stream.path,
            stream.observation.tracks.map((track) => track.codec)
          )
        : noEndpoints
  })
})

/** So many take less than a millisecond. */
const VIEWS_A_TURN = 250

/** Streams that are live, or were: the filter decides. */
export const listActive = Effect.fn("listActive")(function* (filter: StreamFilter, page: PageRequest) {
  const streams = yield* Streams
  const found = yield* streams.list(filter, page)
  const view = yield* withPlaybackUrls(found.now)
  const parts = yield* inTurns(found.items, (streams) => streams.map(view), VIEWS_A_TURN)
  return { ...found, items: parts.flat() }
})

/** What a list of playable streams depends on, beside its question: the store, and the protocols that its URLs are of. */
export interface ListVersion {
  readonly store: StoreVersion
  readonly protocols: string
}

export const isSameVersion = (one: ListVersion, other: ListVersion): boolean =>
  one.store === other.store && one.protocols === other.protocols

/** While it stays the same, so does every list but for the time. */
export const listVersion = Effect.gen(function* () {
  const streams = yield* Streams
  const protocols = JSON.stringify(yield* enabledProtocols)
  const { version, now } = yield* streams.version
  return { version: { store: version, protocols }, now }
})

/** The same as `listActive`, for a reader that keeps the list of `since`: a `view` of `null` is as it was then. */
export const listSince = Effect.fn("listSince")(function* (
  filter: StreamFilter,
  page: PageRequest,
  since: ListVersion | null
) {
  const streams = yield* Streams
  const enabled = yield* enabledProtocols
  const protocols = JSON.stringify(enabled)
  const found = yield* streams.listSince(filter, page, since?.protocols === protocols ? since.store : null)
  const view = yield* withPlaybackUrls(found.now, enabled)
  const parts = yield* inTurns(
    found.items,
    (items) => items.map(({ id, stream }) => ({ id, view: stream === null ? null : view(stream) })),
    VIEWS_A_TURN
  )
  const version: ListVersion = { store: found.version, protocols }
  return { next: found.next, now: found.now, version, items: parts.flat() }
})

const viewOf = Effect.fnUntraced(function* (details: StreamDetails) {
  const view = yield* withPlaybackUrls(details.now)
  return { ...view(details.stream), broadcaster: details.broadcaster }
})

/** One stream, live or past, with all of its broadcaster. */
export const describeStream = Effect.fn("describeStream")(function* (id: StreamId) {
  const streams = yield* Streams
  const found = yield* streams.find(id)
  return Option.isNone(found) ? Option.none() : Option.some(yield* viewOf(found.value))
})

/** Its history, event by event; `None` when there is no such stream. */
export const streamEvents = Effect.fn("streamEvents")(function* (id: StreamId, afterSeq: number, limit: number) {
  const streams = yield* Streams
  if (Option.isNone(yield* streams.find(id))) return Option.none()
  return Option.some(yield* streams.events(id, afterSeq, limit))
})

/** Changes title, description, metadata, and where the recording lies. */
export const annotateStream = Effect.fn("annotateStream")(function* (id: StreamId, annotation: Annotation) {
  const streams = yield* Streams
  const found = yield* streams.annotate(id, annotation)
  return Option.isNone(found) ? Option.none() : Option.some(yield* viewOf(found.value))
})
