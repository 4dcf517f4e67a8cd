/**
 * What is wrong with a request's head, before any route sees it: rules of HTTP that Node does not enforce, and spellings of a path that the
 * router would take for another path.
 */
import { ByteSize } from "effect"
import { type Problem, problem, validation } from "../problems/Problem.ts"
import { isTooLong, pathOf } from "./RequestContext.ts"

export const MAX_BODY = ByteSize.kibibytes(64)
const MAX_BODY_BYTES = 64 * 1024

/** Of Effect's request, or of Node's, which is then its own `source`. */
interface Head {
  readonly url: string
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly source: object
}

const rawHeadersOf = ({ source }: Head): ReadonlyArray<string> =>
  "rawHeaders" in source && Array.isArray(source.rawHeaders) ? source.rawHeaders : []

/** Node keeps the first of several `Host` lines, a proxy in front may have kept the last (RFC 9112, section 3.2: 400). */
const hasTwoHosts = (request: Head): boolean => {
  const raw = rawHeadersOf(request)
  let hosts = 0
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? ""
    if (name.length === 4 && name.toLowerCase() === "host" && ++hosts > 1) return true
  }
  return false
}

/** Letters, digits and `-._~` percent-encoded in a path, which the router decodes (RFC 3986, section 2.3: producers do not encode them). */
const encodesPlain = /^[^?]*%(?:2[DE]|3\d|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])/i

/**
 * The router ends a path at `;` and `#` as it does at `?`: `/metrics;a` would be `/metrics`. And it takes a slash at the end for an empty
 * id. No route has any of them in its path.
 */
const isAlias = (url: string): boolean => /^[^?]*[;#]|^[^?]+\/(?:\?|$)/.test(url) || encodesPlain.test(url)

const tooLarge = (request: Head): boolean => Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES

/** HTTP/1.1 requires one (RFC 9112, section 3.2). */
const lacksHost = ({ headers, source }: Head): boolean =>
  headers.host === undefined && "httpVersion" in source && source.httpVersion === "1.1"

const isMisencoded = (url: string): boolean => {
  try {
    decodeURIComponent(pathOf(url))
    return false
  } catch {
    return true
  }
}

const expected = (pointer: string, detail: string): Problem => validation([{ pointer, detail }])

/** The problem of a request that no route may see; `undefined` when there is none. */
export const refusedByHead = (request: Head): Problem | undefined => {
  if (isTooLong(request.url)) return problem("uri-too-long")
  if (tooLarge(request)) return problem("payload-too-large")
  if (lacksHost(request)) return expected("/host", "Expected a Host header")
  if (isMisencoded(request.url)) return expected("", "Expected a path whose percent-encoding is that of UTF-8")
  if (hasTwoHosts(request)) return expected("/host", "Expected one Host header")
  return isAlias(request.url) ? problem("not-found") : undefined
}
