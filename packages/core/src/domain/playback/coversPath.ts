/** Whether a token is for a path, by what is known of the path. */

import { parseLimit, within } from "../access/StreamPath.ts"
import type { BroadcasterId, StreamId } from "../values/Ids.ts"
import type { PlaybackPolicy } from "./PlaybackPolicy.ts"
import type { Coverage } from "./PlaybackToken.ts"
import { EVERY_PATH } from "./tokenClaims.ts"

/** What is known of a path at a moment. */
export interface PathFacts {
  readonly policy: PlaybackPolicy
  /** Whose stream is on it, or whose key it belongs to; `null`: it has no owner, as a camera of the media server's own. */
  readonly broadcasterId: BroadcasterId | null
  /** The stream that is on the air there. */
  readonly streamId: StreamId | null
}

/** Whether the path is among what the token is for. */
export const coversPath = (coverage: Coverage, path: string, { broadcasterId, streamId }: PathFacts): boolean => {
  switch (coverage._tag) {
    case "Path":
      return coverage.path === path
    case "Stream":
      return coverage.streamId === streamId
    case "Broadcaster":
      return coverage.broadcasterId === broadcasterId
    case "Pattern":
      return coverage.pattern === EVERY_PATH || within(parseLimit(coverage.pattern), path)
  }
}
