/** Web pages as callers: which origin a request comes from, and which other origins may call (CORS, Fetch standard). */
import { Context } from "effect"

type Headers = Readonly<Record<string, string | undefined>>

/** Origins whose pages may call with an API token. */
export const CorsOrigins = Context.Reference<ReadonlySet<string>>("greenroom/http/CorsOrigins", {
  defaultValue: () => new Set<string>()
})

/**
 * Whether a page of another origin than this service's sent the request. Browsers say so in `Sec-Fetch-Site`, which no page can set and which holds also
 * behind a proxy that changes `Host`. Older ones send `Origin` alone, and other programs neither.
 */
export const isFromOtherOrigin = (headers: Headers): boolean => {
  const { "sec-fetch-site": site, origin, host } = headers
  if (site !== undefined) return site !== "same-origin" && site !== "none"
  return origin !== undefined && URL.parse(origin)?.host !== host?.toLowerCase()
}

const EXPOSED = "ETag, Link, Location, Retry-After, WWW-Authenticate, X-Request-ID"
const ALLOWED_HEADERS = "Authorization, Content-Type, If-None-Match, Last-Event-ID, X-API-Key, X-Request-ID"
const ALLOWED_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
const PREFLIGHT_KEPT = "600"

/**
 * What lets the page read the answer; nothing for an origin that is not allowed. Credentials are never allowed: sessions are for this origin.
 * `varies`: the answer's own `Vary`.
 */
export const corsHeaders = (
  allowed: ReadonlySet<string>,
  { origin }: Headers,
  varies?: string | undefined
): Readonly<Record<string, string>> => {
  if (allowed.size === 0) return {}
  const vary = varies === undefined ? "Origin" : `${varies}, Origin`
  if (origin === undefined || !allowed.has(origin)) return { vary }
  return { vary, "access-control-allow-origin": origin, "access-control-expose-headers": EXPOSED }
}

/** The answer to a browser's question before a request; `null` when it is no such question, or of an origin that is not allowed. */
export const preflightHeaders = (
  allowed: ReadonlySet<string>,
  method: string,
  headers: Headers
): Readonly<Record<string, string>> | null =>
  method === "OPTIONS" &&
  headers["access-control-request-method"] !== undefined &&
  headers.origin !== undefined &&
  allowed.has(headers.origin)
    ? {
        ...corsHeaders(allowed, headers),
        "access-control-allow-methods": ALLOWED_METHODS,
        "access-control-allow-headers": ALLOWED_HEADERS,
        "access-control-max-age": PREFLIGHT_KEPT
      }
    : null
