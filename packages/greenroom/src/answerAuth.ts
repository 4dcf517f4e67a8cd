/** MediaMTX's auth call and its hooks, as values. */
import * as Core from "@greenroom/core"
import { Effect, Redacted } from "effect"
import type { Services } from "./application.ts"

/** For `Response`: MediaMTX takes every 2xx for an allow, and writes the body of a refusal into its log. */
export interface AuthAnswer {
  readonly status: 200 | 400 | 401 | 503
  readonly body:
    | { readonly decision: "allow"; readonly streamId: string | null }
    | {
        readonly decision: "refuse"
        readonly reason: string
        readonly detail: string
        /** One sentence of what to do. */
        readonly remedy?: string
        readonly decisionId?: string
      }
  /** Under which id the decision log has the answer, about a second later; `undefined` when nothing was decided. */
  readonly decisionId?: string
}

const refusal = (status: AuthAnswer["status"], reason: string, detail: string): AuthAnswer => ({
  status,
  body: { decision: "refuse", reason, detail }
})

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)
const hidden = (value: unknown) => (typeof value === "string" ? Redacted.make(value) : undefined)
const isText = (value: unknown): boolean => value === undefined || value === null || typeof value === "string"

const FIELDS = ["action", "path", "protocol", "id", "user", "password", "token", "query", "ip", "userAgent"] as const

/** Credentials are `Redacted` from here on. `null`: this is no auth call. */
const callOf = (body: unknown): Core.AuthCall | null => {
  if (typeof body !== "object" || body === null) return null
  const fields = body as Readonly<Record<string, unknown>>
  if (!FIELDS.every((name) => isText(fields[name])) || typeof fields.path !== "string") return null
  return {
    action: text(fields.action),
    path: fields.path,
    protocol: text(fields.protocol),
    id: fields.id === null ? null : text(fields.id),
    user: hidden(fields.user),
    password: hidden(fields.password),
    token: hidden(fields.token),
    query: hidden(fields.query),
    ip: text(fields.ip),
    userAgent: text(fields.userAgent)
  }
}

/** With the id in the body, too: MediaMTX writes the body into its log. */
const refusedWith = (answer: AuthAnswer, decisionId: string | undefined, remedy?: string): AuthAnswer => {
  const more = { ...(remedy === undefined ? {} : { remedy }), ...(decisionId === undefined ? {} : { decisionId }) }
  return {
    status: answer.status,
    body: { ...answer.body, ...more } as AuthAnswer["body"],
    ...(decisionId === undefined ? {} : { decisionId })
  }
}

const decided = (decision: Core.Answered): AuthAnswer =>
  decision._tag === "Refuse"
    ? refusedWith(
        refusal(401, decision.reason, decision.detail),
        decision.decisionId,
        Core.admissionRules[decision.rule].remedy
      )
    : {
        status: 200,
        decisionId: decision.decisionId,
        body: { decision: "allow", streamId: decision._tag === "AllowPublisher" ? decision.streamId : null }
      }

/** While a host shuts down, MediaMTX may still call. */
export const closedAnswer: AuthAnswer = refusal(503, "closed", "This Greenroom is closed")

/** Never fails: what breaks is a refusal. `body`: MediaMTX's JSON, parsed. */
export const authenticate = (body: unknown): Effect.Effect<AuthAnswer, never, Services> =>
  Effect.suspend((): Effect.Effect<AuthAnswer, Core.StoreUnavailable, Services> => {
    const call = callOf(body)
    if (call === null) return Effect.succeed(refusal(400, "invalid_argument", "This is no auth call of MediaMTX"))
    const ask = Core.readAuthCall(call)
    if (ask._tag === "Incomplete") return Effect.succeed(refusal(400, "invalid_argument", ask.detail))
    return Effect.map(Core.authenticate(ask, call), decided)
  }).pipe(
    Effect.catchTag("StoreUnavailable", ({ decisionId }) =>
      Effect.succeed(refusedWith(refusal(503, "store_unavailable", "The database does not answer"), decisionId))
    ),
    Effect.catchCause((cause) =>
      Effect.as(
        Effect.logError("an auth call broke", cause),
        refusal(503, "internal_error", "The decision broke: see the log of the host")
      )
    )
  )

const hookKinds = { ready: "ready", "not-ready": "not_ready" } as const

/** `kind`: the last part of the hook's path. A hook without one, or without a body, makes the reconciler look. */
export const hook = (kind: string | undefined, body: unknown): Effect.Effect<void, never, Services> => {
  const fields = typeof body === "object" && body !== null ? (body as Readonly<Record<string, unknown>>) : {}
  const known = kind === "ready" || kind === "not-ready" ? hookKinds[kind] : undefined
  return known === undefined || typeof fields.path !== "string"
    ? Core.receiveHook()
    : Core.receiveHook({
        kind: known,
        path: fields.path,
        sourceType: text(fields.source_type),
        sourceId: text(fields.source_id),
        protected: true
      })
}
