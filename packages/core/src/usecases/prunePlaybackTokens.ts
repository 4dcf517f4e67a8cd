/** Prunes the playback tokens in the background: what has expired, and revocations that cannot matter any more. Any instance may do it, several at once, too. */
import { Effect } from "effect"
import { PlaybackTokens, TOKENS_KEPT_DAYS } from "../ports/PlaybackTokens.ts"
import { pruneInBatches } from "./pruneInBatches.ts"
import { pruneRegularly } from "./pruneRegularly.ts"

const pruneAll = Effect.fn("prunePlaybackTokens")(function* () {
  const tokens = yield* PlaybackTokens
  yield* pruneInBatches("playback_tokens", TOKENS_KEPT_DAYS, (limit) => tokens.prune(TOKENS_KEPT_DAYS, limit))
})

/** Runs until it is interrupted. */
export const prunePlaybackTokens = pruneRegularly(
  { kind: "playback_tokens_not_pruned", what: "expired playback tokens" },
  pruneAll()
)
