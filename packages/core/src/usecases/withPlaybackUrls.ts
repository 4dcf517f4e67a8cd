/** A stream as a reader sees it: with URLs that play, while it is there to be played. */
import { Context, type DateTime, Effect } from "effect"
import type { LiveStream } from "../domain/streams/LiveStream.ts"
import { noEndpoints, type PlaybackUrls, type PublicEndpoints, playbackUrls } from "../domain/streams/PlaybackUrls.ts"
import { MediaServer } from "../ports/MediaServer.ts"

/** Where the public reaches the media server, from the configuration. */
export class Endpoints extends Context.Service<Endpoints, PublicEndpoints>()("greenroom/Endpoints") {}

export interface PlayableStream {
  readonly stream: LiveStream
  readonly urls: PlaybackUrls
  /** The database's clock when the stream was read. */
  readonly now: DateTime.Utc
}

/** Adds the URLs to streams that were read at `now`. Before a stream is active and after it there is nothing to play: all `null`. */
export const withPlaybackUrls = Effect.fnUntraced(function* (now: DateTime.Utc) {
  const addresses = yield* Endpoints
  const mediaServer = yield* MediaServer
  const served = yield* mediaServer.enabled
  return (stream: LiveStream): PlayableStream => ({
    stream,
    now,
    urls:
      stream.state._tag === "Active"
        ? playbackUrls(
            addresses,
            served,
            stream.path,
            stream.observation.tracks.map((track) => track.codec)
          )
        : noEndpoints
  })
})
