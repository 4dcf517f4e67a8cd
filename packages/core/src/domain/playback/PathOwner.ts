/** Whose a path is, and what follows for who may watch it. */
import type { BroadcasterId, StreamId } from "../values/Ids.ts"
import type { PathFacts } from "./coversPath.ts"
import type { PlaybackDefaults, PlaybackPolicy } from "./PlaybackPolicy.ts"

export interface PathOwner {
  readonly broadcasterId: BroadcasterId
  /** The open stream on it; `null`: there is none, and a key has the path. */
  readonly streamId: StreamId | null
  /** Of the key, else of the broadcaster; `null`: neither has one. */
  readonly playback: PlaybackPolicy | null
}

/** `owner`: `null` of a camera, or another source of the media server's own. */
export const factsOfPath = (owner: PathOwner | null, { streams, unknownPaths }: PlaybackDefaults): PathFacts =>
  owner === null
    ? { policy: unknownPaths, broadcasterId: null, streamId: null }
    : { policy: owner.playback ?? streams, broadcasterId: owner.broadcasterId, streamId: owner.streamId }

/**
 * Of a worker's output, which is as public as its source (`source`: the owner of that one's path). A source may end before its output, and then is no stream any more: what
 * was private stays so.
 */
export const factsOfOutput = (
  source: PathOwner | null,
  output: PathOwner | null,
  defaults: PlaybackDefaults
): PathFacts => {
  const { policy, broadcasterId } = factsOfPath(source, defaults)
  const isPrivate = source === null && output !== null && factsOfPath(output, defaults).policy === "token"
  return {
    policy: isPrivate ? "token" : policy,
    broadcasterId: broadcasterId ?? output?.broadcasterId ?? null,
    streamId: output?.streamId ?? null
  }
}
