/**
 * The secret that the media server's calls must carry, when the operator has configured one: HTTP Basic with any user, as
 * MediaMTX sends it when its `authHTTPAddress` holds it, or a bearer token.
 */
import { KeyMint, sameHash } from "@greenroom/core"
import { Context, Effect, Option, Redacted } from "effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import { Unauthorized } from "./api/Problems.ts"
import { BEARER_CHALLENGE, note } from "./RequestNote.ts"

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
  note({ challenge, facts: { reason: "hook_secret" } }),
  Effect.fail(new Unauthorized({ detail: "The hook secret is missing or wrong" }))
)

/** A check to run before a media server's call is read; it passes when no secret is configured. */
export const hookCheck = Effect.map(Effect.all([HookSecret, KeyMint]), ([secret, mint]) => {
  if (Option.isNone(secret)) return Effect.void
  const expected = mint.hash(secret.value)
  return Effect.flatMap(HttpServerRequest, ({ headers }) =>
    sameHash(mint.hash(credentialIn(headers.authorization)), expected) ? Effect.void : refused
  )
})
