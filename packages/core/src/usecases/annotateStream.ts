/** Changes what people say about a stream: title, description, metadata, where its recording lies. */
import { Effect, Option } from "effect"
import type { StreamId } from "../domain/values/Ids.ts"
import { type Annotation, Streams } from "../ports/Streams.ts"
import { viewOf } from "./describeStream.ts"

export const annotateStream = Effect.fn("annotateStream")(function* (id: StreamId, annotation: Annotation) {
  const streams = yield* Streams
  const found = yield* streams.annotate(id, annotation)
  return Option.isNone(found) ? Option.none() : Option.some(yield* viewOf(found.value))
})
