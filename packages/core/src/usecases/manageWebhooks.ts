/**
 * Webhook endpoints: create, list, describe, change, remove, rotate the secret, list deliveries. A secret leaves `createWebhookEndpoint` and
 * `rotateWebhookSecret` once, `Redacted`; the store has it encrypted. What is sent outside the order is in `sendWebhooks`.
 */
import { Context, Effect, Option, Schema } from "effect"
import { webhookEndpointImage } from "../domain/audit/images.ts"
import { beginning, end, type LogHead, type LogPosition, whyLost, writeCursor } from "../domain/events/EventCursor.ts"
import { EventType } from "../domain/events/LoggedEvent.ts"
import { BroadcasterId, WebhookEndpointId } from "../domain/values/Ids.ts"
import {
  WebhookDescription,
  type WebhookEndpoint,
  type WebhookTypes,
  WebhookUrl
} from "../domain/webhooks/WebhookEndpoint.ts"
import { Broadcasters } from "../ports/Broadcasters.ts"
import { Events } from "../ports/Events.ts"
import { KeyGenerator } from "../ports/KeyGenerator.ts"
import type { PageRequest } from "../ports/Page.ts"
import { SecretCipher } from "../ports/SecretCipher.ts"
import { type WebhookEndpointFields, WebhookEndpoints } from "../ports/WebhookEndpoints.ts"
import { WebhookSender } from "../ports/WebhookSender.ts"
import { pageFields } from "./argumentSchemas.ts"
import { type AuditedChange, audited } from "./audited.ts"
import { CurrentCaller } from "./CurrentCaller.ts"
import { checkArguments } from "./InvalidArgument.ts"
import { isCallersBroadcaster, visibleToCaller } from "./visibleToCaller.ts"

/** Why requests to a URL would be refused whatever its name leads to, as a sentence; `null`: they would not. The composition provides it. */
export class RefusedWebhookUrl extends Context.Reference<(url: string) => string | null>(
  "greenroom/RefusedWebhookUrl",
  {
    defaultValue: () => () => null
  }
) {}

const Types = Schema.NullOr(Schema.NonEmptyArray(EventType)) as Schema.Codec<WebhookTypes | null>
const fields = {
  url: WebhookUrl,
  types: Types,
  broadcasterId: Schema.NullOr(BroadcasterId),
  description: Schema.NullOr(WebhookDescription),
  enabled: Schema.Boolean
}
const FromPosition = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))
const ofEndpoint = { id: WebhookEndpointId }
const check = {
  create: checkArguments("createWebhookEndpoint", fields),
  describe: checkArguments("describeWebhookEndpoint", ofEndpoint),
  change: checkArguments("changeWebhookEndpoint", {
    ...ofEndpoint,
    url: Schema.optionalKey(fields.url),
    types: Schema.optionalKey(fields.types),
    broadcasterId: Schema.optionalKey(fields.broadcasterId),
    description: Schema.optionalKey(fields.description),
    enabled: Schema.optionalKey(fields.enabled),
    from: Schema.optionalKey(
      Schema.Union([
        Schema.Literal("now"),
        FromPosition,
        Schema.Struct({ log: Schema.String.check(Schema.isPattern(/^[0-9a-f]{16}$/)), position: FromPosition })
      ])
    )
  }),
  remove: checkArguments("removeWebhookEndpoint", ofEndpoint),
  rotate: checkArguments("rotateWebhookSecret", ofEndpoint),
  deliveries: checkArguments("listWebhookDeliveries", { ...ofEndpoint, ...pageFields })
}

const visible = visibleToCaller<WebhookEndpoint>(({ broadcasterId }) => broadcasterId)

const change = (before: WebhookEndpoint | null, after: WebhookEndpoint | null): AuditedChange => ({
  resourceId: (after ?? before)?.id ?? null,
  broadcasterId: (after ?? before)?.broadcasterId ?? null,
  before: before === null ? null : webhookEndpointImage(before),
  after: after === null ? null : webhookEndpointImage(after)
})

