/** A stream as a reader sees it: with URLs that play, while it is there to be played. */
import { Context, type DateTime, Effect } from "effect"
import type { LiveStream } from "../domain/LiveStream.ts"
import { nowhere, type PlaybackUrls, type PublicAddresses, playbackUrls } from "../domain/PlaybackUrls.ts"
import { MediaServer } from "../ports/MediaServer.ts"

/** Where the public reaches the media server, from the configuration. */
export class Addresses extends Context.Service<Addresses, PublicAddresses>()("greenroom/Addresses") {}

export interface StreamView {
  readonly stream: LiveStream
  readonly urls: PlaybackUrls
  /** The database's clock when the stream was read. */
  readonly now: DateTime.Utc
}

/** Adds the URLs to streams that were read at `now`. Before a stream is active and after it there is nothing to play: all `null`. */
export const viewer = Effect.fnUntraced(function* (now: DateTime.Utc) {
  const addresses = yield* Addresses
  const mediaServer = yield* MediaServer
  const served = yield* mediaServer.served
  return (stream: LiveStream): StreamView => ({
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
        : nowhere
  })
})
