/**
 * Finds out who calls, by the credentials in the request's head: the API secret or an API token in a header, or the cookie of a session. All are
 * judged before anything else of the request is read. Wrong ones are throttled.
 */
import {
  type ApiToken,
  ApiTokens,
  type Caller,
  isOperator,
  isTokenText,
  KeyGenerator,
  type KeyHash,
  OperatorSecret,
  type Repositories,
  type RequestOrigin
} from "@greenroom/core"
import { sameHash } from "@greenroom/core/internal"
import { Clock, Effect, Metric, Option, Redacted } from "effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import { SESSION_COOKIE } from "../api/ApiKey.ts"
import { failWith, type Problem } from "../problems/Problem.ts"
import { CredentialThrottle, callersNetwork } from "../throttle/CredentialThrottle.ts"
import { isFromOtherOrigin } from "./pageOrigin.ts"
import { makePageSessions, type PageSessions } from "./pageSessions.ts"
import { note, RequestContext } from "./RequestContext.ts"
import { requestOrigin } from "./requestOrigin.ts"
import { isSameText } from "./sameText.ts"

type Headers = Readonly<Record<string, string | undefined>>

const refused = failWith(
  "unauthorized",
  "The API secret or API token is missing or wrong: send it as X-API-Key or as a bearer token"
)
const sessionOver = failWith("unauthorized", "The session has ended, or its token is gone: sign in again")
const secretFromOtherOrigin = failWith(
  "forbidden",
  "The API secret is not taken from a web page of another origin: give the page an API token with the scopes that it needs"
)
const withoutCsrfToken = failWith(
  "forbidden",
  "A change from a page with a session needs the header X-CSRF-Token, with the csrf_token of GET /session, from a page of this origin"
)

/** What the headers hold, in the order in which it is tried; at most two. */
const credentialsIn = (headers: Headers): ReadonlyArray<Redacted.Redacted<string>> =>
  [headers["x-api-key"] ?? "", /^bearer +(\S.*)$/i.exec(headers.authorization ?? "")?.[1]?.trim() ?? ""]
    .filter((text, index, all) => text !== "" && all.indexOf(text) === index)
    .map((text) => Redacted.make(text))

const ofToken = (token: ApiToken, origin: RequestOrigin): Caller => ({
  actor: { _tag: "Token", id: token.id, name: token.name },
  scopes: token.scopes,
  only: token.broadcasterId,
  origin
})

/** Whoever has the API secret. */
export const ofSecret = (origin: RequestOrigin): Caller => ({
  actor: { _tag: "Secret" },
  scopes: ["admin"],
  only: null,
  origin
})

const byCredential = Effect.fnUntraced(function* (credential: Redacted.Redacted<string>, origin: RequestOrigin) {
  if (yield* isOperator([credential])) return Option.some(ofSecret(origin))
  if (!isTokenText(Redacted.value(credential))) return Option.none()
  const generator = yield* KeyGenerator
  const tokens = yield* ApiTokens
  const found = yield* Effect.catch(tokens.authenticate(generator.hash(credential)), Effect.die)
  return Option.map(found, (token) => ofToken(token, origin))
})

const bySession = Effect.fnUntraced(function* (sessions: PageSessions, cookie: string, origin: RequestOrigin) {
  const { method, headers } = yield* HttpServerRequest
  const session = sessions.read(cookie, Math.floor((yield* Clock.currentTimeMillis) / 1_000))
  if (Option.isNone(session)) return yield* sessionOver
  const changes = method !== "GET" && method !== "HEAD"
  const mayChange = !isFromOtherOrigin(headers) && isSameText(headers["x-csrf-token"] ?? "", session.value.csrfToken)
  if (changes && !mayChange) return yield* withoutCsrfToken
  yield* note({ session: session.value })
  if (session.value.token === null) return ofSecret(origin)
  const tokens = yield* ApiTokens
  const found = yield* Effect.catch(tokens.authenticateId(session.value.token), Effect.die)
  return Option.isNone(found) ? yield* sessionOver : ofToken(found.value, origin)
})

const usesOfPrevious = Metric.counter("greenroom_previous_secret_total", {
  description: "Requests with the API secret before the present one (API_SECRET_PREVIOUS)",
  incremental: true
})

const noteSecret = Effect.fnUntraced(function* (sent: KeyHash, present: KeyHash) {
  const previousSecret = !sameHash(sent, present)
  yield* note({ secretHash: sent, previousSecret })
  if (previousSecret) yield* Metric.update(usesOfPrevious, 1)
})

/** Only the secret lets a network guess on: a token may be in every page. */
const isSecret = (found: Option.Option<Caller>): boolean => Option.exists(found, ({ actor }) => actor._tag === "Secret")

type Refused = Problem<"unauthorized" | "forbidden" | "too-many-requests">
export type Identify = Effect.Effect<Caller, Refused, HttpServerRequest | RequestContext>

/** The caller of the request; a refusal is the same however often it is asked for. */
export const makeIdentify: Effect.Effect<
  Identify,
  never,
  CredentialThrottle | KeyGenerator | OperatorSecret | Repositories
> = Effect.gen(function* () {
  const context = yield* Effect.context<KeyGenerator | OperatorSecret | Repositories>()
  const throttle = yield* CredentialThrottle
  const generator = yield* KeyGenerator
  const operator = yield* OperatorSecret
  const sessions = yield* makePageSessions

  const byHeaders = Effect.fnUntraced(function* (
    credentials: ReadonlyArray<Redacted.Redacted<string>>,
    headers: Headers
  ) {
    const network = yield* callersNetwork
    const origin = yield* requestOrigin
    for (const credential of credentials) {
      const attempt = Effect.provideContext(byCredential(credential, origin), context)
      const found = yield* throttle.check("api", network, attempt, Option.isSome, isSecret)
      if (Option.isNone(found)) continue
      if (found.value.actor._tag === "Secret") yield* noteSecret(generator.hash(credential), operator.hash)
      if (found.value.actor._tag === "Secret" && isFromOtherOrigin(headers)) return yield* secretFromOtherOrigin
      return found.value
    }
    return yield* refused
  })

  const identify = Effect.gen(function* () {
    const { headers, cookies } = yield* HttpServerRequest
    const credentials = credentialsIn(headers)
    if (credentials.length > 0) return yield* byHeaders(credentials, headers)
    const cookie = cookies[SESSION_COOKIE]
    if (cookie === undefined) return yield* refused
    return yield* Effect.provideContext(bySession(sessions, cookie, yield* requestOrigin), context)
  })

  return Effect.flatMap(RequestContext, (note) => {
    if (note.caller !== null) return Effect.succeed(note.caller)
    if (note.refusal !== null) return Effect.fail(note.refusal)
    return identify.pipe(
      Effect.tap((caller) =>
        Effect.sync(() => {
          note.caller = caller
        })
      ),
      Effect.tapError((refusal) =>
        Effect.sync(() => {
          note.refusal = refusal
        })
      )
    )
  })
})
