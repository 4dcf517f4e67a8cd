/**
 * What is known of one request while it runs: its id, and what handlers want said of it. The request's frame makes it, handlers
 * add to it, and the frame reads it when the answer is there: for the log line, the metrics and the answer's headers.
 */
import { randomUUID } from "node:crypto"
import { containsKey, withoutKeys } from "@greenroom/core"
import { Context, Effect } from "effect"

export class RequestNote extends Context.Service<
  RequestNote,
  {
    readonly requestId: string
    /** The path as it may be shown: without the query, without any stream key. */
    readonly path: string
    /** The pattern of the route that matched, `/streams/:id`. */
    route: string | null
    /** Said in the log line, beside what every line says. */
    facts: Readonly<Record<string, unknown>>
    /** Not worth a line above debug. */
    quiet: boolean
    /** What a 401 asks for. */
    challenge: string
    /** The answer is an error that is no problem document: health's 503. */
    exempt: boolean
    /** What `Retry-After` says of a 429 or a 503; one second unless it is set. */
    retryAfterSeconds: number
  }
>()("greenroom/http/RequestNote") {}

const visible = /^[\x21-\x7e]{1,128}$/

/** The caller's id when it is fit to be repeated in a header and a log, else a new one. */
const requestIdOf = (sent: string | undefined): string =>
  sent !== undefined && visible.test(sent) && !containsKey(sent) ? sent : randomUUID()

/** The path of a request target, still encoded. */
export const pathOf = (url: string): string => url.split(/[?#]/, 1)[0] ?? ""

/** The path of a request target as it may be shown. */
export const shownPath = (url: string): string => withoutKeys(pathOf(url)).slice(0, 2048)

export const BEARER_CHALLENGE = 'Bearer realm="greenroom"'

export const newNote = (url: string, sentId: string | undefined): RequestNote["Service"] => ({
  requestId: requestIdOf(sentId),
  path: shownPath(url),
  route: null,
  facts: {},
  quiet: false,
  challenge: BEARER_CHALLENGE,
  exempt: false,
  retryAfterSeconds: 1
})

/** Adds to the current request's note. */
export const note = (changes: Partial<Omit<RequestNote["Service"], "requestId" | "path" | "route">>) =>
  Effect.map(RequestNote, (current) => {
    Object.assign(current, changes)
  })
