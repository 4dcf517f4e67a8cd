/**
 * The streams as people read them: listed, described with their history, annotated, and with URLs that play while there is something to play.
 * All of it comes from the store, so it answers while the media server does not.
 */
import { Context, type DateTime, Effect, Option, Schema } from "effect"
import { StreamPath } from "../domain/access/StreamPath.ts"
import { streamImage } from "../domain/audit/images.ts"
import type { PlaybackPolicy } from "../domain/playback/PlaybackPolicy.ts"
import { Description, type LiveStream, RecordingRef, streamStatuses, Title } from "../domain/streams/LiveStream.ts"
import {
  type EnabledProtocols,
  notActive,
  type Playback,
  type PublicEndpoints,
  playbackOf
} from "../domain/streams/PlaybackUrls.ts"
import type { StreamDetails } from "../domain/streams/StreamDetails.ts"
import { BroadcasterId, StreamId, StreamKeyId } from "../domain/values/Ids.ts"
import { Metadata } from "../domain/values/Metadata.ts"
import { PlaybackDefaults } from "../playback/PlaybackDefaults.ts"
import { MediaServer } from "../ports/MediaServer.ts"
import type { PageRequest } from "../ports/Page.ts"
import { type Annotation, type StoreVersion, type StreamFilter, Streams } from "../ports/Streams.ts"
import { inTurns } from "../Turns.ts"
import { AfterSeq, ListLimit, pageFields } from "./argumentSchemas.ts"
import { audited } from "./audited.ts"
import { checkArguments } from "./InvalidArgument.ts"
import { visibleToCaller, withinCallersLimit } from "./visibleToCaller.ts"

const optionalText = <S extends Schema.Top>(text: S) => Schema.optionalKey(Schema.NullOr(text))
const filterFields = {
  status: Schema.NonEmptyArray(Schema.Literals(streamStatuses)),
  broadcasterId: Schema.optionalKey(BroadcasterId),
  streamKeyId: Schema.optionalKey(StreamKeyId),
  path: Schema.optionalKey(StreamPath),
  at: Schema.optionalKey(Schema.DateTimeUtc)
}
const listFields = { ...filterFields, ...pageFields }
const check = {
  listActive: checkArguments("listActive", listFields),
  listSince: checkArguments("listSince", listFields),
  count: checkArguments("countStreams", filterFields),
  describe: checkArguments("describeStream", { id: StreamId }),
  events: checkArguments("streamEvents", { id: StreamId, afterSeq: AfterSeq, limit: ListLimit }),
  annotate: checkArguments("annotateStream", {
    id: StreamId,
    title: optionalText(Title),
    description: optionalText(Description),
    metadata: Schema.optionalKey(Metadata),
    recordingRef: optionalText(RecordingRef)
  })
}

/** Where the public reaches the media server, from the configuration. */
export class Endpoints extends Context.Service<Endpoints, PublicEndpoints>()("greenroom/Endpoints") {}

export interface PlayableStream extends Playback {
  readonly stream: LiveStream
  /** Who may watch it: its own policy, else the deployment's. */
  readonly policy: PlaybackPolicy
  /** The database's clock when the stream was read. */
  readonly now: DateTime.Utc
}

const enabledProtocols = Effect.flatMap(MediaServer, ({ enabled }) => enabled)

/** Adds the URLs to a stream as it was at `now`, or why there are none. Before it is active and after that there is nothing to play. */
export const makePlayable = Effect.fnUntraced(function* (enabled?: EnabledProtocols) {
  const endpoints = yield* Endpoints
  const protocols = enabled ?? (yield* enabledProtocols)
  const defaults = yield* PlaybackDefaults
  return (stream: LiveStream, now: DateTime.Utc): PlayableStream => ({
    stream,
    policy: stream.playback ?? defaults.streams,
    now,
    ...(stream.state._tag === "Active"
      ? playbackOf(
          endpoints,
          protocols,
          stream.path,
          stream.observation.tracks.map((track) => track.codec)
        )
      : notActive)
  })
})

