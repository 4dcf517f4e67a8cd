/**
 * `POST /auth`, the hot path: while MediaMTX waits for this answer no other client gets into that media server. Decode, one use case,
 * encode, in front of the router; the router's route answers what is unusual. MediaMTX takes every 2xx for an allow and follows a
 * redirect, so an error must never be answered with either.
 */
import { isIP } from "node:net"
import {
  type Answered,
  type AuthCall,
  type AuthDecision,
  type AuthRequest,
  admissionRules,
  authenticate,
  PATH_MAX_LENGTH,
  readAuthCall,
  recordRefusedCall,
  StoreUnavailable,
  withoutKeys
} from "@greenroom/core"
import { Effect, Layer } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { announcesPlainText, decodeUtf8 } from "../body/bodyText.ts"
import { isJson, jsonValue, parseJson } from "../body/jsonBody.ts"
import { directHandler } from "../direct/directHandler.ts"
import { clientAddress } from "../listener/clientAddress.ts"
import { hookGate, hookRoute } from "../middleware/HookSecret.ts"
import { RequestContext } from "../middleware/RequestContext.ts"
import { invalid, problem } from "../problems/Problem.ts"
import { nameOf } from "../problems/refusals.ts"
import { CredentialThrottle, callersNetwork } from "../throttle/CredentialThrottle.ts"
import { authBodyIn, authCallOf } from "./authBody.ts"
import { RouteTable } from "./RouteTable.ts"

const PATH = "/auth"

type Note = RequestContext["Service"]

const encode = (decision: AuthDecision) => {
  if (decision._tag === "Refuse") {
    const { reason, rule, detail } = decision
    return Effect.fail(problem(nameOf(reason), { detail, remedy: admissionRules[rule].remedy }))
  }
  const stream_id = decision._tag === "AllowPublisher" ? decision.streamId : null
  return Effect.succeed(JSON.stringify({ decision: "allow", stream_id }))
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

/** Whose key, or whose token, it was. */
const subjectOf = (decision: Answered): Note["facts"] => {
  switch (decision._tag) {
    case "Allow":
      return {}
    case "AllowViewer":
      return {
        rule: decision.rule,
        playback_token_id: decision.grant?.tokenId ?? null,
        viewer_id: decision.grant?.viewerId ?? null
      }
    default:
      return { stream_key_id: decision.key?.id ?? null, key_prefix: decision.key?.prefix ?? null }
  }
}

const factsWith = (facts: Note["facts"], decision: Answered) => ({
  ...facts,
  decision_id: decision.decisionId,
  ...(decision._tag === "Refuse"
    ? { decision: "refuse", reason: decision.reason, rule: decision.rule, detail: decision.detail }
    : { decision: "allow", reason: null }),
  ...subjectOf(decision),
  ...(decision._tag === "AllowPublisher" ? { stream_id: decision.streamId } : {})
})

type Throttle = CredentialThrottle["Service"]
type Guesser = typeof callersNetwork

const isGuess = (ask: AuthRequest): boolean => ask._tag === "Operate" && ask.secrets.length > 0

/** The API secret can be guessed here, too, by way of the media server or of a call in its place. */
const throttled = (throttle: Throttle, ask: AuthRequest, call: AuthCall, guesser: Guesser) =>
  isGuess(ask)
    ? Effect.flatMap(guesser, (network) =>
        throttle.check("api", network, authenticate(ask, call), ({ _tag }) => _tag !== "Refuse")
      )
    : authenticate(ask, call)

/** A call that the store did not answer is refused like any other, and is found like any other. */
const noteUnavailable = (note: Note) => (error: unknown) =>
  Effect.sync(() => {
    if (!(error instanceof StoreUnavailable)) return
    note.decisionId = error.decisionId ?? null
    note.facts = { ...note.facts, decision_id: note.decisionId, decision: "unavailable", reason: "store_unavailable" }
  })

const decided = Effect.fnUntraced(function* (throttle: Throttle, note: Note, call: AuthCall, guesser: Guesser) {
  const ask = readAuthCall(call)
  if (ask._tag === "Incomplete") return yield* invalid([{ pointer: ask.pointer, detail: ask.detail }])
  const decision = yield* Effect.tapError(throttled(throttle, ask, call, guesser), noteUnavailable(note))
  note.decisionId = decision.decisionId
  note.quiet = isQuiet(ask, decision)
  note.facts = factsWith(note.facts, decision)
  return yield* encode(decision)
})

/**
 * Whose guess it is. With the hook secret the caller is the media server, and the guess comes from the address in its body. Without
 * it any caller could make that address up, so the guess is the caller's own.
 */
const guesserOf = (ip: string | null | undefined, isProtected: boolean): Guesser =>
  isProtected && typeof ip === "string" && isIP(ip) !== 0 ? Effect.succeed(clientAddress(ip)) : callersNetwork

/** Of what was parsed of the body. */
const answer = (throttle: Throttle, isProtected: boolean) => (sent: unknown, note: Note) => {
  note.facts = factsOf(sent)
  return Effect.flatMap(authBodyIn(sent), (body) =>
    decided(throttle, note, authCallOf(body), guesserOf(body.ip, isProtected))
  )
}

/** Nearly all calls: JSON of a known length, with the hook secret. */
const direct = Effect.gen(function* () {
  const gate = yield* hookGate
  const answered = answer(yield* CredentialThrottle, gate.isProtected)
  const handler = yield* directHandler({
    method: "POST",
    path: PATH,
    takes: (headers) =>
      gate.judge(headers) === "Right" && isJson(headers["content-type"]) && announcesPlainText(headers),
    answer: (bytes, note) =>
      Effect.flatMap(Effect.flatMap(decodeUtf8(bytes), parseJson), (sent) => answered(sent, note))
  })
  const table = yield* RouteTable
  table.direct = handler
})

/** A media server without the hook secret gets no publisher in: the decision log has that, too. */
const recordWrongSecret = Effect.flatMap(RequestContext, (note) =>
  Effect.map(recordRefusedCall("hook_secret", note.remoteAddress ?? null), (decisionId) => {
    note.decisionId = decisionId
  })
)

const decisionHeader = ({ decisionId }: Note) => (decisionId === null ? {} : { "x-decision-id": decisionId })

const routed = Layer.unwrap(
  Effect.map(CredentialThrottle, (throttle) =>
    hookRoute(
      PATH,
      (isProtected) =>
        Effect.gen(function* () {
          const note = yield* RequestContext
          const text = yield* answer(throttle, isProtected)(yield* jsonValue, note)
          return HttpServerResponse.text(text, { contentType: "application/json", headers: decisionHeader(note) })
        }),
      recordWrongSecret
    )
  )
)

export const layer = Layer.merge(routed, Layer.effectDiscard(direct))
