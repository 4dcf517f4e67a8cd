/**
 * The checks of a publisher one by one, for people: which it passes, which it fails and what to do, and which were not reached. A refusal's rule names the
 * check that failed; those before it, in the order of `accessChecks`, were passed.
 */
import { DateTime } from "effect"
import type { PlaybackPolicy } from "../playback/PlaybackPolicy.ts"
import type { PlaybackTokenId } from "../playback/PlaybackToken.ts"
import type { Refusal } from "./AuthDecision.ts"
import { type AccessCheck, accessChecks, admissionRules } from "./admissionRules.ts"
import type { AdmissionFacts, KeyFacts } from "./decideAdmission.ts"
import type { CredentialRef } from "./findCredential.ts"
import { withoutKeys } from "./StreamPath.ts"

/** `skipped`: not reached, or of no account here. */
export const checkOutcomes = ["passed", "failed", "skipped"] as const

export interface CheckResult {
  readonly check: AccessCheck
  readonly outcome: (typeof checkOutcomes)[number]
  /** One sentence. */
  readonly detail: string
  /** What to do, of one that failed. */
  readonly remedy: string | null
}

/** The call that the media server would make. */
export interface ParsedCall {
  readonly protocol: string | null
  readonly action: string
  readonly path: string
  readonly credential: CredentialRef
}

/** How a publisher that is let in would come in. */
export type Admittance = "free" | "takes_over" | "others_are_gone" | "not_decided_yet"

export type AccessOutcome =
  | { readonly _tag: "Refuse"; readonly refusal: Refusal }
  | {
      readonly _tag: "View"
      readonly policy: PlaybackPolicy
      /** Of the token that was sent, when it is good for the path. */
      readonly tokenId: PlaybackTokenId | null
    }
  | {
      readonly _tag: "Publish"
      readonly facts: AdmissionFacts
      readonly how: Admittance
      /** The host application has a rule, and it was asked. */
      readonly hostAsked: boolean
    }

/** Those that a viewer passes. */
const viewerChecks: ReadonlyArray<AccessCheck> = ["playback_policy", "playback_token", "playback_use"]
/** Those that a publisher passes; the others are of calls that do not get so far. */
const publisherChecks = accessChecks.filter(
  (check) => !["hook_secret", "action", "database", ...viewerChecks].includes(check)
)

const passed = (check: AccessCheck, detail: string): CheckResult => ({ check, outcome: "passed", detail, remedy: null })
const skipped = (check: AccessCheck, detail: string): CheckResult => ({
  check,
  outcome: "skipped",
  detail,
  remedy: null
})

const failed = ({ rule, detail }: Refusal): CheckResult => ({
  check: admissionRules[rule].check,
  outcome: "failed",
  detail,
  remedy: admissionRules[rule].remedy
})

const places = {
  password: "as the password",
  token: "as the token",
  query: "in the query",
  user: "as the user name, where it counts, too",
  path: "in the path"
} as const

const credentialText = ({ foundIn, keyPrefix }: CredentialRef): string =>
  foundIn === null
    ? "The key is named by its id"
    : `${keyPrefix === null ? "A credential" : `A key that begins with ${keyPrefix}`} is sent ${places[foundIn]}`

const statusText = ({ expiresAt }: KeyFacts): string =>
  expiresAt === null
    ? "It is not revoked and not disabled, and does not expire"
    : `It is not revoked and not disabled, and expires at ${DateTime.formatIso(expiresAt)}`

const inUseTexts = {
  free: "Neither the key nor the path is in use",
  takes_over: "The connection that has the key or the path would be taken off the air",
  others_are_gone: "The connection that had the key or the path is gone, as the media server answers",
  not_decided_yet: ""
} as const

/** Of a check that was passed; the facts are there from `key` on. */
const passedText = (check: AccessCheck, call: ParsedCall, facts: AdmissionFacts | null): string => {
  const key = facts?.key ?? null
  switch (check) {
    case "protocol":
      return call.protocol === null
        ? "Any protocol whose connections can be followed"
        : `Publishers over ${call.protocol} can be followed`
    case "path":
      return `The path is ${call.path}`
    case "credential":
      return credentialText(call.credential)
    case "key":
      return key === null ? "The key is known" : `${key.prefix}… is a key of this service`
    case "key_status":
      return key === null ? "The key is valid" : statusText(key)
    case "key_path":
      return key === null || key.path === null
        ? "The key may publish on any path"
        : `The key may publish on ${key.path}`
    case "path_owner":
      return "The path belongs to no other broadcaster's key"
    case "key_block":
      return "The key is not blocked on the path"
    default:
      return "Passed"
  }
}

const hostResult = (hostAsked: boolean): CheckResult =>
  hostAsked
    ? passed("host_rule", "The host application lets the publisher in")
    : skipped("host_rule", "No host application was asked")

const inUseResult = (how: Admittance): CheckResult =>
  how === "not_decided_yet"
    ? skipped("in_use", "A page asks before there is a connection: who has the key is decided when one comes")
    : passed("in_use", inUseTexts[how])

const NOT_REACHED = "Not reached"

const POLICY_TEXT: { readonly [P in PlaybackPolicy]: string } = {
  public: "The path is public",
  token: "The path is private: watching it needs a playback token"
}

/** Of a viewer that is refused, before or at a check. */
const refusedViewer = (refusal: Refusal): ReadonlyArray<CheckResult> => {
  const at = viewerChecks.indexOf(admissionRules[refusal.rule].check)
  return viewerChecks.map((check, index) => {
    if (index === at) return failed(refusal)
    if (index > at) return skipped(check, NOT_REACHED)
    return passed(
      check,
      check === "playback_policy" ? POLICY_TEXT.token : "The token is signed well, and its time is not over"
    )
  })
}

const viewResults = ({ policy, tokenId }: Extract<AccessOutcome, { readonly _tag: "View" }>) => [
  passed("playback_policy", POLICY_TEXT[policy]),
  tokenId === null
    ? skipped("playback_token", "No token is needed")
    : passed("playback_token", `Playback token ${tokenId} is signed well, and its time is not over`),
  tokenId === null
    ? skipped("playback_use", "No token is needed")
    : passed("playback_use", "The token is for this path")
]

const refusedResults = (call: ParsedCall, refusal: Refusal): ReadonlyArray<CheckResult> => {
  const { check: broken } = admissionRules[refusal.rule]
  const at = accessChecks.indexOf(broken)
  if (viewerChecks.includes(broken)) return refusedViewer(refusal)
  if (!publisherChecks.includes(broken)) return [failed(refusal)]
  return publisherChecks.map((check) => {
    if (check === broken) return failed(refusal)
    if (accessChecks.indexOf(check) > at) return skipped(check, NOT_REACHED)
    return check === "host_rule" ? hostResult(false) : passed(check, passedText(check, call, refusal.facts))
  })
}

/** Pure and total. No sentence has a key in it. */
export const accessReport = (call: ParsedCall, outcome: AccessOutcome): ReadonlyArray<CheckResult> => {
  const results = ((): ReadonlyArray<CheckResult> => {
    switch (outcome._tag) {
      case "Refuse":
        return refusedResults(call, outcome.refusal)
      case "View":
        return viewResults(outcome)
      case "Publish":
        return publisherChecks.map((check) => {
          if (check === "host_rule") return hostResult(outcome.hostAsked)
          return check === "in_use" ? inUseResult(outcome.how) : passed(check, passedText(check, call, outcome.facts))
        })
    }
  })()
  return results.map((result) => ({ ...result, detail: withoutKeys(result.detail) }))
}
