/** What this deployment decides where no key and no broadcaster does: `PLAYBACK_DEFAULT` and `PLAYBACK_UNKNOWN_PATHS`. */
import { Context } from "effect"
import { type PlaybackDefaults as Defaults, openPlayback } from "../domain/playback/PlaybackPolicy.ts"

export const PlaybackDefaults = Context.Reference<Defaults>("greenroom/PlaybackDefaults", {
  defaultValue: () => openPlayback
})