export type WebhookFault =
  | { readonly _tag: "UnknownBroadcaster" }
  /** A sentence on what is expected instead. */
  | { readonly _tag: "UrlRefused"; readonly why: string }

/** Whether an endpoint of the caller may be limited to this broadcaster; `null`: not limited. */
const isOwner = Effect.fnUntraced(function* (id: BroadcasterId | null) {
  if (!(yield* isCallersBroadcaster(id))) return false
  const broadcasters = yield* Broadcasters
  return id === null || Option.isSome(yield* broadcasters.find(id))
})

/** What a schema cannot know about the fields of an endpoint. */
export const validateWebhookEndpoint = Effect.fn("validateWebhookEndpoint")(function* ({
  url,
  broadcasterId
}: {
  readonly url?: WebhookUrl | undefined
  readonly broadcasterId?: BroadcasterId | null | undefined
}) {
  const faults: Array<WebhookFault> = []
  const refused = url === undefined ? null : (yield* RefusedWebhookUrl)(url)
  if (refused !== null) faults.push({ _tag: "UrlRefused", why: refused })
  if (broadcasterId !== undefined && !(yield* isOwner(broadcasterId))) faults.push({ _tag: "UnknownBroadcaster" })
  return faults
})

const withoutRepeats = <F extends { readonly types?: WebhookTypes | null }>(given: F): F =>
  given.types === undefined || given.types === null
    ? given
    : { ...given, types: [...new Set(given.types)] as unknown as WebhookTypes }

/** A secret and its encrypted form. */
const newSecret = Effect.gen(function* () {
  const sender = yield* WebhookSender
  const cipher = yield* SecretCipher
  const secret = yield* sender.newSecret
  return { secret, encrypted: yield* cipher.encrypt(secret) }
})

/** Without a key to encrypt with, nothing is created: `NoKey`. */
export const createWebhookEndpoint = Effect.fn("createWebhookEndpoint")(function* (given: WebhookEndpointFields) {
  const { only } = yield* CurrentCaller
  // An endpoint of a limited caller is limited like its caller.
  const checked = withoutRepeats(yield* check.create({ ...given, broadcasterId: given.broadcasterId ?? only }))
  const faults = yield* validateWebhookEndpoint(checked)
  if (faults.length > 0) return { _tag: "Invalid", faults } as const
  const made = yield* Effect.option(newSecret)
  if (Option.isNone(made)) return { _tag: "NoKey" } as const
  const generator = yield* KeyGenerator
  const endpoints = yield* WebhookEndpoints
  const id = (yield* generator.uuid) as WebhookEndpointId
  const outcome = yield* audited(
    "webhook_endpoint.create",
    endpoints.create(id, checked, made.value.encrypted),
    (outcome) => (outcome._tag === "Created" ? change(null, outcome.endpoint) : null)
  )
  return outcome._tag === "Created" ? ({ ...outcome, secret: made.value.secret } as const) : outcome
})

/** All, oldest first. */
export const listWebhookEndpoints = Effect.gen(function* () {
  const { only } = yield* CurrentCaller
  const all = yield* Effect.flatMap(WebhookEndpoints, (endpoints) => endpoints.list)
  return only === null ? all : all.filter(({ broadcasterId }) => broadcasterId === only)
})

/** `None` when there is no such endpoint. */
export const describeWebhookEndpoint = Effect.fn("describeWebhookEndpoint")(function* (given: WebhookEndpointId) {
  const { id } = yield* check.describe({ id: given })
  const endpoints = yield* WebhookEndpoints
  return yield* visible(yield* endpoints.find(id))
})

/** Where an endpoint goes on: a position of the log as it is, or a cursor, which also has the log's id. */
export type WebhookStart = "now" | LogPosition | { readonly log: string; readonly position: LogPosition }

export interface WebhookChanges extends Partial<WebhookEndpointFields> {
  /** Applies when the change enables the endpoint; without it the endpoint goes on where it stopped. */
  readonly from?: WebhookStart
}

const lostStart = (from: WebhookStart | undefined, head: LogHead) => {
  if (from === undefined || from === "now") return null
  return whyLost(typeof from === "number" ? { log: head.log, position: from } : from, head)
}

