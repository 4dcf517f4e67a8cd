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
/** Of 1 to 9. Level 6 takes five times as long and saves a tenth: what is long in a list are ids, which no level compresses. */
const LEVEL = 1

const compress = promisify(gzip)

/** A browser may keep the answer and has to ask each time whether it still holds; shared caches may not keep it. */
const shared = { "cache-control": "private, no-cache", vary: "Accept-Encoding" }

type Response = Effect.Effect<HttpServerResponse.HttpServerResponse>

export type ListAnswer = (request: HttpServerRequest) => Response

/** Runs once, for all that ask; again for those who ask after it failed. */
const once = (make: () => Promise<HttpServerResponse.HttpServerResponse>): Response => {
  let made: Response | undefined
  return Effect.suspend(() => {
    if (made !== undefined) return made
    const promise = make()
    promise.then(
      (response) => {
        made = Effect.succeed(response)
      },
      () => {
        made = undefined
      }
    )
    made = Effect.promise(() => promise)
    return made
  })
}

export const listAnswer = (bytes: Uint8Array, tag: string): ListAnswer => {
  const headers = { ...shared, etag: tag }
  const contentType = "application/json"
  const plain = Effect.succeed(HttpServerResponse.uint8Array(bytes, { contentType, headers }))
  const notModified = Effect.succeed(HttpServerResponse.empty({ status: 304, headers }))
  const compressed = once(async () =>
    HttpServerResponse.uint8Array(await compress(bytes, { level: LEVEL }), {
      contentType,
      headers: { ...headers, "content-encoding": "gzip" }
    })
  )
  return (request) => {
    if (isKnown(request.headers["if-none-match"], tag)) return notModified
    return bytes.length >= COMPRESS_FROM_BYTES && acceptsGzip(request.headers["accept-encoding"]) ? compressed : plain
  }
}
