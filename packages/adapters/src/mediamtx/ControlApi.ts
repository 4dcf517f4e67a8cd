/**
 * One call to MediaMTX's control API, and the meaning of its answer. `makeControlApi` makes a `ControlApi` over HTTP. Tests
 * make one over a simulated MediaMTX in this process. `MediaMtx` decides which calls make a snapshot and how long they may
 * take. Nothing is retried and no redirect is followed. An error names method and route, never a path, an id, a header or a
 * body: they may hold keys.
 *
 * A 404 has two meanings, and only the body distinguishes them. JSON with an `error` comes from MediaMTX: the id or path does
 * not exist. The text `404 page not found` comes from its router: the route does not exist, because the protocol is off.
 */
import { MediaServerUnavailable, withChildSpanIfTraced } from "@greenroom/core"
import { Effect, type Redacted, Schema } from "effect"
import { HttpClient, type HttpClientError, HttpClientRequest } from "effect/http"
import { ErrorBody } from "./ControlApiSchema.ts"
import { MAX_BODY } from "./transport.ts"

export interface Address {
  /** The control API's base URL, such as `http://127.0.0.1:9997`. May have a path before `/v3`. Credentials in it are ignored. */
  readonly apiUrl: string
  readonly user: string
  readonly password: Redacted.Redacted<string>
}

export interface Call {
  readonly method: "GET" | "POST" | "DELETE"
  /** Relative to the API's address; errors name the call by it: `/v3/rtmpconns/get`. */
  readonly route: string
  /** The text after the route: a percent-encoded id, a query. */
  readonly rest?: string
  readonly body?: Readonly<Record<string, unknown>>
}

export type Answer =
  /** `body`: the JSON value, or the text when it is not JSON. */
  | { readonly _tag: "Ok"; readonly body: unknown }
  /** The id or path does not exist (404), or cannot be an id (400). `error` is MediaMTX's own sentence. */
  | { readonly _tag: "Refused"; readonly status: 400 | 404; readonly error: string }
  /** The route does not exist: the protocol is off, or the version is older than the route. */
  | { readonly _tag: "NoRoute" }

/** Whether MediaMTX itself denies the id: its list does not have it, or it cannot be one of its ids. */
export const deniesId = (answer: Extract<Answer, { _tag: "Refused" }>): boolean =>
  answer.status === 404 ? /not found$/.test(answer.error) : /uuid/i.test(answer.error)

export type ControlApi = (call: Call) => Effect.Effect<Answer, MediaServerUnavailable>

export const unavailable = (
  call: Call,
  reason: MediaServerUnavailable["reason"],
  detail: string
): MediaServerUnavailable => new MediaServerUnavailable({ reason, operation: `${call.method} ${call.route}`, detail })

export const makeControlApi = Effect.fnUntraced(function* (
  address: Address
): Effect.fn.Return<ControlApi, never, HttpClient.HttpClient> {
  const client = yield* HttpClient.HttpClient
  const base = address.apiUrl.replace(/\/+$/, "")
  const requestOf = (call: Call) => {
    const request = HttpClientRequest.make(call.method)(`${base}${call.route}${call.rest ?? ""}`).pipe(
      HttpClientRequest.basicAuth(address.user, address.password),
      HttpClientRequest.acceptJson
    )
    return call.body === undefined ? request : HttpClientRequest.bodyJsonUnsafe(request, call.body)
  }
  const ask = (call: Call) =>
    client.execute(requestOf(call)).pipe(
      Effect.flatMap((response) =>
        Effect.map(response.text, (text) => ({ status: response.status, body: jsonOf(text) }))
      ),
      Effect.mapError((error) => unavailable(call, ...transportFault(error))),
      Effect.flatMap((reply) => answerOf(call, reply)),
      // Its spans would hold the whole URL, with ids and paths.
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true)
    )
  return (call) => withChildSpanIfTraced(ask(call), `${call.method} ${call.route}`)
})

const transportFault = ({
  reason
}: HttpClientError.HttpClientError): readonly [MediaServerUnavailable["reason"], string] => {
  const cause = "cause" in reason ? reason.cause : undefined
  if (!(cause instanceof Error)) return ["unreachable", reason._tag]
  const code = "code" in cause ? String(cause.code) : cause.name
  if (code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") return ["nonsense", `the answer is longer than ${MAX_BODY} bytes`]
  return ["unreachable", cause.message.includes(code) ? cause.message : `${code} ${cause.message}`.trim()]
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
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

/** A body that is what its schema would make of it, which is not read again: of a simulated media server that makes no mistakes in JSON. */
export class Decoded {
  readonly value: unknown
  constructor(value: unknown) {
    this.value = value
  }
}

/** Reads the body of an `Ok`. The error's detail names the wrong field, not its value. */
export const decodeAnswer = <S extends Schema.ConstraintDecoder<unknown>>(schema: S) => {
  const decode = Schema.decodeUnknownEffect(schema)
  return (call: Call, body: unknown): Effect.Effect<S["Type"], MediaServerUnavailable> =>
    body instanceof Decoded
      ? Effect.succeed(body.value as S["Type"])
      : Effect.mapError(decode(body), (error) =>
          unavailable(call, "nonsense", `the answer does not decode: ${String(error.message).slice(0, 200)}`)
        )
}