/** The same of streams that were read at once. */
const withPlaybackUrls = (now: DateTime.Utc, enabled?: EnabledProtocols) =>
  Effect.map(makePlayable(enabled), (playable) => (stream: LiveStream) => playable(stream, now))

/** So many take less than a millisecond. */
const VIEWS_A_TURN = 250

/** How many streams the whole list has. */
export const countStreams = Effect.fn("countStreams")(function* (filter: StreamFilter) {
  const checked = yield* check.count({ ...filter })
  const streams = yield* Streams
  return yield* streams.count(yield* withinCallersLimit(checked))
})

/** Streams that are live, or were: the filter decides. */
export const listActive = Effect.fn("listActive")(function* (filter: StreamFilter, page: PageRequest) {
  const { limit, after, ...checked } = yield* check.listActive({ ...filter, ...page })
  const streams = yield* Streams
  const found = yield* streams.list(yield* withinCallersLimit(checked), { limit, after })
  const view = yield* withPlaybackUrls(found.now)
  const parts = yield* inTurns(found.items, (streams) => streams.map(view), VIEWS_A_TURN)
  return { ...found, items: parts.flat() }
})

/** What a list of playable streams depends on, beside its question: the store, and the protocols that its URLs are of. */
export interface ListVersion {
  readonly store: StoreVersion
  readonly protocols: string
}

/** Whether a list of one version is right at the other. */
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
  const { limit, after, ...checked } = yield* check.listSince({ ...filter, ...page })
  const streams = yield* Streams
  const enabled = yield* enabledProtocols
  const protocols = JSON.stringify(enabled)
  const found = yield* streams.listSince(
    yield* withinCallersLimit(checked),
    { limit, after },
    since?.protocols === protocols ? since.store : null
  )
  const view = yield* withPlaybackUrls(found.now, enabled)
  const parts = yield* inTurns(
    found.items,
    (items) => items.map(({ id, stream }) => ({ id, view: stream === null ? null : view(stream) })),
    VIEWS_A_TURN
  )
  const version: ListVersion = { store: found.version, protocols }
  return { next: found.next, now: found.now, version, items: parts.flat() }
})

export const visibleStream = visibleToCaller<StreamDetails>(({ broadcaster }) => broadcaster.id)

const viewOf = Effect.fnUntraced(function* (details: StreamDetails) {
  const view = yield* withPlaybackUrls(details.now)
  return { ...view(details.stream), broadcaster: details.broadcaster }
})

/** One stream, live or past, with all of its broadcaster. */
export const describeStream = Effect.fn("describeStream")(function* (id: StreamId) {
  const checked = yield* check.describe({ id })
  const streams = yield* Streams
  const found = yield* visibleStream(yield* streams.find(checked.id))
  return Option.isNone(found) ? Option.none() : Option.some(yield* viewOf(found.value))
})

/** Its history, event by event; `None` when there is no such stream. */
export const streamEvents = Effect.fn("streamEvents")(function* (id: StreamId, afterSeq: number, limit: number) {
  const checked = yield* check.events({ id, afterSeq, limit })
  const streams = yield* Streams
  if (Option.isNone(yield* visibleStream(yield* streams.find(checked.id)))) return Option.none()
  return Option.some(yield* streams.events(checked.id, checked.afterSeq, checked.limit))
})

/** Changes title, description, metadata, and where the recording lies. */
export const annotateStream = Effect.fn("annotateStream")(function* (id: StreamId, annotation: Annotation) {
  const { id: known, ...checked } = yield* check.annotate({ ...annotation, id })
  const streams = yield* Streams
  const annotating = Effect.gen(function* () {
    const before = yield* visibleStream(yield* streams.find(known))
    return { before, after: Option.isNone(before) ? before : yield* streams.annotate(known, checked) }
  })
  const { after: found } = yield* audited("stream.change", annotating, ({ before, after }) =>
    Option.isNone(after)
      ? null
      : {
          resourceId: known,
          broadcasterId: after.value.broadcaster.id,
          before: Option.getOrNull(Option.map(before, ({ stream }) => streamImage(stream))),
          after: streamImage(after.value.stream)
        }
  )
  return Option.isNone(found) ? Option.none() : Option.some(yield* viewOf(found.value))
})
