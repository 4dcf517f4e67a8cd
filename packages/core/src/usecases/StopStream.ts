/** Takes one stream off the air; its key stays good, and the encoder may come back. */
import { Effect, Option } from "effect"
import type { StreamId } from "../domain/Ids.ts"
import { Sessions } from "../ports/Sessions.ts"
import { Streams } from "../ports/Streams.ts"
import { describeStream } from "./DescribeStream.ts"
import { confirmOffAir } from "./takeOffAir.ts"

/** `None` when there is no such stream; otherwise the stream as it is now, and whether it has left the media server. */
export const stopStream = Effect.fn("stopStream")(function* (id: StreamId) {
  const sessions = yield* Sessions
  const streams = yield* Streams
  if (Option.isNone(yield* streams.find(id))) return Option.none()
  yield* sessions.requestStop(id, "stopped", null)
  const offAir = yield* confirmOffAir([id])
  return Option.map(yield* describeStream(id), (view) => ({ ...view, offAir }))
})
