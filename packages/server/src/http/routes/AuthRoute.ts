/**
 * `POST /auth`, the hot path: while MediaMTX waits for this answer no other client gets into that media server. A plain route: decode, one
 * use case, encode. MediaMTX takes every 2xx for an allow and follows a redirect, so an error must never be answered with either.
 */
import { isIP } from "node:net"
import {
  type AuthCall,
  type AuthDecision,
  type AuthRequest,
  authenticate,
  PATH_MAX_LENGTH,
  readAuthCall,
  withoutKeys
} from "@greenroom/core"
import { Effect, Layer } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { AuthBody } from "../api/MediaServerApi.ts"
import { jsonBodySeen } from "../body/jsonBody.ts"
import { clientAddress } from "../listener/clientAddress.ts"
import { hookRoute } from "../middleware/HookSecret.ts"
import { note, RequestContext } from "../middleware/RequestContext.ts"
import { failWith, invalid } from "../problems/Problem.ts"
import { nameOf } from "../problems/refusals.ts"
import { CredentialThrottle, callersNetwork } from "../throttle/CredentialThrottle.ts"

const toCall = (body: typeof AuthBody.Type): AuthCall => ({
  action: body.action ?? undefined,
  path: body.path,
  protocol: body.protocol ?? undefined,
  id: body.id,
  user: body.user ?? undefined,
  password: body.password ?? undefined,
  token: body.token ?? undefined,
  query: body.query ?? undefined
})

const encode = (decision: AuthDecision) => {
  if (decision._tag === "Refuse") return failWith(nameOf(decision.reason), decision.detail)
  const stream_id = decision._tag === "AllowPublisher" ? decision.streamId : null
  return Effect.succeed(HttpServerResponse.jsonUnsafe({ decision: "allow", stream_id }))
}

/** Characters of a field in the log: MediaMTX's longest action and protocol, path and id, and more than those. */
const SHOWN = { action: 64, path: PATH_MAX_LENGTH, protocol: 64, id: 255 } as const

/** A field of a body that is not decoded yet. Keys are removed first: a cut one could not be recognised any more. */
const shown = (body: Readonly<Record<string, unknown>>, name: keyof typeof SHOWN): string => {
  const value = body[name]
  return typeof value === "string" ? withoutKeys(value).slice(0, SHOWN[name]) : ""
}

/** What the log line of a call has, also of one that does not decode: what was asked for, and never a credential. */
const factsOf = (body: unknown): Readonly<Record<string, string>> => {
  if (typeof body !== "object" || body === null) return {}
  const fields = body as Readonly<Record<string, unknown>>
  return {
    action: shown(fields, "action"),
    path: shown(fields, "path"),
    protocol: shown(fields, "protocol"),
    source_id: shown(fields, "id")
  }
}

/** The service's own control API calls come back through here, once a second or oftener; an anonymous first call is routine. */
const isQuiet = (ask: AuthRequest, decision: AuthDecision): boolean =>
  decision._tag === "Refuse" ? decision.quiet : ask._tag === "Operate"

const factsWith = (facts: RequestContext["Service"]["facts"], decision: AuthDecision) => ({
  ...facts,
  ...(decision._tag === "Refuse"
    ? { decision: "refuse", reason: decision.reason, detail: decision.detail }
    : { decision: "allow", reason: null }),
  ...(decision._tag === "Allow"
    ? {}
    : { stream_key_id: decision.key?.id ?? null, key_prefix: decision.key?.prefix ?? null }),
  ...(decision._tag === "AllowPublisher" ? { stream_id: decision.streamId } : {})
})

const readBody = jsonBodySeen(AuthBody, (body) => note({ facts: factsOf(body) }))

type Guesser = typeof callersNetwork

const isGuess = (ask: AuthRequest): boolean => ask._tag === "Operate" && ask.secrets.length > 0

/** The API secret can be guessed here, too, by way of the media server or of a call in its place. */
const throttled = (throttle: CredentialThrottle["Service"], ask: AuthRequest, guesser: Guesser) =>
  isGuess(ask)
    ? Effect.flatMap(guesser, (network) =>
        throttle.check("api", network, authenticate(ask), ({ _tag }) => _tag !== "Refuse")
      )
    : authenticate(ask)

const decided = Effect.fnUntraced(function* (
  throttle: CredentialThrottle["Service"],
  call: AuthCall,
  guesser: Guesser
) {
  const current = yield* RequestContext
  const ask = readAuthCall(call)
  if (ask._tag === "Incomplete") return yield* invalid([{ pointer: ask.pointer, detail: ask.detail }])
  const decision = yield* throttled(throttle, ask, guesser)
  current.quiet = isQuiet(ask, decision)
  current.facts = factsWith(current.facts, decision)
  return yield* encode(decision)
})

/**
 * Whose guess it is. With the hook secret the caller is the media server, and the guess comes from the address in its body. Without
 * it any caller could make that address up, so the guess is the caller's own.
 */
const guesserOf = (ip: string | null | undefined, isProtected: boolean): Guesser =>
  isProtected && typeof ip === "string" && isIP(ip) !== 0 ? Effect.succeed(clientAddress(ip)) : callersNetwork

export const layer = Layer.unwrap(
  Effect.map(CredentialThrottle, (throttle) =>
    hookRoute("/auth", (isProtected) =>
      Effect.flatMap(readBody, (body) => decided(throttle, toCall(body), guesserOf(body.ip, isProtected)))
    )
  )
)
