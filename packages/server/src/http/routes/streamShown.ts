/** A stream as the API shows it: its state taken apart, with its tracks, its addresses and its age. Pure. */
import {
  type Broadcaster,
  eventData,
  type LiveStream,
  type PlayableStream,
  type StreamEvent,
  statusOf,
  type Track
} from "@greenroom/core"
import { DateTime } from "effect"

/** A stream that has ended is no longer being taken off the air. */
export const stateShown = ({ state }: LiveStream) => ({
  status: statusOf(state),
  sourceType: state._tag === "Connecting" ? null : state.sourceType,
  startedAt: state.startedAt,
  readyAt: state._tag === "Connecting" ? null : state.readyAt,
  endedAt: state._tag === "Inactive" ? state.endedAt : null,
  endReason: state._tag === "Inactive" ? state.reason : null,
  ending: state._tag === "Inactive" ? null : state.ending
})

/** Whole seconds between two times in milliseconds; 0 where the clock was set back in between. */
export const wholeSeconds = (from: number, to: number): number => Math.max(0, Math.floor((to - from) / 1000))

const secondsOnAir = ({ stream: { state }, now }: PlayableStream): number =>
  wholeSeconds(
    DateTime.toEpochMillis(state.startedAt),
    DateTime.toEpochMillis(state._tag === "Inactive" ? state.endedAt : now)
  )

const textOrNull = (value: unknown): string | null =>
  typeof value === "string" || typeof value === "number" ? String(value) : null
const wholeOrNull = (value: unknown): number | null => (Number.isSafeInteger(value) ? (value as number) : null)
const flagOrNull = (value: unknown): boolean | null => (typeof value === "boolean" ? value : null)

/** The properties that MediaMTX gives its codecs, all of them in every track. Profiles and levels are numbers with some codecs. */
export const trackShown = (track: Track) => ({
  codec: track.codec,
  profile: textOrNull(track.profile),
  level: textOrNull(track.level),
  tier: wholeOrNull(track.tier),
  width: wholeOrNull(track.width),
  height: wholeOrNull(track.height),
  sampleRate: wholeOrNull(track.sampleRate),
  channelCount: wholeOrNull(track.channelCount),
  bitDepth: wholeOrNull(track.bitDepth),
  muLaw: flagOrNull(track.muLaw)
})

export const streamShown = (view: PlayableStream) => {
  const { observation, ...stream } = view.stream
  return {
    ...stream,
    ...stateShown(view.stream),
    ...observation,
    tracks: observation.tracks.map(trackShown),
    durationSeconds: secondsOnAir(view),
    playback: view.policy,
    urls: view.urls,
    unplayable: view.unplayable
  }
}

export const streamDetailsShown = (view: PlayableStream & { readonly broadcaster: Broadcaster }) => ({
  ...streamShown(view),
  broadcaster: view.broadcaster
})

/** Of `GET /streams/{id}/events`. */
export const transitionShown = (event: StreamEvent) => ({
  seq: event.seq,
  type: event.type,
  at: event.at,
  data: eventData(event)
})
