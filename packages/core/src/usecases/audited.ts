/** A change and its entry in the audit log, in one atomic step. What is refused changes nothing, and is recorded by the shell that refuses it. */
import { Context, Effect } from "effect"
import type { AuditAction } from "../domain/audit/AuditAction.ts"
import type { AuditOutcome, Image, NewAuditEntry } from "../domain/audit/AuditEntry.ts"
import type { Caller } from "../domain/identity/Caller.ts"
import type { BroadcasterId } from "../domain/values/Ids.ts"
import type { Metadata } from "../domain/values/Metadata.ts"
import { AuditLog } from "../ports/AuditLog.ts"
import { CurrentCaller } from "./CurrentCaller.ts"

/** What a request has left in the audit log; the shell that began it reads it at its end. `null`: there is no request. */
export const AuditTrail = Context.Reference<{ recorded: boolean } | null>("greenroom/AuditTrail", {
  defaultValue: () => null
})

/** What an entry tells of the change itself. */
export interface AuditedChange {
  readonly resourceId: string | null
  readonly broadcasterId: BroadcasterId | null
  readonly before?: Image | null
  readonly after?: Image | null
  readonly claimedActor?: string | null
  readonly details?: Metadata | null
  readonly outcome?: AuditOutcome
  readonly reason?: string | null
}

/** The entry of a change that the caller made. */
export const entryOf = ({ actor, origin }: Caller, action: string, change: AuditedChange): NewAuditEntry => ({
  actor,
  action,
  origin,
  resourceId: change.resourceId,
  broadcasterId: change.broadcasterId,
  before: change.before ?? null,
  after: change.after ?? null,
  claimedActor: change.claimedActor ?? null,
  details: change.details ?? null,
  outcome: change.outcome ?? "succeeded",
  reason: change.reason ?? null
})

/** `describe` gives what changed; `null`: the outcome is a refusal. */
export const audited = <A, E, R>(
  action: AuditAction,
  change: Effect.Effect<A, E, R>,
  describe: (outcome: A) => AuditedChange | null
) =>
  Effect.gen(function* () {
    const caller = yield* CurrentCaller
    const trail = yield* AuditTrail
    const log = yield* AuditLog
    let recorded = false
    const outcome = yield* log.recording(change, (outcome) => {
      const described = describe(outcome)
      recorded = described !== null
      return described === null ? null : entryOf(caller, action, described)
    })
    if (trail !== null && recorded) trail.recorded = true
    return outcome
    // A caller that leaves during the commit would leave it unknown whether there is an entry.
  }).pipe(Effect.uninterruptible)

/** The entry of something that is no change of the store. */
export const recordEntry = Effect.fnUntraced(function* (action: string, change: AuditedChange) {
  const caller = yield* CurrentCaller
  const trail = yield* AuditTrail
  const log = yield* AuditLog
  yield* log.append(entryOf(caller, action, change))
  if (trail !== null) trail.recorded = true
})
