/**
 * The secret that the media server's calls must carry, when the operator has configured one: HTTP Basic with any user, as
 * MediaMTX sends it when its `authHTTPAddress` holds it, or a bearer token.
 */
import { KeyGenerator, sameHash } from "@greenroom/core"
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

const refused = Effect.andThen(
  note({ challenge, facts: { decision: "refuse", reason: "hook_secret" } }),
  failWith("unauthorized", "The hook secret is missing or wrong")
)

/**
 * A browser sends where a call comes from (Fetch standard: `Origin` on every POST, `Sec-Fetch-Site`); MediaMTX, curl and wget never do. Any
 * web page that an operator has open could otherwise send hooks from inside the operator's network: a POST of text/plain needs no preflight.
 */
const isFromWebPage = (headers: Readonly<Record<string, string | undefined>>): boolean =>
  headers.origin !== undefined || headers["sec-fetch-site"] !== undefined

const fromWebPage = Effect.andThen(
  note({ facts: { decision: "refuse", reason: "web_page" } }),
  failWith("forbidden", "Calls of the media server are not taken from a web page (Origin, Sec-Fetch-Site)")
)

type Check = Effect.Effect<
  void,
  Problem<"forbidden" | "unauthorized" | "too-many-requests">,
  HttpServerRequest | RequestContext
>

/** The check of the secret itself; a call without any is no guess. */
const secretCheck = (
  secret: Redacted.Redacted<string>,
  generator: KeyGenerator["Service"],
  throttle: CredentialThrottle["Service"]
) => {
  const expected = generator.hash(secret)
  return ({ headers }: HttpServerRequest): Check => {
    const sent = credentialIn(headers.authorization)
    if (sameHash(generator.hash(sent), expected)) return Effect.void
    if (Redacted.value(sent) === "") return refused
    return Effect.flatMap(callersNetwork, (network) =>
      Effect.andThen(
        throttle.check("hook", network, Effect.void, () => false),
        refused
      )
    )
  }
}

/** A check to run before a media server's call is read; when no secret is configured it refuses web pages alone. */
const hookCheck = Effect.gen(function* () {
  const secret = yield* HookSecret
  const ofSecret = Option.isNone(secret)
    ? (): Check => Effect.void
    : secretCheck(secret.value, yield* KeyGenerator, yield* CredentialThrottle)
  return Effect.flatMap(
    HttpServerRequest,
    (request): Check => (isFromWebPage(request.headers) ? fromWebPage : ofSecret(request))
  )
})

/** A call of the media server. `isProtected`: a hook secret is configured, so a call that comes through is the media server's. */
export const hookRoute = <E, R>(
  path: `/${string}`,
  handler: (isProtected: boolean) => Effect.Effect<HttpServerResponse, E, R>
) =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const checked = yield* hookCheck
      const isProtected = Option.isSome(yield* HookSecret)
      yield* router.add("POST", path, Effect.andThen(checked, handler(isProtected)))
    })
  )
