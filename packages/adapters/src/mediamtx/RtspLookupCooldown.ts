/**
 * Suspends RTSP lookups after one that got no answer. Such a lookup delays its own auth call and those behind it by its whole
 * deadline. RTSP encoders that reconnect all at once could otherwise delay every auth call without end.
 */
import { MediaServerUnavailable } from "@greenroom/core"
import { monotonicMillis } from "@greenroom/core/internal"
import { Effect } from "effect"

/** No RTSP lookup is sent for this long after one without an answer, so that other auth calls get through. */
const RTSP_PAUSE_MS = 1_000

/** The error of a call that failed names its route. The error of a deadline that passed names the operation. */
const isDeadline = ({ operation }: MediaServerUnavailable) => operation === "find"

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
        if (isDeadline(error)) pausedUntil = now + RTSP_PAUSE_MS
      })
    )
  })
}
