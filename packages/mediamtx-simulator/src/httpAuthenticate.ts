/**
 * MediaMTX's call of its `authHTTPAddress`, with its habits: a new connection for each, any 2xx lets the client in, redirects are
 * followed (and their target's 200 lets it in too), a timeout or a broken connection is a refusal. Go turns a 301, 302 or 303
 * after a POST into a GET without a body, and sends the address's userinfo as Basic. (Up to 1.16.0 it keeps connections; here never.)
 */
import * as Http from "node:http"
import { type Duration, Effect } from "effect"
import { type AuthQuestion, bodyOf } from "./AuthQuestion.ts"
import type { Authenticate } from "./authQueue.ts"
import type { VersionFacts } from "./versions.ts"

const MAX_REDIRECTS = 10

interface Reply {
  readonly status: number
  readonly location: string | undefined
}

const send = (url: URL, body: string | undefined): Effect.Effect<Reply, Error> =>
  Effect.callback<Reply, Error>((resume) => {
    const request = Http.request(
      url,
      {
        method: body === undefined ? "GET" : "POST",
        agent: false,
        headers: {
          "User-Agent": "Go-http-client/1.1",
          ...(body === undefined
            ? {}
            : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) }),
          "Accept-Encoding": "gzip"
        }
      },
      (response) => {
        response.resume()
        resume(Effect.succeed({ status: response.statusCode ?? 0, location: response.headers.location }))
      }
    )
    request.on("error", (error) => resume(Effect.fail(error)))
    request.end(body)
    return Effect.sync(() => request.destroy())
  })

const ask = Effect.fnUntraced(function* (address: string, content: object) {
  let url = new URL(address)
  let body: string | undefined = JSON.stringify(content)
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const reply: Reply = yield* send(url, body)
    if (reply.status < 300 || reply.status > 399 || reply.location === undefined) {
      return reply.status >= 200 && reply.status <= 299
    }
    if (reply.status < 304) body = undefined
    url = new URL(reply.location, url)
  }
  return false
})

/** `timeout` is MediaMTX's `readTimeout`; versions without a timeout wait for ever. */
export const httpAuthenticate =
  (address: string, timeout: Duration.Input, facts: VersionFacts): Authenticate =>
  (question: AuthQuestion) => {
    const asking = ask(address, bodyOf(question, facts))
    return (facts.authTimeout ? Effect.timeout(asking, timeout) : asking).pipe(
      Effect.catchCause(() => Effect.succeed(false))
    )
  }
