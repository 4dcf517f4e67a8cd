/** Checks and decisions as people read them. Pure. */
import type { DateTime } from "effect"
import type { AuthCheck } from "../http/api/authCheckSchemas.ts"
import type { AuthDecision } from "../http/api/authDecisionSchemas.ts"
import { clockTime, orNothing, printable, relative, table } from "./format.ts"

export type Decision = typeof AuthDecision.Type
type Check = typeof AuthCheck.Type

const key = (prefix: string | null): string => (prefix === null ? "-" : `${prefix}…`)

const outcome = ({ outcome, reason }: Decision): string => reason ?? outcome

export const decisionRows = (decisions: ReadonlyArray<Decision>, now: DateTime.Utc): string =>
  table([
    ["LAST", "TIMES", "ANSWER", "PATH", "KEY", "FROM", "WHY", "ID"],
    ...decisions.map((decision) => [
      relative(decision.lastAt, now),
      String(decision.count),
      outcome(decision),
      orNothing(decision.path),
      key(decision.keyPrefix),
      orNothing(decision.ip),
      decision.detail,
      decision.id as string
    ])
  ])

/** `01:33:14Z  stream_key_expired  live/studio-1  sk_abcd…  203.0.113.7  Stream key sk_abcd… has expired`. */
export const decisionLine = (decision: Decision): string =>
  [
    clockTime(decision.at),
    outcome(decision),
    orNothing(decision.path),
    key(decision.keyPrefix),
    orNothing(decision.ip),
    decision.detail
  ]
    .map(printable)
    .join("  ")

const signs = { passed: "✓", failed: "✗", skipped: "-" } as const

const names: { readonly [C in Check["checks"][number]["check"]]: string } = {
  hook_secret: "hook secret",
  action: "action",
  protocol: "protocol",
  path: "path",
  credential: "credential",
  key: "key",
  key_status: "key's state",
  key_path: "key's paths",
  path_owner: "path's owner",
  key_block: "block",
  host_rule: "host's rule",
  in_use: "in use",
  playback_policy: "playback",
  playback_token: "token",
  playback_use: "token's use",
  database: "database"
}

const asked = ({ parsed: { action, path, protocol, credential } }: Check): string => {
  const over = protocol === null ? "" : ` over ${protocol}`
  const sent =
    credential.foundIn === null
      ? ""
      : `, with ${key(credential.keyPrefix)} in the ${credential.foundIn.replace("_", " ")}`
  return `${action} ${orNothing(path)}${over}${sent}`
}

const lines = ({ checks }: Check): ReadonlyArray<string> => {
  const width = Math.max(...checks.map(({ check }) => names[check].length))
  return checks.flatMap(({ check, outcome, detail, remedy }) => [
    `${signs[outcome]} ${names[check].padEnd(width)}  ${detail}`,
    ...(remedy === null ? [] : [`${" ".repeat(width + 4)}→ ${remedy}`])
  ])
}

const verdict = ({ decision, parsed, reason }: Check): string =>
  decision === "refuse"
    ? `Refused: ${reason}.`
    : parsed.action === "publish"
      ? "Let in: the encoder may publish. If it does not connect, look at its address and port, and at a firewall."
      : "Let in as a viewer."

/** For a person: what was understood, each check, and what was refused lately. */
export const checkText = (check: Check, now: DateTime.Utc): string => {
  const recent =
    check.recent.length === 0
      ? ["No refusal on this path or of this key is in the log."]
      : ["Last refusals on this path or of this key:", decisionRows(check.recent, now)]
  const shown = [asked(check), "", ...lines(check), "", verdict(check)].map(printable)
  return [...shown, "", ...recent].join("\n")
}