/** What is left out stays as it is. A place to begin at that is lost, or that the log has not reached, is `StartLost`. */
export const changeWebhookEndpoint = Effect.fn("changeWebhookEndpoint")(function* (
  endpoint: WebhookEndpointId,
  given: WebhookChanges
) {
  const { id, from, ...checked } = yield* check.change({ ...given, id: endpoint })
  const changes = withoutRepeats(checked)
  if (from !== undefined && changes.enabled !== true) return { _tag: "FromWithoutEnabling" } as const
  const faults = yield* validateWebhookEndpoint(changes)
  if (faults.length > 0) return { _tag: "Invalid", faults } as const
  if (from !== undefined && from !== "now") {
    const head = yield* Effect.flatMap(Events, (events) => events.head)
    const why = lostStart(from, head)
    const bounds = { oldest: writeCursor(beginning(head)), newest: writeCursor(end(head)) }
    if (why !== null) return { _tag: "StartLost", why, ...bounds } as const
  }
  const start = typeof from === "object" ? from.position : from
  const endpoints = yield* WebhookEndpoints
  const changing = Effect.gen(function* () {
    const before = yield* visible(yield* endpoints.find(id))
    if (Option.isNone(before) || Object.keys(changes).length === 0) return { before, after: before }
    return { before, after: yield* endpoints.change(id, start === undefined ? changes : { ...changes, from: start }) }
  })
  const { after: changed } = yield* audited("webhook_endpoint.change", changing, ({ before, after }) =>
    Option.isNone(after) ? null : change(Option.getOrNull(before), after.value)
  )
  return Option.match(changed, {
    onNone: () => ({ _tag: "NotFound" }) as const,
    onSome: (endpoint) => ({ _tag: "Changed", endpoint }) as const
  })
})

/** Whether there was one. What is being sent may still arrive. */
export const removeWebhookEndpoint = Effect.fn("removeWebhookEndpoint")(function* (given: WebhookEndpointId) {
  const { id } = yield* check.remove({ id: given })
  const endpoints = yield* WebhookEndpoints
  const removing = Effect.gen(function* () {
    const before = yield* visible(yield* endpoints.find(id))
    return Option.isSome(before) && (yield* endpoints.remove(id)) ? before : Option.none<WebhookEndpoint>()
  })
  const removed = yield* audited(
    "webhook_endpoint.delete",
    removing,
    Option.match({ onNone: () => null, onSome: (before) => change(before, null) })
  )
  return Option.isSome(removed)
})

/** The secret of before signs beside the new one for `PREVIOUS_SECRET_VALID_MS`. */
export const rotateWebhookSecret = Effect.fn("rotateWebhookSecret")(function* (given: WebhookEndpointId) {
  const { id } = yield* check.rotate({ id: given })
  const made = yield* Effect.option(newSecret)
  if (Option.isNone(made)) return { _tag: "NoKey" } as const
  const endpoints = yield* WebhookEndpoints
  const rotating = Effect.gen(function* () {
    const before = yield* visible(yield* endpoints.find(id))
    return Option.isNone(before) ? before : yield* endpoints.rotateSecret(id, made.value.encrypted)
  })
  const rotated = yield* audited(
    "webhook_endpoint.rotate_secret",
    rotating,
    Option.match({ onNone: () => null, onSome: (after) => change(null, after) })
  )
  return Option.match(rotated, {
    onNone: () => ({ _tag: "NotFound" }) as const,
    onSome: (endpoint) => ({ _tag: "Rotated", endpoint, secret: made.value.secret }) as const
  })
})

/** Newest first. `None` when there is no such endpoint. */
export const listWebhookDeliveries = Effect.fn("listWebhookDeliveries")(function* (
  given: WebhookEndpointId,
  page: PageRequest
) {
  const { id, ...checked } = yield* check.deliveries({ ...page, id: given })
  const endpoints = yield* WebhookEndpoints
  if (Option.isNone(yield* visible(yield* endpoints.find(id)))) return Option.none()
  return Option.some(yield* endpoints.deliveries(id, checked))
})
