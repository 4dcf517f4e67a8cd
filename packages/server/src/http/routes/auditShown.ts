/** Entries of the audit log as JSON, and as rows of CSV (RFC 4180). */
import { actorType, type AuditEntry as Entry } from "@greenroom/core"
import { Schema } from "effect"
import { AuditEntry } from "../api/AuditApi.ts"

export const auditEntryShown = ({ actor, origin, ...entry }: Entry): typeof AuditEntry.Type => ({
  ...entry,
  actor: {
    type: actorType(actor),
    token_id: actor._tag === "Token" ? actor.id : null,
    name: actor._tag === "Token" || actor._tag === "Application" ? actor.name : null
  },
  address: origin.address,
  userAgent: origin.userAgent,
  requestId: origin.requestId
})

const encode = Schema.encodeSync(Schema.toCodecJson(AuditEntry))

const asJson = (entry: Entry) => encode(auditEntryShown(entry)) as Readonly<Record<string, unknown>>

export const ndjsonLine = (entry: Entry): string => `${JSON.stringify(asJson(entry))}\n`

const columns = [
  "id",
  "at",
  "actor_type",
  "actor_token_id",
  "actor_name",
  "claimed_actor",
  "action",
  "resource_type",
  "resource_id",
  "broadcaster_id",
  "outcome",
  "reason",
  "address",
  "user_agent",
  "request_id",
  "before",
  "after",
  "details"
] as const

export const csvHead = `${columns.join(",")}\r\n`

/** A text that begins like a formula is one for spreadsheets, so it gets an apostrophe in front. */
const field = (value: unknown): string => {
  const text = value === null || value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value)
  const safe = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export const csvRow = (entry: Entry): string => {
  const { actor, ...rest } = asJson(entry) as { readonly actor: Readonly<Record<string, unknown>> }
  const row: Readonly<Record<string, unknown>> = {
    ...rest,
    actor_type: actor.type,
    actor_token_id: actor.token_id,
    actor_name: actor.name
  }
  return `${columns.map((column) => field(row[column])).join(",")}\r\n`
}
