/**
 * One answer for all that ask: its bytes, its tag, and the same bytes compressed, which are made when the first client asks for them.
 */
import { promisify } from "node:util"
import { gzip } from "node:zlib"
import { Effect } from "effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { acceptsGzip, isKnown } from "./conditional.ts"

/** Below this a compressed answer is not worth its making: it fits into one packet. */
const COMPRESS_FROM_BYTES = 1_400
/** Of 1 to 9. Higher levels take several times as long and save little on lists. */
const LEVEL = 1

const compress = promisify(gzip)

/** A browser may keep the answer and has to ask each time whether it still holds; shared caches may not keep it. */
const shared = { "cache-control": "private, no-cache", vary: "Accept-Encoding" }

export type ListAnswer = (request: HttpServerRequest) => Effect.Effect<HttpServerResponse.HttpServerResponse>

export const listAnswer = (bytes: Uint8Array, tag: string): ListAnswer => {
  const headers = { ...shared, etag: tag }
  const contentType = "application/json"
  const plain = Effect.succeed(HttpServerResponse.uint8Array(bytes, { contentType, headers }))
  const notModified = Effect.succeed(HttpServerResponse.empty({ status: 304, headers }))
  let compressed: Promise<HttpServerResponse.HttpServerResponse> | undefined
  const zipped = Effect.promise(() => {
    compressed ??= compress(bytes, { level: LEVEL }).then((zipped) =>
      HttpServerResponse.uint8Array(zipped, { contentType, headers: { ...headers, "content-encoding": "gzip" } })
    )
    return compressed
  })
  return (request) => {
    if (isKnown(request.headers["if-none-match"], tag)) return notModified
    return bytes.length >= COMPRESS_FROM_BYTES && acceptsGzip(request.headers["accept-encoding"]) ? zipped : plain
  }
}
