/**
 * The secret that the media server's calls must carry, when the operator has configured one: HTTP Basic with any user, as
 * MediaMTX sends it when its `authHTTPAddress` holds it, or a bearer token.
 */
import { KeyMint, sameHash } from "@greenroom/core"
import { Context, Effect, Option, type Redacted } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import { Unauthorized } from "./api/Problems.ts"
import { BEARER_CHALLENGE, note } from "./RequestNote.ts"

export class HookSecret extends Context.Service<HookSecret, Option.Option<Redacted.Redacted<string>>>()(
  "greenroom/http/HookSecret"
) {}

const basic = HttpApiBuilder.securityDecode(HttpApiSecurity.basic)
const bearer = HttpApiBuilder.securityDecode(HttpApiSecurity.bearer)
const challenge = `Basic realm="greenroom", ${BEARER_CHALLENGE}`

/** A check to run before a media server's call is read; it passes when no secret is configured. */
export const hookCheck = Effect.map(Effect.all([HookSecret, KeyMint]), ([secret, mint]) => {
  if (Option.isNone(secret)) return Effect.void
  const expected = mint.hash(secret.value)
  return Effect.gen(function* () {
    const isIt = (sent: Redacted.Redacted<string>) => sameHash(mint.hash(sent), expected)
    if (isIt((yield* basic).password) || isIt(yield* bearer)) return
    yield* note({ challenge, facts: { reason: "hook_secret" } })
    return yield* new Unauthorized({ detail: "The hook secret is missing or wrong" })
  })
})
