/**
 * Every operation that changes something leaves one entry in the audit log. The use case writes that of a change, with the change. What no use case
 * has recorded is recorded here, before the answer leaves: what was refused, and what failed. So is every refused credential, whatever it was for.
 */
import { type AuditAction, type Caller, CurrentCaller, type Repositories, withoutKeys } from "@greenroom/core"
import { AuditTrail, isStorable, monotonicMillis, recordEntry } from "@greenroom/core/internal"
import { Cause, Context, Effect, Exit, Layer, Metric } from "effect"
import * as HttpRouter from "effect/http/HttpRouter"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import { SESSION_COOKIE } from "../api/ApiKey.ts"
import { Audited } from "../api/OperationAccess.ts"
import { problemOf } from "../problems/problemOf.ts"
import { codeOf, type ProblemName } from "../problems/problemTypes.ts"
import { callersNetwork } from "../throttle/CredentialThrottle.ts"
import { accessOf } from "./ApiKeyCheck.ts"
import { AuditQuota } from "./AuditQuota.ts"
import { RequestContext } from "./RequestContext.ts"
import { requestOrigin } from "./requestOrigin.ts"

const unrecorded = Metric.counter("greenroom_audit_entries_dropped_total", {
  description: "Refusals that are not in the audit log: too many came at once, or the store did not answer",
  incremental: true
})
const dropped = (reason: "limit" | "store") => Metric.update(Metric.withAttributes(unrecorded, { reason }), 1)

/** How a request ended: the status of its answer, and the code of the problem. */
interface Ended {
  readonly status: number
  readonly reason: string | null
}

const GONE: Ended = { status: 499, reason: "client_gone" }

const endOf = (exit: Exit.Exit<HttpServerResponse, unknown>): Ended => {
  if (Exit.isSuccess(exit)) return { status: exit.value.status, reason: null }
  if (Cause.hasInterruptsOnly(exit.cause)) return GONE
  const { problem } = problemOf(Cause.squash(exit.cause), [])
  return { status: problem.status, reason: codeOf(problem.type.slice("/errors/".length) as ProblemName) }
}

const outcomeOf = ({ status }: Ended) => (status < 400 ? "succeeded" : status < 499 ? "refused" : "failed")

/** The id in the path, as far as it can be shown. */
const resourceIn = Effect.map(HttpRouter.RouteContext, ({ params }) => {
  const id = params.id
  return id !== undefined && isStorable(id) ? withoutKeys(id).slice(0, 255) : null
})

const sendsCredential = Effect.map(
  HttpServerRequest,
  ({ headers, cookies }) =>
    (headers["x-api-key"] ?? headers.authorization ?? "") !== "" || cookies[SESSION_COOKIE] !== undefined
)

const TOO_MANY_REQUESTS = 429

/** Whether the end of a request that no use case recorded is for the audit log. A throttled one was not looked at. */
const isForTheLog = (action: AuditAction | null, { status }: Ended, sentCredential: boolean): boolean =>
  status !== TOO_MANY_REQUESTS && (action !== null || ((status === 401 || status === 403) && sentCredential))

type Answer = Effect.Effect<HttpServerResponse, unknown, HttpServerRequest | RequestContext | HttpRouter.RouteContext>

export class RequestAuditor extends Context.Service<
  RequestAuditor,
  {
    /** The same call, which leaves an entry where none was written in it. `action`: of a call that changes something. */
    readonly around: <E, R>(
      action: AuditAction | null,
      call: Effect.Effect<HttpServerResponse, E, R>
    ) => Effect.Effect<HttpServerResponse, E, R | Effect.Services<Answer>>
  }
>()("greenroom/http/RequestAuditor") {}

const LOST = "a call that was refused or failed is not in the audit log"

export const layerAuditor: Layer.Layer<RequestAuditor, never, Repositories> = Layer.effect(
  RequestAuditor,
  Effect.gen(function* () {
    const store = yield* Effect.context<Repositories>()
    const quota = new AuditQuota()
    // So that none is a 0 and not missing.
    for (const reason of ["limit", "store"] as const)
      yield* Metric.update(Metric.withAttributes(unrecorded, { reason }), 0)

    /** All that come with the API secret; of others as many as there may be. */
    const mayWrite = Effect.fnUntraced(function* (caller: Caller | null) {
      if (caller?.actor._tag === "Secret") return true
      const now = yield* monotonicMillis
      const allowed =
        caller?.actor._tag === "Token"
          ? quota.takeOfToken(caller.actor.id, now)
          : quota.takeOfNetwork(yield* callersNetwork, now)
      if (!allowed) yield* dropped("limit")
      return allowed
    })

    const write = Effect.fnUntraced(function* (action: AuditAction | null, ended: Ended, caller: Caller | null) {
      const origin = yield* requestOrigin
      const unknown: Caller = { actor: { _tag: "Unknown" }, scopes: [], only: null, origin }
      const entry = {
        resourceId: yield* resourceIn,
        broadcasterId: caller?.only ?? null,
        outcome: outcomeOf(ended),
        reason: ended.reason,
        details: { method: (yield* HttpServerRequest).method, route: (yield* RequestContext).route }
      } as const
      yield* recordEntry(action ?? "api.authenticate", entry).pipe(
        Effect.provideService(CurrentCaller, caller ?? unknown),
        Effect.provideContext(store)
      )
    })

    const finish = Effect.fnUntraced(function* (
      action: AuditAction | null,
      exit: Exit.Exit<HttpServerResponse, unknown>
    ) {
      const note = yield* RequestContext
      const ended = endOf(exit)
      const { caller } = note
      if (!isForTheLog(action, ended, yield* sendsCredential) || !(yield* mayWrite(caller))) return
      const written = yield* Effect.exit(write(action, ended, caller))
      if (Exit.isSuccess(written)) return
      yield* dropped("store")
      yield* Effect.logWarning(LOST, written.cause)
    })

    return RequestAuditor.of({
      around: (action, call) =>
        Effect.suspend(() => {
          const trail = { recorded: false }
          return call.pipe(
            Effect.provideService(AuditTrail, trail),
            Effect.onExit((exit) => (trail.recorded ? Effect.void : finish(action, exit)))
          )
        })
    })
  })
)

/** Around every operation of the API. */
export const layer: Layer.Layer<Audited, never, RequestAuditor> = Layer.effect(
  Audited,
  Effect.map(RequestAuditor, ({ around }) =>
    Audited.of(((app: Answer, { endpoint }: { readonly endpoint: Parameters<typeof accessOf>[0] }) =>
      around(accessOf(endpoint).action, app)) as never)
  )
)
