/** One stream, live or past, with all of its broadcaster; and its history, event by event. */
import { Effect, Option } from "effect"
import type { StreamId } from "../domain/values/Ids.ts"
import { type StreamDetails, Streams } from "../ports/Streams.ts"
import { withPlaybackUrls } from "./withPlaybackUrls.ts"

export const viewOf = Effect.fnUntraced(function* (details: StreamDetails) {
  const view = yield* withPlaybackUrls(details.now)
  return { ...view(details.stream), broadcaster: details.broadcaster }
})

export const describeStream = Effect.fn("describeStream")(function* (id: StreamId) {
  const streams = yield* Streams
  const found = yield* streams.find(id)
  return Option.isNone(found) ? Option.none() : Option.some(yield* viewOf(found.value))
})

/** `None` when there is no such stream. */
export const streamEvents = Effect.fn("streamEvents")(function* (id: StreamId, afterSeq: number, limit: number) {
  const streams = yield* Streams
  if (Option.isNone(yield* streams.find(id))) return Option.none()
  return Option.some(yield* streams.events(id, afterSeq, limit))
})
