/** The sessions of web pages of this origin. */
import { type Caller, CurrentCaller } from "@greenroom/core"
import { Clock, DateTime, Effect } from "effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { ServedApi } from "../api/Api.ts"
import { SESSION_COOKIE } from "../api/ApiKey.ts"
import { makePageSessions, type PageSessions, SESSION_LASTS, type Session } from "../middleware/pageSessions.ts"
import { RequestContext } from "../middleware/RequestContext.ts"
import { failWith } from "../problems/Problem.ts"

/** A page that came over TLS gets a cookie that is sent over TLS alone. Browsers send the origin with every POST. */
const cookieOf = (value: string, seconds: number, origin: string | undefined): string =>
  `${SESSION_COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${origin?.startsWith("https:") ? "; Secure" : ""}`

const shown = ({ actor, scopes, only }: Caller, session: Session | null) => ({
  actor: {
    type: actor._tag === "Token" ? ("token" as const) : ("secret" as const),
    token_id: actor._tag === "Token" ? actor.id : null,
    name: actor._tag === "Token" ? actor.name : null
  },
  scopes,
  broadcasterId: only,
  expiresAt: session === null ? null : DateTime.makeUnsafe(session.ends * 1_000),
  csrfToken: session === null ? null : session.csrfToken
})

/** A session opens no other: it would never end. */
const byCookie = failWith("forbidden", "A session is opened with the API secret or an API token in a header")

const open = Effect.fnUntraced(function* (sessions: PageSessions) {
  const caller = yield* CurrentCaller
  const { session: present, secretHash } = yield* RequestContext
  if (present !== null) return yield* byCookie
  const { headers } = yield* HttpServerRequest
  const token = caller.actor._tag === "Token" ? caller.actor.id : null
  const now = Math.floor((yield* Clock.currentTimeMillis) / 1_000)
  const { value, session } = sessions.open(token, secretHash, now)
  return HttpApiSchema.withHeaders({
    body: shown(caller, session),
    headers: { "set-cookie": cookieOf(value, SESSION_LASTS, headers.origin), "cache-control": "no-store" }
  })
})

const current = Effect.gen(function* () {
  const { session } = yield* RequestContext
  return HttpApiSchema.withHeaders({
    body: shown(yield* CurrentCaller, session),
    headers: { "cache-control": "no-store" }
  })
})

const close = Effect.map(HttpServerRequest, ({ headers }) =>
  HttpApiSchema.withHeaders({ body: undefined, headers: { "set-cookie": cookieOf("", 0, headers.origin) } })
)

export const layer = HttpApiBuilder.group(
  ServedApi,
  "session",
  Effect.fnUntraced(function* (handlers) {
    const sessions = yield* makePageSessions
    return handlers.handleAll({
      open: () => open(sessions),
      get: () => current,
      close: () => close
    })
  })
)
