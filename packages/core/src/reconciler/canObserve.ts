/**
 * Whether anybody can look at the media server at all. Only while nobody can is a hook believed, and a stream ended by an operator's
 * word alone. Two things must agree: no instance has looked for a while, and this one is not answered when it asks.
 */
import { Effect } from "effect"
import { MediaServer } from "../ports/MediaServer.ts"

/** A look that began within this time stands, whoever looked. */
export const SNAPSHOT_VALID_MS = 3_000

/** An id that no connection has. Asked for in RTMP's lists: those answer whatever else hangs, and no RTSP kick is in their way. */
const nobody = { protocol: "rtmp", id: "00000000-0000-4000-8000-000000000000" } as const

/** The media server says something, or that we may not ask: it is there. */
const isAnswered = Effect.gen(function* () {
  const mediaServer = yield* MediaServer
  return yield* mediaServer.find(nobody).pipe(
    Effect.as(true),
    Effect.catchTag("MediaServerUnavailable", (error) => Effect.succeed(error.reason === "refused"))
  )
})

/** `lookAge`: how long ago, at the least, the last complete look of any instance began, in milliseconds; `null` when there was none. */
export const isUnobservable = Effect.fnUntraced(function* (lookAge: number | null) {
  if (lookAge !== null && lookAge < SNAPSHOT_VALID_MS) return false
  return !(yield* isAnswered)
})
