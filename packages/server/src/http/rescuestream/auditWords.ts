/** The audit log in that frontend's words: `create`, `update`, `delete` of a resource type, `login`, `logout`, `started_stream`. Pure. */
import {
  type AuditEntry,
  type AuditEvent,
  type AuditFilter,
  actorType,
  auditActions,
  type Metadata,
  withoutKeys
} from "@greenroom/core"
import { DateTime } from "effect"

/** What our actions and those of its own events are called there. */
const words: Readonly<Record<string, string>> = {
  create: "create",
  created: "create",
  change: "update",
  rotate: "update",
  updated: "update",
  revoke: "delete",
  delete: "delete",
  deleted: "delete",
  revoked: "delete",
  started: "started_stream"
}

/** `user.login` has no resource there, and the start of a stream neither. */
const withoutResource = ["user", "session"]

/** `stream_key_created` of an event is `stream_key.created` here; a word alone is of a user: `login`. */
export const actionOfEvent = (eventType: string): string =>
  eventType.includes("_") ? eventType.replace(/_([a-z0-9]+)$/, ".$1") : `user.${eventType}`

const wordOf = (action: string): string => {
  const verb = action.split(".").at(-1) ?? action
  return words[verb] ?? verb
}

/** All actions that have the word there. */
export const actionsOfWord = (
  word: string,
  resourceType: string | null
): readonly [string, ...ReadonlyArray<string>] => {
  const verbs = [word, ...Object.keys(words).filter((verb) => words[verb] === word)]
  const types = resourceType === null ? ["user", "stream", "stream_key", "broadcaster"] : [resourceType]
  const own = auditActions.filter((action) => wordOf(action) === word)
  const claimed = types.flatMap((type) => verbs.map((verb) => `${type}.${verb}`))
  const all = [...new Set([...own, ...claimed])].filter(
    (action) => resourceType === null || action.startsWith(`${resourceType}.`)
  )
  return all as unknown as readonly [string, ...ReadonlyArray<string>]
}

const named = ({ actor, claimedActor }: AuditEntry): string =>
  claimedActor ?? (actor._tag === "Token" || actor._tag === "Application" ? actor.name : null) ?? actorType(actor)

export const auditEntryShown = (entry: AuditEntry) => {
  const { request_method = "", request_path = "", failure_reason = null, ...details } = entry.details ?? {}
  return {
    id: entry.id,
    timestamp: DateTime.formatIso(entry.at),
    actor: named(entry),
    action: wordOf(entry.action),
    resource_type: withoutResource.includes(entry.resourceType) ? null : entry.resourceType,
    resource_id: entry.resourceId,
    request_method,
    request_path,
    ip_address: entry.origin.address ?? "",
    outcome: entry.outcome === "succeeded" ? "success" : "failure",
    failure_reason: failure_reason ?? entry.reason,
    metadata: {
      ...details,
      ...(entry.before === null ? {} : { before: entry.before }),
      ...(entry.after === null ? {} : { after: entry.after })
    },
    request_id: entry.origin.requestId
  }
}

export interface SentEvent {
  readonly event_type: string
  readonly actor?: string | undefined
  readonly resource_id?: string | null | undefined
  readonly request_method?: string | undefined
  readonly request_path?: string | undefined
  readonly outcome?: "success" | "failure" | undefined
  readonly failure_reason?: string | null | undefined
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
}

/** Its metadata may hold the key that it has just shown: a key stays nowhere. */
const cleaned = (details: object): Metadata => JSON.parse(withoutKeys(JSON.stringify(details))) as Metadata

export const eventRecorded = (event: SentEvent): AuditEvent => {
  const { request_method, request_path, failure_reason, metadata = {} } = event
  return {
    action: actionOfEvent(event.event_type),
    actor: event.actor ?? "unknown",
    resourceId: event.resource_id ?? null,
    broadcasterId: null,
    outcome: event.outcome === "failure" ? "refused" : "succeeded",
    details: cleaned({ ...metadata, request_method, request_path, failure_reason })
  }
}

/** The frontend's filters in the words of the log. */
export const filterOf = (query: Readonly<Record<string, string | undefined>>): AuditFilter => {
  const { actor, action, resource_type, resource_id } = query
  return {
    ...(actor === undefined ? {} : { actor }),
    ...(action === undefined ? {} : { actions: actionsOfWord(action, resource_type ?? null) }),
    ...(resource_type === undefined ? {} : { resourceType: resource_type }),
    ...(resource_id === undefined ? {} : { resourceId: resource_id })
  }
}
