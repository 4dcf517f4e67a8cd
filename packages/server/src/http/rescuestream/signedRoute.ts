/** A call of that frontend: its signature is checked before anything is done, and the audit log has its refusal. */
import { type AuditAction, CurrentCaller } from "@greenroom/core"
import { Clock, Context, Effect, Option, type Redacted } from "effect"
import * as HttpRouter from "effect/http/HttpRouter"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import { jsonText } from "../body/bodyText.ts"
import { RequestAuditor } from "../middleware/auditRequests.ts"
import { ofSecret } from "../middleware/identify.ts"
import { pathOf, RequestContext } from "../middleware/RequestContext.ts"
import { requestOrigin } from "../middleware/requestOrigin.ts"
import { failWith } from "../problems/Problem.ts"
import { CredentialThrottle, callersNetwork } from "../throttle/CredentialThrottle.ts"
import { faultOf, type SignatureFault } from "./requestSignature.ts"

export const MOUNT = "/rescuestream"

/** The API secrets that sign: the present one, and the one before while it is accepted. */
export const SignatureSecrets = Context.Reference<ReadonlyArray<Redacted.Redacted<string>>>(
  "greenroom/http/SignatureSecrets",
  { defaultValue: () => [] }
)

const refusals: { readonly [F in SignatureFault | "missing"]: string } = {
  missing: "The request is not signed: send X-API-Key, X-Timestamp and X-Signature",
  time: "X-Timestamp is more than five minutes off, or no time in seconds: set the clock",
  signature: "X-Signature does not fit the request: it is made with another secret, or of another path or body"
}
const refused = (why: keyof typeof refusals) => failWith("unauthorized", refusals[why])

/** The body of a request that the API secret has signed. */
const signedBody = Effect.gen(function* () {
  const request = yield* HttpServerRequest
  const { "x-api-key": key = "", "x-timestamp": timestamp = "", "x-signature": signature = "" } = request.headers
  if (key === "" || timestamp === "" || signature === "") return yield* refused("missing")
  const body = yield* jsonText(request)
  const path = pathOf(request.url).slice(MOUNT.length)
  const secrets = yield* SignatureSecrets
  const now = Math.floor((yield* Clock.currentTimeMillis) / 1_000)
  const throttle = yield* CredentialThrottle
  const signed = { method: request.method, path, body, timestamp, signature }
  const attempt = Effect.sync(() => faultOf(signed, secrets, now))
  // One with a right signature that is late was made by somebody who has the secret.
  const fault = yield* throttle.check("api", yield* callersNetwork, attempt, (found) => found !== "signature")
  return fault === null ? body : yield* refused(fault)
})

/** `answer` gets the body's text and the query. */
export const signedRoute = <E, R>(
  method: "GET" | "POST" | "PATCH" | "DELETE",
  path: `/${string}`,
  action: AuditAction | null,
  answer: (body: string, query: URLSearchParams) => Effect.Effect<HttpServerResponse, E, R>
) =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const throttle = yield* CredentialThrottle
      const { around } = yield* RequestAuditor
      const call = Effect.gen(function* () {
        const body = yield* signedBody
        const note = yield* RequestContext
        const { url } = yield* HttpServerRequest
        const caller = ofSecret(yield* requestOrigin)
        note.caller = caller
        const query = new URLSearchParams(url.split("?", 2)[1] ?? "")
        return yield* Effect.provideService(answer(body, query), CurrentCaller, caller)
      })
      yield* router.add(
        method,
        `${MOUNT}${path}`,
        Effect.provideService(around(action, call), CredentialThrottle, throttle)
      )
    })
  )

/** The `:id` of the route. */
export const idOf = Effect.map(HttpRouter.RouteContext, ({ params }) => Option.fromNullishOr(params.id))
