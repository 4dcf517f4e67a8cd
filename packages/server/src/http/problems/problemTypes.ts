/**
 * Every kind of error that the service answers, in one table. The schemas of the API, the error pages under `/errors/` and the OpenAPI
 * document are made from this. The first row with a status is what a bare status stands for.
 */
import { refusals } from "./refusals.ts"

export interface ProblemType {
  readonly status: number
  readonly title: string
  /** What has happened, for the page. */
  readonly meaning: string
  /** What the reader can do now, for the page. */
  readonly remedy: string
  /** The `detail` of the example, where it differs from the title, and the `instance`, where it differs from /stream-keys. */
  readonly example?: { readonly detail?: string; readonly instance?: string }
  /** The name of its schema, where that is not made from the problem's name. */
  readonly schema?: string
  /** Any request can be answered with it, before a handler sees the request or when a handler breaks. */
  readonly ofAnyRequest?: true
}

const EXAMPLE_KEY = "/stream-keys/3b0f7c52-8a8e-4f0e-9a53-6a1f0f7c2d90"
const EXAMPLE_STREAM = "/streams/c6a2f1de-52b4-4a57-8a1c-0d9e6b7f3a24"

export const problemTypes = {
  validation: {
    status: 400,
    title: "The request is not valid",
    meaning:
      "The body, the query, a header or the path does not have the form that this call expects, or the body is no JSON at all. The /v1/mediamtx calls answer it with 422 instead of 400.",
    remedy:
      "Look at `errors`: each entry points at one value (a JSON pointer into the body, or the name of a parameter) with what was expected there. All that is wrong is listed, so one correction is enough.",
    example: { detail: "/expires_at: Expected a time in the future" },
    schema: "ValidationFailed",
    ofAnyRequest: true
  },
  unauthorized: {
    status: 401,
    title: "Valid credentials are required",
    meaning:
      "The call came without the API secret or an API token, or with a wrong one, one that has expired or was deleted; or the media server's call came without the hook secret, without any credentials, or with an unknown action.",
    remedy:
      "Send the API secret or an API token as `X-API-Key: …` or `Authorization: Bearer …`. For the media server's calls put the hook secret into its configuration (`authHTTPAddress: http://mediamtx:SECRET@host:8080/auth`). Encoders send their stream key as the password."
  },
  forbidden: {
    status: 403,
    title: "The caller may not do this",
    meaning:
      "The credential is good, but not for this: the API token does not have the scope, or is limited to one broadcaster while the call concerns all of them; a page of another origin sent the API secret; a page with a session sent a change without its CSRF token. Or a call of the media server came with the headers of a browser (`Origin`, `Sec-Fetch-Site`), which MediaMTX and its hooks never send.",
    remedy:
      "`detail` says which it is. Create a token with the scope that the reference at /docs shows for the call, or use the API secret from a program. Hooks of the media server are sent by programs, not by pages.",
    example: { detail: "The API token does not have the scope keys:write" }
  },
  "not-found": {
    status: 404,
    title: "Nothing is here",
    meaning: "There is no such route, or nothing has the id in the path. A deleted broadcaster is found no more.",
    remedy: "Check the path against the reference at /docs, and the id against the list that it came from.",
    example: { detail: "No stream key has this id", instance: EXAMPLE_KEY }
  },
  "stream-not-found": {
    status: 404,
    title: "No such stream",
    meaning: "No stream, live or past, has this id. A stream's id is given out when its publisher is admitted.",
    remedy: "List the streams with GET /streams; past ones with GET /streams?status=inactive.",
    example: {
      detail: "No stream, live or past, has this id",
      instance: EXAMPLE_STREAM
    }
  },
  "method-not-allowed": {
    status: 405,
    title: "The method is not allowed here",
    meaning: "The path exists, but not for this method.",
    remedy: "Use one of the methods in the `Allow` header.",
    ofAnyRequest: true
  },
  "request-timeout": {
    status: 408,
    title: "The request took too long to arrive",
    meaning: "A request must be here as a whole, body included, within 10 seconds. The connection has been closed.",
    remedy: "Send the request again, without pausing in the middle of it.",
    ofAnyRequest: true
  },
  conflict: {
    status: 409,
    title: "The current state forbids this",
    meaning:
      "What was asked for contradicts what is: a revoked stream key cannot be changed, an exact path belongs to the broadcaster of the unrevoked key that is limited to it, an external id belongs to one broadcaster, a stream is not ended by force while the media server can be asked, there are at most 100 webhook endpoints, their secrets and the signing key of playback tokens cannot be kept or read without the encryption key, the signing key that signs is not removed, and an application has at most 10.",
    remedy:
      "Read `detail`; issue a new key instead of changing a revoked one, choose another path, find the broadcaster with GET /broadcasters?external_id=…, stop the stream without force, delete a webhook endpoint, rotate the signing key, or set ENCRYPTION_KEY. Where one value is the reason, `errors` points at it.",
    example: { detail: "The stream key is revoked, and that is for good", instance: EXAMPLE_KEY }
  },
  "cursor-lost": {
    status: 410,
    title: "Events after the cursor are lost",
    meaning:
      "Not all events after this cursor can be read. `reason` has why: `pruned`, they are older than `EVENTS_KEEP` days; `other_log`, the database was restored since, and its events are numbered anew; `future`, the log has no such position yet.",
    remedy:
      "Read the state again (GET /streams, GET /stream-keys, …), because changes were missed. Then go on from `oldest`, before the oldest event that is left, or from `now`.",
    example: {
      detail: "Events after this cursor are not kept any more: go on from the cursor in oldest, or from now",
      instance: "/events"
    }
  },
  "playback-token-too-long": {
    status: 422,
    title: "The playback token would be too long",
    meaning:
      "A playback token has at most 440 characters, and its SRT stream id at most 500: players cut longer ones off. What this token is for does not fit.",
    remedy:
      "`detail` has what is too long, and by how much; `errors` points at the fields that could be shorter, the longest first. Metadata is stored and not in the token.",
    example: {
      detail:
        "The token would have 12 characters more than the 440 that it may have: shorten ips (396), viewer_id (64)",
      instance: "/playback-tokens"
    }
  },
  "payload-too-large": {
    status: 413,
    title: "The body is over 64 KiB",
    meaning:
      "No call of this API needs a body of more than 64 KiB, so longer ones are not read; nor is one in more than 4,096 chunks.",
    remedy: "Send less. Metadata is meant for small facts (16 KiB); keep large things elsewhere and store a reference.",
    ofAnyRequest: true
  },
  "unsupported-media-type": {
    status: 415,
    title: "The body must be application/json",
    meaning:
      "The body is not JSON by its `Content-Type`, or in another charset than UTF-8, or compressed (`Content-Encoding`).",
    remedy: "Send JSON in UTF-8 with `Content-Type: application/json`, and not compressed."
  },
  "too-many-requests": {
    status: 429,
    title: "Too many wrong secrets",
    meaning:
      "Ten wrong secrets came from the caller's address within a minute. For a minute every further one is refused without being checked; so is the right API secret, unless it has come from that address within a day or the caller is on the service's own machine.",
    remedy: "Wait for the time in `Retry-After`, then send the right secret. Behind a shared address, use another one."
  },
  "uri-too-long": {
    status: 414,
    title: "The request target is too long",
    meaning: "A request target may have 8 KiB, and the path in it 2 KiB. A longer one is not read.",
    remedy: "Shorten the path or the query: no call of this service needs that much.",
    ofAnyRequest: true
  },
  "headers-too-large": {
    status: 431,
    title: "The headers are too large",
    meaning: "The request line and headers together are over 16 KiB.",
    remedy: "Send fewer or shorter headers and a shorter URL.",
    ofAnyRequest: true
  },
  ...refusals,
  "store-unavailable": {
    status: 503,
    title: "The database does not answer",
    meaning:
      "The database gave no answer within its deadline. The state of streams on the air is not affected; new publishers are refused until it is back.",
    remedy: "Try again after the time in `Retry-After`. If it lasts, look at GET /health and at the database.",
    schema: "StoreProblem"
  },
  "media-server-unavailable": {
    status: 502,
    title: "The media server does not answer",
    meaning:
      "The media server gave no answer to what this call asked of it, or none that can be understood. Whether it was carried out is not known.",
    remedy: "Try again. If it lasts, look at `media_server` in GET /health, and at the media server's control API.",
    example: { instance: "/viewers/9f1f2f1e-0c0f-4a53-9d0a-6f1a1c7b2d90" }
  },
  busy: {
    status: 503,
    title: "Too many lists are asked for at once",
    meaning:
      "Two lists are answered at a time, so that auth calls do not wait for them. This one found 64 waiting, or waited 5 seconds.",
    remedy: "Try again after the time in `Retry-After`. Ask for lists one after the other, and for less often."
  },
  "too-many-readers": {
    status: 503,
    title: "Too many read events at once",
    meaning:
      "This instance has as many event streams or waiting polls open as it may have: 1,000 streams, fewer where it may open few files, and 500 polls.",
    remedy:
      "Try again after the time in `Retry-After`, also with another instance. Let one reader pass events on to the others.",
    example: { instance: "/events/stream" }
  },
  internal: {
    status: 500,
    title: "Something broke here",
    meaning: "A defect in the service. Its log has the whole story under the request's id.",
    remedy: "Report it with the `request_id`.",
    ofAnyRequest: true
  }
} as const satisfies Record<string, ProblemType>

export type ProblemName = keyof typeof problemTypes

export const problemNames = Object.keys(problemTypes) as ReadonlyArray<ProblemName>

/** A row as any other row is. */
export const problemType = (name: ProblemName): ProblemType => problemTypes[name]

/** The `type` member: a relative URI that the service serves as a page. */
export const typeOf = <N extends ProblemName>(name: N) => `/errors/${name}` as const

/** The `code` member: a stable word for programs. */
export const codeOf = (name: ProblemName): string => name.replaceAll("-", "_")
