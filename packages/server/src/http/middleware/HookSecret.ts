/**
 * The secret that the media server's calls must carry, when the operator has configured one: HTTP Basic with any user, as
 * MediaMTX sends it when its `authHTTPAddress` holds it, or a bearer token.
 */
import { KeyGenerator } from "@greenroom/core"
import { sameHash } from "@greenroom/core/internal"
import { Context, Effect, Option, Redacted } from "effect"
import * as HttpRouter from "effect/http/HttpRouter"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import { failWith, type Problem } from "../problems/Problem.ts"
import { CredentialThrottle, callersNetwork } from "../throttle/CredentialThrottle.ts"
import { BEARER_CHALLENGE, note, type RequestContext } from "./RequestContext.ts"

export class HookSecret extends Context.Service<HookSecret, Option.Option<Redacted.Redacted<string>>>()(
  "greenroom/http/HookSecret"
) {}

/** Accepted beside it, while the media servers' configurations change. */
export const PreviousHookSecret = Context.Reference<Redacted.Redacted<string> | null>(
  "greenroom/http/PreviousHookSecret",
  {
    defaultValue: () => null
  }
)

const challenge = `Basic realm="greenroom", ${BEARER_CHALLENGE}`

/** The credential in an `Authorization` header: a bearer token, or the password of HTTP Basic (RFC 7617: behind the first colon). */
const credentialIn = (authorization = ""): Redacted.Redacted<string> => {
  const [scheme] = /^(basic|bearer) /i.exec(authorization) ?? [""]
  const value = authorization.slice(scheme.length).trim()
  if (scheme.toLowerCase() !== "basic ") return Redacted.make(scheme === "" ? "" : value)
  const pair = Buffer.from(value, "base64").toString()
  const colon = pair.indexOf(":")
  return Redacted.make(colon === -1 ? "" : pair.slice(colon + 1))
}

type Headers = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

/** What the head of a media server's call shows. */
type Verdict = "Right" | "Missing" | "Wrong" | "FromWebPage"

/**
 * A browser sends where a call comes from (Fetch standard: `Origin` on every POST, `Sec-Fetch-Site`); MediaMTX, curl and wget never do. Any
 * web page that an operator has open could otherwise send hooks from inside the operator's network: a POST of text/plain needs no preflight.
 */
const isFromWebPage = (headers: Headers): boolean =>
  headers.origin !== undefined || headers["sec-fetch-site"] !== undefined

const refused = Effect.andThen(
  note({ challenge, facts: { decision: "refuse", reason: "hook_secret" } }),
  failWith("unauthorized", "The hook secret is missing or wrong")
)

const fromWebPage = Effect.andThen(
  note({ facts: { decision: "refuse", reason: "web_page" } }),
  failWith("forbidden", "Calls of the media server are not taken from a web page (Origin, Sec-Fetch-Site)")
)

/** A call without any secret is no guess. */
const wrong = Effect.gen(function* () {
  const throttle = yield* CredentialThrottle
  yield* throttle.check("hook", yield* callersNetwork, Effect.void, () => false)
  return yield* refused
})

const refusals = { Missing: refused, Wrong: wrong, FromWebPage: fromWebPage } as const

export interface HookGate {
  /** A hook secret is configured, so a call that comes through is the media server's. */
  readonly isProtected: boolean
  /** Judges by the headers alone. */
  readonly judge: (headers: Headers) => Verdict
}

export const hookGate = Effect.gen(function* () {
  const secret = yield* HookSecret
  if (Option.isNone(secret)) {
    const gate: HookGate = {
      isProtected: false,
      judge: (headers) => (isFromWebPage(headers) ? "FromWebPage" : "Right")
    }
    return gate
  }
  const generator = yield* KeyGenerator
  const expected = generator.hash(secret.value)
  const previous = yield* PreviousHookSecret
  const formerly = previous === null ? expected : generator.hash(previous)
  const gate: HookGate = {
    isProtected: true,
    judge: (headers) => {
      if (isFromWebPage(headers)) return "FromWebPage"
      const { authorization } = headers
      const sent = credentialIn(typeof authorization === "string" ? authorization : undefined)
      const hash = generator.hash(sent)
      // Both are compared, so that the time does not show which of them it was.
      const [isCurrent, isPrevious] = [sameHash(hash, expected), sameHash(hash, formerly)]
      if (isCurrent || isPrevious) return "Right"
      return Redacted.value(sent) === "" ? "Missing" : "Wrong"
    }
  }
  return gate
})

type Refused = Problem<"forbidden" | "unauthorized" | "too-many-requests">

/** To be run before a media server's call is read. `onSecret`: what else follows from a missing or wrong secret. */
const check = <R>(gate: HookGate, onSecret: Effect.Effect<void, never, R>) =>
  Effect.flatMap(
    HttpServerRequest,
    ({ headers }): Effect.Effect<void, Refused, CredentialThrottle | RequestContext | R> => {
      const verdict = gate.judge(headers)
      if (verdict === "Right") return Effect.void
      return verdict === "FromWebPage" ? refusals[verdict] : Effect.andThen(onSecret, refusals[verdict])
    }
  )

/** A call of the media server. */
export const hookRoute = <E, R, R2 = never>(
  path: `/${string}`,
  handler: (isProtected: boolean) => Effect.Effect<HttpServerResponse, E, R>,
  onSecret: Effect.Effect<void, never, R2> = Effect.void
) =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const gate = yield* hookGate
      const throttle = yield* CredentialThrottle
      const checked = Effect.provideService(check(gate, onSecret), CredentialThrottle, throttle)
      yield* router.add("POST", path, Effect.andThen(checked, handler(gate.isProtected)))
    })
  )
