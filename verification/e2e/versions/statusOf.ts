/** The status of an answer over HTTP or HTTPS, with the certificate that MediaMTX made for itself; 0: no answer. */
import * as Http from "node:http"
import * as Https from "node:https"
import { Effect } from "effect"

/** A refusal takes MediaMTX up to 4 s. */
const ANSWERS_WITHIN_MS = 15_000

export const statusOf = (method: string, url: string, authorization: string) =>
  Effect.callback<number>((resume) => {
    const headers = { authorization }
    const options = { method, headers, rejectUnauthorized: false, timeout: ANSWERS_WITHIN_MS }
    const client = url.startsWith("https:") ? Https : Http
    const request = client.request(url, options, (response) => {
      response.resume()
      resume(Effect.succeed(response.statusCode ?? 0))
    })
    request.once("error", () => resume(Effect.succeed(0)))
    request.once("timeout", () => request.destroy())
    request.end()
  })
