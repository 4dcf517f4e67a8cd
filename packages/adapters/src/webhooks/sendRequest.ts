/**
 * One request over undici: its answer's status, `Retry-After` and first bytes. What follows is discarded, up to a bound: a connection whose answer is
 * short stays usable, one whose answer is long is closed.
 */
import { Effect } from "effect"
import type * as Undici from "undici"

/** What is kept of a body. */
export const KEPT_BYTES = 1_024
/** What is read of a body at most. */
const READ_BYTES = 64 * 1_024

export interface Outgoing {
  readonly url: URL
  readonly headers: Record<string, string>
  readonly body: string
}

export interface Answer {
  readonly status: number
  readonly retryAfter: string | ReadonlyArray<string> | undefined
  /** A character that the bound cuts is left out. */
  readonly body: string
}

const enough = new Error("the rest of the answer is not read")
const givenUp = new Error("the caller has given up")

/** Keeps the first bytes and counts the others. */
const makeBody = () => {
  const kept: Array<Buffer> = []
  let seen = 0
  return {
    /** Whether there is room for more. */
    take: (chunk: Buffer): boolean => {
      if (seen < KEPT_BYTES) kept.push(Buffer.from(chunk.subarray(0, KEPT_BYTES - seen)))
      seen += chunk.length
      return seen <= READ_BYTES
    },
    text: () => new TextDecoder().decode(Buffer.concat(kept), { stream: true })
  }
}

/** No redirect is followed and nothing is repeated. An interruption closes the request's connection. */
export const sendRequest = (agent: Undici.Agent, { url, headers, body }: Outgoing): Effect.Effect<Answer, Error> =>
  Effect.callback((resume) => {
    const read = makeBody()
    let status = 0
    let retryAfter: Answer["retryAfter"]
    let controller: Undici.Dispatcher.DispatchController | undefined
    let isGivenUp = false
    const answered = () => resume(Effect.succeed({ status, retryAfter, body: read.text() }))
    agent.dispatch(
      { origin: url.origin, path: `${url.pathname}${url.search}`, method: "POST", headers, body },
      {
        onRequestStart: (started) => {
          controller = started
          if (isGivenUp) started.abort(givenUp)
        },
        onResponseStart: (_, code, received) => {
          status = code
          retryAfter = received["retry-after"]
        },
        onResponseData: (started, chunk) => {
          if (read.take(chunk)) return
          answered()
          started.abort(enough)
        },
        onResponseEnd: answered,
        onResponseError: (_, error) => resume(Effect.fail(error))
      }
    )
    return Effect.sync(() => {
      isGivenUp = true
      controller?.abort(givenUp)
    })
  })
