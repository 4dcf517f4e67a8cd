/**
 * A request's body as text. A compressed body is refused, and so is one in another charset than UTF-8, which JSON is in, or with bytes that
 * are not UTF-8, which would otherwise be replaced and stored.
 */
import { Effect } from "effect"
import type { HttpServerError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { failWith, invalid, type Problem } from "../problems/Problem.ts"

const utf8 = new TextDecoder("utf-8", { fatal: true })

export const decodeUtf8 = (bytes: ArrayBuffer | Uint8Array): Effect.Effect<string, Problem<"validation">> => {
  try {
    return Effect.succeed(utf8.decode(bytes))
  } catch {
    return invalid([{ pointer: "", detail: "Expected a body in UTF-8" }])
  }
}

type Header = string | ReadonlyArray<string> | undefined

const isCompressed = (encoding: Header): boolean =>
  encoding !== undefined && encoding !== "" && String(encoding).trim().toLowerCase() !== "identity"

const charset = /;\s*charset\s*=\s*"?([^\s";]*)/i

/** Whether the content type names a charset that JSON is not in. */
const isForeign = (contentType: string | undefined): boolean => {
  const [, named] = charset.exec(contentType ?? "") ?? []
  return named !== undefined && !/^utf-?8$/i.test(named)
}

/** Whether the headers announce a body whose bytes are JSON's text: neither compressed nor in another charset. */
export const announcesPlainText = (headers: Readonly<Record<string, Header>>): boolean =>
  !isCompressed(headers["content-encoding"]) && !isForeign(headers["content-type"] as string | undefined)

type Failure = Problem<"validation" | "unsupported-media-type"> | HttpServerError

/** The body's text, whatever its content type. */
export const bodyText = (request: HttpServerRequest): Effect.Effect<string, Failure> =>
  isCompressed(request.headers["content-encoding"])
    ? failWith("unsupported-media-type", "Expected a body without Content-Encoding")
    : Effect.flatMap(request.arrayBuffer, decodeUtf8)

/** The body's text, in the charset that its content type must not contradict. */
export const jsonText = (request: HttpServerRequest): Effect.Effect<string, Failure> =>
  isForeign(request.headers["content-type"])
    ? failWith("unsupported-media-type", "Expected a body in UTF-8, and no other charset")
    : bodyText(request)

/** The same request for those who read its text by themselves, as the HttpApi builder does. */
export const strict = (request: HttpServerRequest): HttpServerRequest =>
  Object.create(request, { text: { get: () => jsonText(request) } })
