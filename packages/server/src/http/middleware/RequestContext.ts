/**
 * What is known of one request while it runs. The request middleware makes it, handlers add to it, and the middleware reads it when the
 * answer is there: for the log line, the metrics and the answer's headers.
 */
import { randomUUID } from "node:crypto"
import { type Caller, containsKey, type KeyHash, withoutKeys } from "@greenroom/core"
import { Context, Effect } from "effect"
import type { Problem } from "../problems/Problem.ts"
import type { Session } from "./pageSessions.ts"

export class RequestContext extends Context.Service<
  RequestContext,
  {
    readonly requestId: string
    /** The path as it may be shown: without the query, without any stream key. */
    readonly path: string
    /** Of the connection. No header is trusted: every client can send `X-Forwarded-For`. */
    readonly remoteAddress: string | undefined
    /** The pattern of the route that matched, `/streams/:id`. */
    route: string | null
    /** Members of the log line beside those that every line has. */
    facts: Readonly<Record<string, unknown>>
    /** Not worth a line above debug. */
    quiet: boolean
    /** Who it is, once that is known. */
    caller: Caller | null
    /** Of a page whose session it was; `null`: the credential came in a header. */
    session: Session | null
    /** SHA-256 of the API secret that was sent. */
    secretHash: KeyHash | null
    /** That secret was the one before the present one. */
    previousSecret: boolean
    /** Why the caller's credentials were refused: they are judged once, however many ways there are to send them. */
    refusal: Problem<"unauthorized" | "forbidden" | "too-many-requests"> | null
    /** What a 401 asks for. */
    challenge: string
    /** The answer is an error that is no problem document: health's 503. */
    exempt: boolean
    /** Of an auth call: under which id the decision log has the answer. */
    decisionId: string | null
    /** `Retry-After` of a 429 or a 503; one second unless it is set. */
    retryAfterSeconds: number
  }
>()("greenroom/http/RequestContext") {}

const visible = /^[\x21-\x7e]{1,128}$/

/** The caller's id when it is fit to be repeated in a header and a log, else a new one. */
const requestIdOf = (sent: string | undefined): string =>
  sent !== undefined && visible.test(sent) && !containsKey(sent) ? sent : randomUUID()

/** The path of a request target, still encoded. */
export const pathOf = (url: string): string => url.split(/[?#]/, 1)[0] ?? ""

/** Characters of a request target. A longer one is refused before any of it is read. */
export const TARGET_MAX = 8 * 1024
/** Characters of its path, because the router's time grows with their square where each is a percent sign. */
const PATH_MAX = 2 * 1024

/** Whether a request target is longer than it may be. */
export const isTooLong = (url: string): boolean => url.length > TARGET_MAX || pathOf(url).length > PATH_MAX

/** The path of a request target as it may be shown: of one that is too long, only its beginning is looked at. */
export const shownPath = (url: string): string => withoutKeys(pathOf(url.slice(0, PATH_MAX)))

export const BEARER_CHALLENGE = 'Bearer realm="greenroom"'

export const newRequestContext = (
  url: string,
  sentId: string | undefined,
  remoteAddress?: string | undefined
): RequestContext["Service"] => ({
  requestId: requestIdOf(sentId),
  path: shownPath(url),
  remoteAddress,
  route: null,
  facts: {},
  quiet: false,
  caller: null,
  session: null,
  secretHash: null,
  previousSecret: false,
  refusal: null,
  challenge: BEARER_CHALLENGE,
  exempt: false,
  decisionId: null,
  retryAfterSeconds: 1
})

/** Changes the current request's context. */
export const note = (
  changes: Partial<Omit<RequestContext["Service"], "requestId" | "path" | "remoteAddress" | "route">>
) =>
  Effect.map(RequestContext, (current) => {
    Object.assign(current, changes)
  })
