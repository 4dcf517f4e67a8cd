/**
 * An RTSP lookup that got no answer has held up, for its whole deadline, the auth that asked it and those behind it; RTSP encoders
 * that come back all at once would hold up everybody for good. After one, none is sent for a second.
 */
import { MediaServerUnavailable, monotonicMillis } from "@greenroom/core"
import { Effect } from "effect"

const RTSP_PAUSE_MS = 1_000

/** A call that failed by itself names its route; one whose deadline has passed names the operation. */
const isTimeUp = ({ operation }: MediaServerUnavailable) => operation === "find"

export type RtspLookupCooldown = <A>(
  lookup: Effect.Effect<A, MediaServerUnavailable>
) => Effect.Effect<A, MediaServerUnavailable>

export const makeRtspLookupCooldown = (): RtspLookupCooldown => {
  let pausedUntil = Number.NEGATIVE_INFINITY
  return Effect.fnUntraced(function* <A>(lookup: Effect.Effect<A, MediaServerUnavailable>) {
    if ((yield* monotonicMillis) < pausedUntil) {
      const detail = "the last RTSP lookup got no answer"
      return yield* new MediaServerUnavailable({ reason: "unreachable", operation: "find", detail })
    }
    return yield* Effect.tapError(lookup, (error) =>
      Effect.map(monotonicMillis, (now) => {
        if (isTimeUp(error)) pausedUntil = now + RTSP_PAUSE_MS
      })
    )
  })
}
