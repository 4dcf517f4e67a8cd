/** `gr.auth`: why an encoder cannot connect, and what was answered to auth calls. */
import * as Core from "@greenroom/core"
import { Effect, Redacted, Schema } from "effect"
import { fieldsOf, given, limitOf, timeOf, unchecked } from "./argumentForms.ts"
import { invalidArgument } from "./GreenroomError.ts"
import type { Run } from "./run.ts"
import { date } from "./shapes.ts"

/** What an encoder is set to, as one of these. */
export type EncoderSettings =
  /** `bearer`: of a WHIP URL. */
  | { readonly url: string; readonly bearer?: string }
  /** OBS's server and stream key. */
  | { readonly server: string; readonly streamKey: string }
  /** Of SRT. */
  | { readonly streamid: string }
  /** Without the key itself. */
  | { readonly keyId: string; readonly path: string }

export interface AuthDecision {
  readonly id: string
  /** When it was given first and last, and how often. */
  readonly at: Date
  readonly lastAt: Date
  readonly count: number
  readonly outcome: "allow" | "refuse" | "unavailable"
  readonly reason: string | null
  readonly rule: string
  readonly detail: string
  /** One sentence of what to do. */
  readonly remedy: string | null
  readonly path: string | null
  readonly protocol: string | null
  readonly ip: string | null
  readonly userAgent: string | null
  readonly keyPrefix: string | null
  readonly keyId: string | null
  readonly streamId: string | null
  readonly broadcasterId: string | null
}

export interface AuthCheck {
  readonly decision: "allow" | "refuse"
  readonly reason: string | null
  readonly detail: string | null
  readonly remedy: string | null
  /** What the media server makes of the settings. */
  readonly parsed: Core.ParsedCall
  readonly checks: ReadonlyArray<Core.CheckResult>
  /** The last refusals on this path or of this key, newest first. */
  readonly recent: ReadonlyArray<AuthDecision>
}

export interface AuthDecisionFilter {
  readonly path?: string
  readonly keyPrefix?: string
  readonly reasons?: ReadonlyArray<string>
  readonly outcomes?: ReadonlyArray<AuthDecision["outcome"]>
  readonly ip?: string
  readonly since?: Date | string
  readonly broadcasterId?: string
  /** At most 1,000; 100 unless given. */
  readonly limit?: number
}

export interface Auth {
  /** What `authenticate` would answer to an encoder with these settings, and why. Nothing happens by it. */
  readonly check: (settings: EncoderSettings) => Promise<AuthCheck>
  /** The newest first. A decision is here about a second after it was made. */
  readonly decisions: (filter?: AuthDecisionFilter) => Promise<ReadonlyArray<AuthDecision>>
}

const decisionShape = (decision: Core.RecordedDecision): AuthDecision => {
  const { at, lastAt, streamKeyId, facts: _, action: __, instance: ___, ...rest } = decision
  return { ...rest, at: date(at), lastAt: date(lastAt), keyId: streamKeyId, remedy: Core.remedyOf(decision.rule) }
}

const secret = (name: string, value: unknown): Redacted.Redacted<string> => {
  if (typeof value !== "string") throw invalidArgument(name, "expected a text")
  return Redacted.make(value)
}

const isKeyId = Schema.is(Core.StreamKeyId)

const questionOf = (settings: EncoderSettings): Core.AuthQuestion => {
  if ("url" in settings) {
    const bearer = settings.bearer === undefined ? null : secret("bearer", settings.bearer)
    return { _tag: "Url", url: secret("url", settings.url), bearer }
  }
  if ("server" in settings) {
    const { server, streamKey } = settings
    return { _tag: "Obs", server: secret("server", server), streamKey: secret("streamKey", streamKey) }
  }
  if ("streamid" in settings) return { _tag: "StreamId", streamid: secret("streamid", settings.streamid) }
  if ("keyId" in settings && typeof settings.path === "string" && isKeyId(settings.keyId))
    return { _tag: "Key", streamKeyId: settings.keyId, path: settings.path }
  throw invalidArgument("settings", "expected a url, a server and a streamKey, a streamid, or a keyId and a path")
}

const check = Effect.fnUntraced(function* (settings: EncoderSettings) {
  const { decision, reason, detail, remedy, parsed, checks, recent } = yield* Core.checkAuth(questionOf(settings))
  const answer: AuthCheck = { decision, reason, detail, remedy, parsed, checks, recent: recent.map(decisionShape) }
  return answer
})

const decisions = Effect.fnUntraced(function* ({ limit, since, ...filter }: AuthDecisionFilter) {
  const asked = unchecked<Core.DecisionFilter>(given({ ...filter, since: timeOf("since", since) }))
  const { items } = yield* Core.listAuthDecisions(asked, { limit: limitOf(limit), after: null })
  return items.map(decisionShape)
})

export const authOf = (run: Run): Auth => ({
  check: (settings) => run(Effect.suspend(() => check(fieldsOf("settings", settings)))),
  decisions: (filter = {}) => run(Effect.suspend(() => decisions(fieldsOf("filter", filter))))
})
