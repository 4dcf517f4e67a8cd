/** Who is live (or was: the filter says), from the store alone: it answers while the media server does not. */
import { Effect } from "effect"
import type { PageRequest } from "../ports/Page.ts"
import { type StreamFilter, Streams } from "../ports/Streams.ts"
import { inTurns } from "../Turns.ts"
import { withPlaybackUrls } from "./withPlaybackUrls.ts"

export const listActive = Effect.fn("listActive")(function* (filter: StreamFilter, page: PageRequest) {
  const streams = yield* Streams
  const found = yield* streams.list(filter, page)
  const view = yield* withPlaybackUrls(found.now)
  const parts = yield* inTurns(found.items, (streams) => streams.map(view))
  return { ...found, items: parts.flat() }
})
