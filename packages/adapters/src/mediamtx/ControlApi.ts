/**
 * One HTTP call to MediaMTX's control API, and what its answer amounts to. Which calls make a look, and how long they may take,
 * is left to `MediaMtx`. Nothing is retried and no redirect is followed. An error names method and route, never a path, an id, a
 * header or a body: they may hold keys.
 *
 * A 404 has two meanings here, told apart by the body alone. MediaMTX's own, JSON with an `error`, says that the id or path is
 * not there. Its router's, the text `404 page not found`, says that the route is not there: the protocol is off.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { MediaServerUnavailable } from "@greenroom/core"
import { Effect, type Layer, type Redacted, Schema } from "effect"
import { HttpClient, type HttpClientError, HttpClientRequest } from "effect/http"
import { ErrorBody } from "./Wire.ts"

export interface Address {
  /** Of the control API, such as `http://127.0.0.1:9997`; a path in front of `/v3` is kept, userinfo is not used. */
  readonly apiUrl: string
  readonly user: string
  readonly password: Redacted.Redacted<string>
}

export interface Call {
  readonly method: "GET" | "POST" | "DELETE"
  /** Below the API's address, and what stands for it in errors: `/v3/rtmpconns/get`. */
  readonly route: string
  /** What follows the route: a percent-encoded id, a query. */
  readonly rest?: string
  readonly body?: Readonly<Record<string, unknown>>
}

export type Answer =
  | { readonly _tag: "Ok"; readonly text: string }
  /** The id or path is not there (404), or cannot be an id (400). `error` is MediaMTX's own sentence. */
  | { readonly _tag: "Refused"; readonly status: 400 | 404; readonly error: string }
  /** The route is not there: the protocol is off, or the version older than the route. */
  | { readonly _tag: "NoRoute" }

/** MediaMTX itself denies the id: it is in no such list, or cannot be one of its ids. */
export const saysGone = (answer: Extract<Answer, { _tag: "Refused" }>): boolean =>
  answer.status === 404 ? /not found$/.test(answer.error) : /uuid/i.test(answer.error)

export type ControlApi = (call: Call) => Effect.Effect<Answer, MediaServerUnavailable>

/** 10,000 paths with two tracks each are 7 MB. */
const MAX_BODY = 64 * 1024 * 1024

/**
 * Shorter than any `readTimeout` in use (MediaMTX closes idle connections after it, or after 30 s): a call must not be sent into
 * a connection that is being closed. Longer than the second between two looks, and shorter than two: a network that forgot its
 * connections swallows one look's first attempt, not its second.
 */
const KEEP_ALIVE_MS = 1_500

/** A lost SYN is sent again after 1 s, then after 2 s, 4 s, …: a network that is back must not wait for those. */
const CONNECT_WITHIN_MS = 1_500

export const layerHttpClient: Layer.Layer<HttpClient.HttpClient> = NodeHttpClient.layerUndiciOptions({
  keepAliveTimeout: KEEP_ALIVE_MS,
  keepAliveMaxTimeout: KEEP_ALIVE_MS,
  connectTimeout: CONNECT_WITHIN_MS,
  maxResponseSize: MAX_BODY,
  connections: 64
})

export const unavailable = (
  call: Call,
  reason: MediaServerUnavailable["reason"],
  detail: string
): MediaServerUnavailable => new MediaServerUnavailable({ reason, operation: `${call.method} ${call.route}`, detail })

/** `onCut` is called when a connection was refused or cut, which a process that ends does to all of its own. */
export const makeControlApi = Effect.fnUntraced(function* (
  address: Address,
  onCut: () => void = () => {}
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
  return (call) =>
    client.execute(requestOf(call)).pipe(
      Effect.flatMap((response) => Effect.map(response.text, (text) => ({ status: response.status, text }))),
      Effect.mapError((error) => {
        if (cutCodes.has(codeOf(causeOf(error)))) onCut()
        return unavailable(call, ...transportFault(error))
      }),
      Effect.flatMap(({ status, text }) => answerOf(call, status, text)),
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true)
    )
})

const causeOf = ({ reason }: HttpClientError.HttpClientError): Error | undefined =>
  "cause" in reason && reason.cause instanceof Error ? reason.cause : undefined

const codeOf = (cause: Error | undefined): string =>
  cause === undefined ? "" : "code" in cause ? String(cause.code) : cause.name

const cutCodes: ReadonlySet<string> = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "UND_ERR_SOCKET"])

const transportFault = (
  error: HttpClientError.HttpClientError
): readonly [MediaServerUnavailable["reason"], string] => {
  const cause = causeOf(error)
  if (cause === undefined) return ["unreachable", error.reason._tag]
  const code = codeOf(cause)
  if (code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") return ["nonsense", `the answer is longer than ${MAX_BODY} bytes`]
  return ["unreachable", cause.message.includes(code) ? cause.message : `${code} ${cause.message}`.trim()]
}

const decodeError = Schema.decodeUnknownOption(Schema.fromJsonString(ErrorBody))

const answerOf = (call: Call, status: number, text: string): Effect.Effect<Answer, MediaServerUnavailable> => {
  if (status === 200) return Effect.succeed({ _tag: "Ok", text })
  if (status === 401 || status === 403) return Effect.fail(unavailable(call, "refused", `status ${status}`))
  if (status === 404 && text.trim() === "404 page not found") return Effect.succeed({ _tag: "NoRoute" })
  const body = status === 404 || status === 400 ? decodeError(text) : undefined
  return body?._tag === "Some"
    ? Effect.succeed({ _tag: "Refused", status: status as 400 | 404, error: body.value.error })
    : Effect.fail(unavailable(call, "nonsense", `status ${status}`))
}

/** Reads the text of an `Ok`. The detail says where the answer is wrong, not what stood there. */
export const decodeAnswer = <S extends Schema.ConstraintDecoder<unknown>>(schema: S) => {
  const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(schema))
  return (call: Call, text: string): Effect.Effect<S["Type"], MediaServerUnavailable> =>
    Effect.mapError(decode(text), (error) =>
      unavailable(call, "nonsense", `the answer does not decode: ${String(error.message).slice(0, 200)}`)
    )
}
