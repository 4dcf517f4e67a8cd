/** `greenroom audit list`: who did what. */
import { AuditText, auditOutcomes, Timestamp } from "@greenroom/core"
import { type DateTime, Schema } from "effect"
import * as Command from "effect/cli/Command"
import type { AuditEntry } from "../http/api/AuditApi.ts"
import { both, call } from "./ApiClient.ts"
import { checkedFlag, described, given, limit } from "./flags.ts"
import { orNothing, relative, table } from "./format.ts"
import { printList } from "./output.ts"

type Entry = typeof AuditEntry.Type

const who = ({ actor, claimedActor }: Entry): string => {
  const credential = actor.name ?? actor.type
  return claimedActor === null ? credential : `${claimedActor} (${credential})`
}

const rows = (entries: ReadonlyArray<Entry>, now: DateTime.Utc): string =>
  table([
    ["WHEN", "WHO", "ACTION", "RESOURCE", "OUTCOME", "WHY", "FROM"],
    ...entries.map((entry) => [
      relative(entry.at, now),
      who(entry),
      entry.action,
      orNothing(entry.resourceId),
      entry.outcome as string,
      orNothing(entry.reason),
      orNothing(entry.address)
    ])
  ])

const text = (name: string, metavar: string, description: string) => checkedFlag(name, metavar, AuditText, description)

const list = Command.make(
  "list",
  {
    actor: text(
      "actor",
      "<who>",
      "secret, token, unknown, application, a token's id or name, or whom a frontend named"
    ),
    action: text("action", "<action>", "Such as stream_key.revoke"),
    resourceType: text("type", "<type>", "Such as stream_key"),
    resourceId: text("resource", "<id>", "The id of what was changed"),
    outcome: checkedFlag("outcome", "<outcome>", Schema.Literals(auditOutcomes), auditOutcomes.join(", ")),
    from: checkedFlag("from", "<time>", Timestamp, "Entries of this time or later"),
    to: checkedFlag("to", "<time>", Timestamp, "Entries before this time"),
    limit
  },
  ({ limit, ...filter }) =>
    printList(
      "audit_logs",
      limit,
      (page) => call(({ audit }) => audit.list({ query: { ...given(filter), ...page }, responseMode: both })),
      { empty: () => "No entry matches.", table: rows }
    )
).pipe(
  described(
    "List the audit log, newest first",
    ["greenroom audit list --limit 20"],
    ["greenroom audit list --outcome refused", "What was refused, and to whom"],
    ["greenroom audit list --resource <id> --json", "What happened to one thing, with before and after"]
  )
)

export const auditCommand = Command.make("audit").pipe(
  described("Who did what: every change, and what was refused", ["greenroom audit list --limit 20"]),
  Command.withSubcommands([list])
)
