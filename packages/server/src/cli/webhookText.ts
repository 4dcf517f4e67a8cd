/** Webhook endpoints and their deliveries as people read them. */
import type { DateTime } from "effect"
import type { RedeliveryReport, SentWebhook, WebhookDelivery, WebhookEndpoint } from "../http/api/webhookSchemas.ts"
import { fields, moment, orNothing, relative, table } from "./format.ts"

type Endpoint = typeof WebhookEndpoint.Type

const stateOf = ({ enabled, disabledReason, failingSince, nextAttemptAt }: Endpoint): string => {
  if (!enabled) return disabledReason === null ? "disabled" : `disabled (${disabledReason})`
  if (nextAttemptAt !== null) return "stopped"
  return failingSince === null ? "enabled" : "failing"
}

const typesOf = ({ types }: Endpoint): string => (types === null ? "all" : types.join(","))

export const endpointDetails = (endpoint: Endpoint, now: DateTime.Utc): string =>
  fields([
    ["id", endpoint.id],
    ["url", endpoint.url],
    ["state", stateOf(endpoint)],
    ["types", typesOf(endpoint)],
    ["broadcaster", orNothing(endpoint.broadcasterId)],
    ["description", orNothing(endpoint.description)],
    ["position", String(endpoint.position)],
    ["failing since", moment(endpoint.failingSince, now)],
    ["next attempt", moment(endpoint.nextAttemptAt, now)],
    ["created", moment(endpoint.createdAt, now)],
    ["updated", moment(endpoint.updatedAt, now)]
  ])

export const endpointRows = (endpoints: ReadonlyArray<Endpoint>): string =>
  table([
    ["URL", "STATE", "TYPES", "POSITION", "ID"],
    ...endpoints.map((endpoint) => [
      endpoint.url,
      stateOf(endpoint),
      typesOf(endpoint),
      String(endpoint.position),
      endpoint.id as string
    ])
  ])

/** The one text with a secret in it. */
export const secretText = (secret: string): string =>
  `Its secret, which verifies signatures:\n\n  ${secret}\n\nThis is the only time that it is shown: copy it now.`

export const deliveryRows = (deliveries: ReadonlyArray<typeof WebhookDelivery.Type>, now: DateTime.Utc): string =>
  table([
    ["WHEN", "OUTCOME", "ATTEMPT", "STATUS", "TOOK", "NEXT", "TYPE", "EVENT"],
    ...deliveries.map((one) => [
      relative(one.at, now),
      one.outcome as string,
      String(one.attempt),
      orNothing(one.responseStatus === null ? null : String(one.responseStatus)),
      `${Math.round(one.durationMillis)} ms`,
      relative(one.nextAttemptAt, now),
      one.type as string,
      one.eventId
    ])
  ])

export const sentText = ({ delivered, responseStatus, durationMillis, answer }: typeof SentWebhook.Type): string =>
  fields([
    ["delivered", delivered ? "yes" : "no"],
    ["status", orNothing(responseStatus === null ? null : String(responseStatus))],
    ["took", `${Math.round(durationMillis)} ms`],
    ["answer", orNothing(answer)]
  ])

export const redeliveryText = ({ delivered, failed, next }: typeof RedeliveryReport.Type): string =>
  [
    `${delivered} ${delivered === 1 ? "event was" : "events were"} delivered.`,
    ...(failed === null ? [] : [`Event ${failed.eventId} was not:`, sentText(failed)]),
    ...(next === null ? [] : [`More are left: --after ${next}`])
  ].join("\n")
