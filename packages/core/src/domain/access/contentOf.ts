/** What the decision log keeps of an answer to an auth call: without secrets, of bounded length, and of characters that each store takes. */
import { storable } from "../values/PlainText.ts"
import type { AuthDecision } from "./AuthDecision.ts"
import type { AuthCall, AuthRequest } from "./AuthRequest.ts"
import type { AllowRule, FaultReason } from "./admissionRules.ts"
import { findCredential } from "./findCredential.ts"
import { type DecisionContent, decisionFactsOf } from "./RecordedDecision.ts"
import { PATH_MAX_LENGTH, withoutKeys } from "./StreamPath.ts"

/** Characters of a field. */
export const LONGEST = { path: PATH_MAX_LENGTH, protocol: 64, ip: 64, userAgent: 255, detail: 2_000 } as const

/** As the log keeps it; `null`: there is none. */
export const shown = (text: string | null | undefined, max: number): string | null =>
  text === null || text === undefined || text === "" ? null : storable(withoutKeys(text)).slice(0, max)

/** The metric's attribute `action`, too: one of few words, whatever was asked. */
export const actionOf = (ask: AuthRequest): string => {
  switch (ask._tag) {
    case "Publish":
    case "Misplaced":
    case "Unsupported":
      return "publish"
    case "Check":
      return "check"
    case "Other":
      return "other"
    default:
      return ask.action
  }
}

/** Of a caller that has only what was read of the call. */
const keyPrefixOf = (ask: AuthRequest): string | null =>
  (ask._tag === "Publish" || ask._tag === "Check") && ask.key !== null
    ? findCredential({ ...nothing, password: ask.key }).keyPrefix
    : null

const nothing: AuthCall = {
  action: undefined,
  path: "",
  protocol: undefined,
  id: null,
  user: undefined,
  password: undefined,
  token: undefined,
  query: undefined
}

const about = (ask: AuthRequest, call: AuthCall | null) => ({
  action: actionOf(ask),
  path: shown(call?.path ?? ("path" in ask ? ask.path : null), LONGEST.path),
  protocol: shown(call?.protocol ?? ("protocol" in ask ? ask.protocol : null), LONGEST.protocol),
  ip: shown(call?.ip, LONGEST.ip),
  userAgent: shown(call?.userAgent, LONGEST.userAgent)
})

type Allowed = Exclude<AuthDecision, { readonly _tag: "Refuse" }>

const ruleOf = (decision: Allowed): AllowRule => {
  switch (decision._tag) {
    case "AllowPublisher":
      return decision.again ? "admitted_before" : "admitted"
    case "Good":
      return "key_is_good"
    case "Allow":
      return "open_to_viewers"
    case "AllowViewer":
      return decision.rule
  }
}

const allowedText: { readonly [R in AllowRule]: string } = {
  admitted: "The publisher was admitted",
  admitted_before: "The same connection has asked again, and has its stream",
  key_is_good: "The key is good for the path",
  open_to_viewers: "The path is public",
  playback_token: "The playback token is good for the path",
  api_secret: "The API secret was sent"
}

const allowContent = (decision: Allowed, isOperator: boolean) => {
  const rule = isOperator ? "api_secret" : ruleOf(decision)
  return {
    outcome: "allow",
    reason: null,
    rule,
    detail: allowedText[rule],
    facts: null,
    keyPrefix: "key" in decision ? decision.key.prefix : null,
    streamKeyId: "key" in decision ? decision.key.id : null,
    streamId: decision._tag === "AllowPublisher" ? decision.streamId : null
  } as const
}

/** `call`: as it came; `null` from a caller that does not have it. */
export const contentOf = (ask: AuthRequest, call: AuthCall | null, decision: AuthDecision): DecisionContent => {
  if (decision._tag !== "Refuse") return { ...about(ask, call), ...allowContent(decision, ask._tag === "Operate") }
  const keyPrefix = decision.key?.prefix ?? (call === null ? keyPrefixOf(ask) : findCredential(call).keyPrefix)
  return {
    ...about(ask, call),
    outcome: "refuse",
    reason: decision.reason,
    rule: decision.rule,
    detail: shown(decision.detail, LONGEST.detail) ?? "",
    facts: decision.facts === null ? null : decisionFactsOf(decision.facts),
    // The API secret is no stream key, whatever it begins with.
    keyPrefix: ask._tag === "Operate" ? null : keyPrefix,
    streamKeyId: decision.key?.id ?? null,
    streamId: null
  }
}

const faultText: { readonly [R in FaultReason]: string } = {
  hook_secret: "The hook secret is missing or wrong",
  store_unavailable: "The database did not answer in time"
}

/** Of a call that got no decision. */
export const faultContent = (
  fault: FaultReason,
  asked: { readonly ask: AuthRequest | null; readonly call: AuthCall | null; readonly ip?: string | null }
): DecisionContent => {
  const { ask, call } = asked
  const unknown = { action: "unknown", path: null, protocol: null, ip: null, userAgent: null }
  const { ip, ...rest } = ask === null ? unknown : about(ask, call)
  return {
    ...rest,
    ip: ip ?? shown(asked.ip, LONGEST.ip),
    outcome: fault === "store_unavailable" ? "unavailable" : "refuse",
    reason: fault,
    rule: fault,
    detail: faultText[fault],
    facts: null,
    keyPrefix:
      ask === null || ask._tag === "Operate" ? null : call === null ? keyPrefixOf(ask) : findCredential(call).keyPrefix,
    streamKeyId: null,
    streamId: null
  }
}
