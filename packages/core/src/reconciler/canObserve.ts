/**
 * Whether any instance can observe the media server at all. Only while none can are hooks applied, and streams ended on an operator's
 * request without the media server's confirmation. Two things must agree: no instance has taken a snapshot for a while, and this one gets no answer when it asks.
 */
import { Effect } from "effect"
import { MediaServer } from "../ports/MediaServer.ts"

/** A snapshot that began within this time is valid, whichever instance took it. */
export const SNAPSHOT_VALID_MS = 3_000

/** An id that no connection has. Asked for in RTMP's lists: those answer whatever else hangs, and no RTSP kick is in their way. */
const unknownSource = { protocol: "rtmp", id: "00000000-0000-4000-8000-000000000000" } as const

/** A refusal is an answer, too: the media server is there. */
const isAnswered = Effect.gen(function* () {
  const mediaServer = yield* MediaServer
  return yield* mediaServer.find(unknownSource).pipe(
    Effect.as(true),
    Effect.catchTag("MediaServerUnavailable", (error) => Effect.succeed(error.reason === "refused"))
  )
})

/** `snapshotAge`: how long ago, at the least, the last complete snapshot of any instance began, in milliseconds; `null` when there was none. */
export const isUnobservable = Effect.fnUntraced(function* (snapshotAge: number | null) {
  if (snapshotAge !== null && snapshotAge < SNAPSHOT_VALID_MS) return false
  return !(yield* isAnswered)
})
