/** The audit log for its readers, and what only a frontend can add to it. */
import { Effect, Schema } from "effect"
import { ClaimedAction } from "../domain/audit/AuditAction.ts"
import { type AuditFilter, auditOutcomes } from "../domain/audit/AuditEntry.ts"
import { BroadcasterId } from "../domain/values/Ids.ts"
import { Metadata } from "../domain/values/Metadata.ts"
import { lineOf } from "../domain/values/PlainText.ts"
import { AuditLog } from "../ports/AuditLog.ts"
import type { PageRequest } from "../ports/Page.ts"
import { Instant, pageFields } from "./argumentSchemas.ts"
import { recordEntry } from "./audited.ts"
import { CurrentCaller } from "./CurrentCaller.ts"
import { checkArguments } from "./InvalidArgument.ts"
import { isCallersBroadcaster, withinCallersLimit } from "./visibleToCaller.ts"

/** What a frontend calls the person or the program that acted. */
export const ClaimedActor = lineOf(255).annotate({ examples: ["ada@example.com"] })
export const AuditText = lineOf(255)

const filterFields = {
  actor: Schema.optionalKey(AuditText),
  actions: Schema.optionalKey(Schema.NonEmptyArray(AuditText)),
  resourceType: Schema.optionalKey(AuditText),
  resourceId: Schema.optionalKey(AuditText),
  outcome: Schema.optionalKey(Schema.Literals(auditOutcomes)),
  from: Schema.optionalKey(Instant),
  to: Schema.optionalKey(Instant),
  broadcasterId: Schema.optionalKey(BroadcasterId)
}
const check = {
  list: checkArguments("listAuditLog", { ...filterFields, ...pageFields }),
  count: checkArguments("countAuditLog", filterFields),
  record: checkArguments("recordAuditEvent", {
    action: ClaimedAction,
    actor: ClaimedActor,
    resourceId: Schema.NullOr(AuditText),
    broadcasterId: Schema.NullOr(BroadcasterId),
    outcome: Schema.Literals(auditOutcomes),
    details: Schema.NullOr(Metadata)
  })
}

/** Newest first. */
export const listAuditLog = Effect.fn("listAuditLog")(function* (filter: AuditFilter, page: PageRequest) {
  const { limit, after, ...checked } = yield* check.list({ ...filter, ...page })
  const log = yield* AuditLog
  return yield* log.list(yield* withinCallersLimit(checked), { limit, after })
})

/** How many entries match. */
export const countAuditLog = Effect.fn("countAuditLog")(function* (filter: AuditFilter) {
  const checked = yield* check.count({ ...filter })
  const log = yield* AuditLog
  return yield* log.count(yield* withinCallersLimit(checked))
})

export interface AuditEvent {
  readonly action: string
  /** Whom the frontend names; the entry's actor is the credential that sent it. */
  readonly actor: string
  readonly resourceId: string | null
  readonly broadcasterId: BroadcasterId | null
  readonly outcome: (typeof auditOutcomes)[number]
  readonly details: Metadata | null
}

/** Records what only a frontend knows, such as a login. Whether the caller may name the broadcaster. */
export const recordAuditEvent = Effect.fn("recordAuditEvent")(function* (event: AuditEvent) {
  const { action, actor, ...checked } = yield* check.record({ ...event })
  if (checked.broadcasterId !== null && !(yield* isCallersBroadcaster(checked.broadcasterId))) return false
  const { only } = yield* CurrentCaller
  yield* recordEntry(action, { ...checked, broadcasterId: checked.broadcasterId ?? only, claimedActor: actor })
  return true
})
