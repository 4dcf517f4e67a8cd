/** A playback token as the API shows it: what it is for, in members of its own. Pure. */
import type { PlaybackToken as Token } from "@greenroom/core"
import type { PlaybackToken } from "../api/playbackTokenSchemas.ts"

export const playbackTokenShown = ({ coverage, ...token }: Token): typeof PlaybackToken.Type => ({
  ...token,
  path: coverage._tag === "Path" ? coverage.path : null,
  streamId: coverage._tag === "Stream" ? coverage.streamId : null,
  pattern: coverage._tag === "Pattern" ? coverage.pattern : null
})
