/** One call to MediaMTX's control API, and the error that names it: by method and route, never by a path, an id, a header or a body. */
import { MediaServerUnavailable } from "@greenroom/core"

export interface Call {
  readonly method: "GET" | "POST" | "DELETE"
  /** Relative to the API's address; errors name the call by it: `/v3/rtmpconns/get`. */
  readonly route: string
  /** The text after the route: a percent-encoded id, a query. */
  readonly rest?: string
  readonly body?: Readonly<Record<string, unknown>>
}

export const unavailable = (
  call: Call,
  reason: MediaServerUnavailable["reason"],
  detail: string
): MediaServerUnavailable => new MediaServerUnavailable({ reason, operation: `${call.method} ${call.route}`, detail })
