/** Random streams: histories that the state machine allows, the states that they lead to, and what is around a state. */
import {
  type Broadcaster,
  EndReason,
  type ExternalId,
  endReasonOf,
  foldEvents,
  type LiveStream,
  type Observation,
  type PlaybackPolicy,
  protocols,
  type SessionChange,
  type SessionState,
  type Source,
  StopReason,
  type StoredSession,
  type StreamEvent,
  type StreamKey,
  sourceTypes,
  type Track,
  type Usage
} from "@greenroom/core"
import { Arbitrary, Result } from "effect"
import { boolean, element, integer, maybe, oneOf } from "./draw.ts"
import { at, broadcasterIds, streamIds, streamKeyIds, timestamps } from "./idsAndTimes.ts"
import { keyPrefixes, limitTexts, lines, metadata, paragraphs, validPaths } from "./text.ts"

export const protocol: Arbitrary.Arbitrary<(typeof protocols)[number]> = element(protocols)
export const stopReasons: Arbitrary.Arbitrary<StopReason> = element(StopReason.literals)
export const endReasons: Arbitrary.Arbitrary<EndReason> = element(EndReason.literals)
export const sourceIds: Arbitrary.Arbitrary<string> = Arbitrary.map(integer(0, 0xffff), (n) => `source-${n}`)
export const sources: Arbitrary.Arbitrary<Source> = Arbitrary.all({ protocol: maybe(protocol, 1), id: sourceIds })

/** Any change, whether or not a state allows it. */
export const sessionChanges: Arbitrary.Arbitrary<SessionChange> = oneOf<SessionChange>([
  element<SessionChange>([{ type: "admitted" }, { type: "kicked" }]),
  Arbitrary.map(protocol, (of): SessionChange => ({ type: "ready", sourceType: sourceTypes[of] })),
  Arbitrary.map(stopReasons, (reason): SessionChange => ({ type: "stop_requested", reason })),
  Arbitrary.map(endReasons, (reason): SessionChange => ({ type: "ended", reason }))
])

/** Any event, whether or not a history allows it. */
export const streamEvents: Arbitrary.Arbitrary<StreamEvent> = Arbitrary.map(
  Arbitrary.all({ change: sessionChanges, seq: integer(1, 20), at: timestamps }),
  ({ change, ...rest }) => ({ ...change, ...rest })
)

const ends = element([null, "left", "media_server_restarted"] as const)

/** Whole histories, from `admitted` on, numbered 1, 2, 3, …: what `foldEvents` takes. */
export const histories: Arbitrary.Arbitrary<ReadonlyArray<StreamEvent>> = Arbitrary.map(
  Arbitrary.all({
    ready: maybe(protocol, 1),
    stop: maybe(stopReasons, 2),
    kicked: boolean,
    stopFirst: boolean,
    end: ends,
    step: element([1, 0, 60_000])
  }),
  ({ ready, stop, kicked, stopFirst, end, step }) => {
    const becomesReady: ReadonlyArray<SessionChange> =
      ready === null ? [] : [{ type: "ready", sourceType: sourceTypes[ready] }]
    const stops: ReadonlyArray<SessionChange> =
      stop === null ? [] : [{ type: "stop_requested", reason: stop }, ...(kicked ? [{ type: "kicked" } as const] : [])]
    const moves = stopFirst ? [...stops, ...becomesReady] : [...becomesReady, ...stops]
    const changes: Array<SessionChange> = [{ type: "admitted" }, ...moves]
    const eventsOf = () => changes.map((change, n): StreamEvent => ({ ...change, seq: n + 1, at: at(n * step) }))
    const state = Result.getOrThrow(foldEvents(eventsOf()))
    if (end !== null && state._tag !== "Inactive") changes.push({ type: "ended", reason: endReasonOf(state, end) })
    return eventsOf()
  }
)

export const sessionStates: Arbitrary.Arbitrary<SessionState> = Arbitrary.map(histories, (history) =>
  Result.getOrThrow(foldEvents(history))
)

type OpenState = StoredSession["state"]

export const openSessionStates: Arbitrary.Arbitrary<OpenState> = Arbitrary.filter(
  sessionStates,
  (state): state is OpenState => state._tag !== "Inactive"
)

export const tracks: Arbitrary.Arbitrary<Track> = element<Track>([
  { codec: "H264" },
  { codec: "H264", width: 1920, height: 1080, profile: "High", level: "4.1" },
  { codec: "MPEG-4 Audio", sampleRate: 44_100, channelCount: 2 },
  { codec: "Opus" },
  { codec: "a codec that nothing knows" }
])

export const observations: Arbitrary.Arbitrary<Observation> = Arbitrary.all({
  tracks: Arbitrary.array(tracks, { maxLength: 3 }),
  viewerCount: element([0, 1, 1_000]),
  inboundBytes: element([0, 1, 5_000_000_000, Number.MAX_SAFE_INTEGER])
})

export const usages: Arbitrary.Arbitrary<Usage> = Arbitrary.all({
  streams: integer(0, 1_000),
  seconds: Arbitrary.map(integer(0, 86_400_000), (millis) => millis / 1_000),
  bytes: element([0, 1, 5_000_000_000])
})

export const playbackPolicies: Arbitrary.Arbitrary<PlaybackPolicy | null> = element([null, "public", "token"] as const)

export const externalIds: Arbitrary.Arbitrary<ExternalId> = Arbitrary.map(lines, (line) => line as ExternalId)

export const broadcasters: Arbitrary.Arbitrary<Broadcaster> = Arbitrary.all({
  id: broadcasterIds,
  externalId: maybe(externalIds),
  displayName: lines,
  contact: maybe(lines),
  metadata,
  playback: playbackPolicies,
  createdAt: timestamps,
  updatedAt: timestamps
})

export const streamKeys: Arbitrary.Arbitrary<StreamKey> = Arbitrary.all({
  id: streamKeyIds,
  keyPrefix: keyPrefixes,
  broadcasterId: broadcasterIds,
  broadcaster: Arbitrary.all({ displayName: lines, deleted: boolean }),
  label: maybe(lines),
  path: maybe(limitTexts),
  playback: playbackPolicies,
  enabled: element([true, true, false]),
  createdAt: timestamps,
  expiresAt: maybe(timestamps),
  revokedAt: maybe(timestamps, 2),
  revokesAt: maybe(timestamps, 2),
  rotatedTo: maybe(streamKeyIds, 2),
  rotatedFrom: maybe(streamKeyIds, 2),
  block: maybe(Arbitrary.all({ path: validPaths, until: timestamps }), 2),
  lastUsedAt: maybe(timestamps),
  activeStreamId: maybe(streamIds)
})

export const storedSessions: Arbitrary.Arbitrary<StoredSession> = Arbitrary.all({
  streamId: streamIds,
  streamKeyId: streamKeyIds,
  path: validPaths,
  source: sources,
  state: openSessionStates
})

export const liveStreams: Arbitrary.Arbitrary<LiveStream> = Arbitrary.all({
  id: streamIds,
  streamKeyId: streamKeyIds,
  broadcaster: Arbitrary.all({ id: broadcasterIds, displayName: lines }),
  path: validPaths,
  protocol: maybe(protocol, 1),
  sourceId: sourceIds,
  playback: playbackPolicies,
  title: maybe(lines),
  description: maybe(paragraphs),
  metadata,
  recordingRef: maybe(lines),
  state: sessionStates,
  observation: observations,
  stateAsOf: maybe(timestamps)
})
