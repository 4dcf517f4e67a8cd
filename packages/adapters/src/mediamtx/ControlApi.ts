/**
 * One call to MediaMTX's control API, and the meaning of its answer. `makeControlApi` makes a `ControlApi` over HTTP. Tests
 * make one over a simulated MediaMTX in this process. `MediaMtx` decides which calls make a snapshot and how long they may
 * take. Nothing is retried and no redirect is followed. An error names method and route, never a path, an id, a header or a
 * body: they may hold keys.
 *
 * A 404 has two meanings, and only the body distinguishes them. JSON with an `error` comes from MediaMTX: the id or path does
 * not exist. The text `404 page not found` comes from its router: the route does not exist, because the protocol is off.
 */
import type { MediaServerUnavailable } from "@greenroom/core"
import { outgoing, traceparent } from "@greenroom/core/internal"
import { Effect, Redacted, Schema } from "effect"
import { JsonBytes, jsonOf } from "./answerBody.ts"
import { type Call, unavailable } from "./Call.ts"
import { ErrorBody } from "./ControlApiSchema.ts"
import { describeRequests } from "./requestCall.ts"
import { type HttpRequest, MAX_BODY, type Send } from "./transport.ts"

export interface Address {
  /** The control API's base URL, such as `http://127.0.0.1:9997`. May have a path before `/v3`. Credentials in it are ignored. */
  readonly apiUrl: string
  readonly user: string
  readonly password: Redacted.Redacted<string>
}

export type Answer =
  /** `body`: `JsonBytes`, `Decoded`, or the JSON value. */
  | { readonly _tag: "Ok"; readonly body: unknown }
  /** The id or path does not exist (404), or cannot be an id (400). `error` is MediaMTX's own sentence. */
  | { readonly _tag: "Refused"; readonly status: 400 | 404; readonly error: string }
  /** The route does not exist: the protocol is off, or the version is older than the route. */
  | { readonly _tag: "NoRoute" }

/** Whether MediaMTX itself denies the id: its list does not have it, or it cannot be one of its ids. */
export const deniesId = (answer: Extract<Answer, { _tag: "Refused" }>): boolean =>
  answer.status === 404 ? /not found$/.test(answer.error) : /uuid/i.test(answer.error)

export type ControlApi = (call: Call) => Effect.Effect<Answer, MediaServerUnavailable>

export const makeControlApi = (address: Address, send: Send): ControlApi => {
  const { origin, pathname } = new URL(address.apiUrl)
  const base = pathname.replace(/\/+$/, "")
  const pair = `${address.user}:${Redacted.value(address.password)}`
  const headers = { accept: "application/json", authorization: `Basic ${Buffer.from(pair).toString("base64")}` }
  const withBody = { ...headers, "content-type": "application/json" }
  const requestOf = ({ method, route, rest = "", body }: Call, parent: string | undefined): HttpRequest => {
    const request = { origin, path: `${base}${route}${rest}`, method }
    const own = body === undefined ? headers : withBody
    const sent = parent === undefined ? own : { ...own, traceparent: parent }
    return body === undefined
      ? { ...request, headers: sent }
      : { ...request, headers: sent, body: JSON.stringify(body) }
  }
  const described = describeRequests(new URL(address.apiUrl))
  const sendCall = (call: Call) =>
    outgoing(
      Effect.withFiber((fiber) => send(requestOf(call, traceparent(fiber)))),
      described(call)
    )
  const ask = (call: Call) =>
    sendCall(call).pipe(
      Effect.mapError((error) => unavailable(call, ...transportFault(error))),
      Effect.flatMap(({ status, bytes }) =>
        answerOf(call, { status, body: status === 200 ? new JsonBytes(bytes) : jsonOf(bytes) })
      )
    )
  return ask
}

const transportFault = (error: Error): readonly [MediaServerUnavailable["reason"], string] => {
  const code = "code" in error ? String(error.code) : error.name
  if (code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") return ["nonsense", `the answer is longer than ${MAX_BODY} bytes`]
  return ["unreachable", error.message.includes(code) ? error.message : `${code} ${error.message}`.trim()]
}

const decodeError = Schema.decodeUnknownOption(ErrorBody)

export interface Reply {
  readonly status: number
  /** The JSON value, or the text when it is not JSON. */
  readonly body: unknown
}

export const answerOf = (call: Call, { status, body }: Reply): Effect.Effect<Answer, MediaServerUnavailable> => {
  if (status === 200) return Effect.succeed({ _tag: "Ok", body })
  if (status === 401 || status === 403) return Effect.fail(unavailable(call, "refused", `status ${status}`))
  if (status === 404 && typeof body === "string" && body.trim() === "404 page not found")
    return Effect.succeed({ _tag: "NoRoute" })
  const refusal = status === 404 || status === 400 ? decodeError(body) : undefined
  return refusal?._tag === "Some"
    ? Effect.succeed({ _tag: "Refused", status: status as 400 | 404, error: refusal.value.error })
    : Effect.fail(unavailable(call, "nonsense", `status ${status}`))
}
