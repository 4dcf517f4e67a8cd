/** The sessions of web pages of this origin. */
import { type Caller, CurrentCaller } from "@greenroom/core"
import { recordEntry } from "@greenroom/core/internal"
import { Clock, DateTime, Effect, Option } from "effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { ServedApi } from "../api/Api.ts"
import { SESSION_COOKIE } from "../api/ApiKey.ts"
import { makeSessions, SESSION_LASTS, type Session, type Sessions } from "../middleware/pageSessions.ts"
import { storeFailureToDefect } from "./handling.ts"

/** A page that came over TLS gets a cookie that is sent over TLS alone. Browsers send the origin with every POST. */
const cookieOf = (value: string, seconds: number, origin: string | undefined): string =>
  `${SESSION_COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${origin?.startsWith("https:") ? "; Secure" : ""}`

const shown = ({ actor, scopes, only }: Caller, session: Session | null, sessions: Sessions) => ({
  actor: {
    type: actor._tag === "Token" ? ("token" as const) : ("secret" as const),
    token_id: actor._tag === "Token" ? actor.id : null,
    name: actor._tag === "Token" ? actor.name : null
  },
  scopes,
  broadcasterId: only,
  expiresAt: session === null ? null : DateTime.makeUnsafe(session.ends * 1_000),
  csrfToken: session === null ? null : sessions.csrfToken(session)
})

const seconds = Effect.map(Clock.currentTimeMillis, (millis) => Math.floor(millis / 1_000))

const open = Effect.fnUntraced(function* (sessions: Sessions) {
  const caller = yield* CurrentCaller
  const { headers } = yield* HttpServerRequest
  const { actor } = caller
  yield* recordEntry("session.create", { resourceId: null, broadcasterId: caller.only })
  const { value, session } = sessions.open(actor._tag === "Token" ? actor.id : null, yield* seconds)
  return HttpApiSchema.withHeaders({
    body: shown(caller, session, sessions),
    headers: { "set-cookie": cookieOf(value, SESSION_LASTS, headers.origin), "cache-control": "no-store" }
  })
})

const current = Effect.fnUntraced(function* (sessions: Sessions) {
  const caller = yield* CurrentCaller
  const { cookies, headers } = yield* HttpServerRequest
  const byHeader = (headers["x-api-key"] ?? headers.authorization) !== undefined
  const session = byHeader ? Option.none() : sessions.read(cookies[SESSION_COOKIE] ?? "", yield* seconds)
  return HttpApiSchema.withHeaders({
    body: shown(caller, Option.getOrNull(session), sessions),
    headers: { "cache-control": "no-store" }
  })
})

const close = Effect.gen(function* () {
  const { only } = yield* CurrentCaller
  const { headers } = yield* HttpServerRequest
  yield* recordEntry("session.delete", { resourceId: null, broadcasterId: only })
  return HttpApiSchema.withHeaders({ body: undefined, headers: { "set-cookie": cookieOf("", 0, headers.origin) } })
})

export const layer = HttpApiBuilder.group(
  ServedApi,
  "session",
  Effect.fnUntraced(function* (handlers) {
    const sessions = yield* makeSessions
    return handlers.handleAll({
      open: () => storeFailureToDefect(open(sessions)),
      get: () => current(sessions),
      close: () => storeFailureToDefect(close)
    })
  })
)
