/** Who may watch a stream: everybody, or who has a token for it. */
import { Schema } from "effect"

/** `public`: everybody may watch. `token`: who shows a playback token for it. */
export const playbackPolicies = ["public", "token"] as const
export const PlaybackPolicy = Schema.Literals(playbackPolicies)
export type PlaybackPolicy = typeof PlaybackPolicy.Type

/** What the deployment decides where no key and no broadcaster does. */
export interface PlaybackDefaults {
  /** Of streams whose key and broadcaster have no policy (`PLAYBACK_DEFAULT`). */
  readonly streams: PlaybackPolicy
  /** Of paths with no stream and no key: cameras and other sources of the media server's own (`PLAYBACK_UNKNOWN_PATHS`: `allow` is `public`, `deny` is `token`). */
  readonly unknownPaths: PlaybackPolicy
}

/** Everything is open, as it was before there were tokens. */
export const openPlayback: PlaybackDefaults = { streams: "public", unknownPaths: "public" }
