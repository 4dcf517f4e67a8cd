/** One row of the audit log: who did what to which resource, from where, and how it ended. Nothing in it is a secret. */
import type { DateTime } from "effect"
import type { Actor, RequestOrigin } from "../identity/Caller.ts"
import type { AuditEntryId, BroadcasterId } from "../values/Ids.ts"
import type { Metadata } from "../values/Metadata.ts"
import { resourceTypeOf } from "./AuditAction.ts"

/**
 * `succeeded`: it was done, or there was nothing left to do. `refused`: the request was not one that can be carried out. `failed`: Greenroom
 * could not carry it out.
 */
export const auditOutcomes = ["succeeded", "refused", "failed"] as const
export type AuditOutcome = (typeof auditOutcomes)[number]

/** A resource as JSON shows it. */
export type Image = Readonly<Record<string, unknown>>

export interface NewAuditEntry {
  readonly actor: Actor
  /** Whom a frontend names as the one who acted; the credential that sent it is the actor. */
  readonly claimedActor: string | null
  /** One of `auditActions`, or a frontend's own. */
  readonly action: string
  /** `null` where no resource came to be, or none was found. */
  readonly resourceId: string | null
  /** Whose the resource is. */
  readonly broadcasterId: BroadcasterId | null
  /** The resource before and after the change; `null` where there was none. */
  readonly before: Image | null
  readonly after: Image | null
  readonly outcome: AuditOutcome
  /** Why it was refused or failed: a code of a problem document. */
  readonly reason: string | null
  /** What a frontend sent with its event. */
  readonly details: Metadata | null
  readonly origin: RequestOrigin
}

export interface AuditEntry extends NewAuditEntry {
  readonly id: AuditEntryId
  readonly at: DateTime.Utc
  readonly resourceType: string
}

export interface AuditFilter {
  /** The type of the actor, a token's id or name, or a claimed actor. */
  readonly actor?: string
  /** Never empty. */
  readonly actions?: ReadonlyArray<string>
  readonly resourceType?: string
  readonly resourceId?: string
  readonly outcome?: AuditOutcome
  /** Inclusive. */
  readonly from?: DateTime.Utc
  /** Exclusive. */
  readonly to?: DateTime.Utc
  /** Entries of this broadcaster's things alone. */
  readonly broadcasterId?: BroadcasterId
}

const actorNames = ({
  actor,
  claimedActor
}: Pick<AuditEntry, "actor" | "claimedActor">): ReadonlyArray<string | null> => [
  actor._tag.toLowerCase(),
  claimedActor,
  ...(actor._tag === "Token" ? [actor.id, actor.name] : actor._tag === "Application" ? [actor.name] : [])
]

/** The filter's meaning. Stores may answer it by a query of their own. */
export const matchesAuditFilter = (entry: AuditEntry, filter: AuditFilter): boolean =>
  (filter.actor === undefined || actorNames(entry).includes(filter.actor)) &&
  (filter.actions === undefined || filter.actions.includes(entry.action)) &&
  (filter.resourceType === undefined || resourceTypeOf(entry.action) === filter.resourceType) &&
  (filter.resourceId === undefined || entry.resourceId === filter.resourceId) &&
  (filter.outcome === undefined || entry.outcome === filter.outcome) &&
  (filter.from === undefined || entry.at.epochMilliseconds >= filter.from.epochMilliseconds) &&
  (filter.to === undefined || entry.at.epochMilliseconds < filter.to.epochMilliseconds) &&
  (filter.broadcasterId === undefined || entry.broadcasterId === filter.broadcasterId)
