/** The webhook endpoints' calls. The answers that make a secret are the one place where it is written out. */
import {
  BroadcasterId,
  changeWebhookEndpoint,
  createWebhookEndpoint,
  describeWebhookEndpoint,
  type WebhookEndpoint as Endpoint,
  type LostCursor,
  listWebhookDeliveries,
  listWebhookEndpoints,
  type Redelivery,
  redeliverWebhooks,
  removeWebhookEndpoint,
  rotateWebhookSecret,
  type SecretUnreadable,
  type SendOutcome,
  testWebhookEndpoint,
  validateWebhookEndpoint,
  type WebhookChanges,
  type WebhookFault,
  WebhookUrl
} from "@greenroom/core"
import { answerOf } from "@greenroom/core/internal"
import { Effect, identity, Option, Redacted, Schema } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { ServedApi } from "../api/Api.ts"
import {
  NewRedelivery,
  NewWebhookEndpoint,
  WebhookDelivery,
  WebhookEndpoint,
  WebhookEndpointChanges
} from "../api/webhookSchemas.ts"
import { operatorBody } from "../body/jsonBody.ts"
import { ListSlots } from "../lists/ListSlots.ts"
import { pageAnswer } from "../lists/pageAnswer.ts"
import { type FieldError, failWith, invalid } from "../problems/Problem.ts"
import { foundOr, pageRequest, storeFailureToDefect, withCursor } from "./handling.ts"

const notFound = failWith("not-found", "No webhook endpoint has this id")
const found = foundOr(notFound)

const fieldErrorOf = (fault: WebhookFault): FieldError =>
  fault._tag === "UrlRefused"
    ? { pointer: "/url", detail: fault.why }
    : { pointer: "/broadcaster_id", detail: "Expected the id of a broadcaster that exists" }

/** What a schema cannot know; nothing of the store while it does not answer, because the rest can be answered all the same. */
const alsoWrong = (sent: Readonly<Record<string, unknown>>) =>
  validateWebhookEndpoint({
    url: Option.getOrUndefined(readUrl(sent.url)),
    broadcasterId: Option.getOrUndefined(readBroadcasterId(sent.broadcaster_id))
  }).pipe(
    Effect.map((faults) => faults.map(fieldErrorOf)),
    Effect.catch(() => Effect.succeed([]))
  )
const readUrl = Schema.decodeUnknownOption(WebhookUrl)
const readBroadcasterId = Schema.decodeUnknownOption(BroadcasterId)

const newBody = operatorBody(NewWebhookEndpoint, alsoWrong)
const changesBody = operatorBody(WebhookEndpointChanges, alsoWrong)
const redeliveryBody = operatorBody(NewRedelivery, () => Effect.succeed([]))

const noKey = failWith(
  "conflict",
  "The secrets of webhook endpoints are kept encrypted, and there is no key: set ENCRYPTION_KEY"
)

const unreadableToConflict = <A, E, R>(effect: Effect.Effect<A, E | SecretUnreadable, R>) =>
  Effect.catchTag(effect as Effect.Effect<A, SecretUnreadable, R>, "SecretUnreadable", ({ message }) =>
    failWith("conflict", `${message}. Rotating the endpoint's secret makes a new one`)
  ) as Effect.Effect<A, Exclude<E, SecretUnreadable> | Effect.Error<typeof noKey>, R>

const withSecret = (endpoint: Endpoint, secret: Redacted.Redacted<string>) => ({
  ...endpoint,
  secret: Redacted.value(secret)
})

const create = Effect.fnUntraced(function* (given: typeof NewWebhookEndpoint.Type) {
  const { types = null, broadcasterId = null, description = null, enabled = true } = given
  const outcome = yield* createWebhookEndpoint({ url: given.url, types, broadcasterId, description, enabled })
  switch (outcome._tag) {
    case "Created":
      return HttpApiSchema.withHeaders({
        body: withSecret(outcome.endpoint, outcome.secret),
        headers: { location: `/webhook-endpoints/${outcome.endpoint.id}`, "cache-control": "no-store" }
      })
    case "Invalid":
      return yield* invalid(outcome.faults.map(fieldErrorOf))
    case "NoKey":
      return yield* noKey
    case "TooMany":
      return yield* failWith("conflict", "There are as many webhook endpoints as there may be: delete one first")
  }
})

const lostSentences: { readonly [Why in LostCursor]: string } = {
  other_log: "Expected a cursor of this log: the database was restored since",
  pruned: "Expected a place whose events are still kept",
  future: "Expected a place that the log has reached"
}

const startOf = (from: NonNullable<(typeof WebhookEndpointChanges.Type)["from"]>): WebhookChanges["from"] => {
  if (from === "now") return from
  return from.log === null ? from.position : { log: from.log, position: from.position }
}

const change = Effect.fnUntraced(function* (
  id: Endpoint["id"],
  { from, ...changes }: typeof WebhookEndpointChanges.Type
) {
  const start = from === undefined ? undefined : startOf(from)
  const outcome = yield* changeWebhookEndpoint(id, start === undefined ? changes : { ...changes, from: start })
  switch (outcome._tag) {
    case "Changed":
      return outcome.endpoint
    case "NotFound":
      return yield* notFound
    case "Invalid":
      return yield* invalid(outcome.faults.map(fieldErrorOf))
    case "FromWithoutEnabling":
      return yield* invalid([{ pointer: "/from", detail: "Expected together with `enabled: true` alone" }])
    case "StartLost": {
      const detail = `${lostSentences[outcome.why]}: from ${outcome.oldest} to ${outcome.newest}`
      return yield* invalid([{ pointer: "/from", detail }])
    }
  }
})

const rotate = Effect.fnUntraced(function* (id: Endpoint["id"]) {
  const outcome = yield* rotateWebhookSecret(id)
  switch (outcome._tag) {
    case "Rotated": {
      const body = withSecret(outcome.endpoint, outcome.secret)
      return HttpApiSchema.withHeaders({ body, headers: { "cache-control": "no-store" } })
    }
    case "NotFound":
      return yield* notFound
    case "NoKey":
      return yield* noKey
  }
})

const sent = (eventId: string, delivered: boolean, outcome: SendOutcome) => ({
  eventId,
  delivered,
  responseStatus: outcome._tag === "Answered" ? outcome.status : null,
  durationMillis: outcome.durationMillis,
  answer: answerOf(outcome)
})

const redeliveryOf = ({ eventId, after }: typeof NewRedelivery.Type): Redelivery | null => {
  if (eventId !== undefined) return after === undefined ? { eventId } : null
  return after === undefined ? null : { after }
}

const redeliver = Effect.fnUntraced(function* (id: Endpoint["id"], given: typeof NewRedelivery.Type) {
  const redelivery = redeliveryOf(given)
  if (redelivery === null) return yield* invalid([{ pointer: "", detail: "Expected either `event_id` or `after`" }])
  const outcome = yield* redeliverWebhooks(id, redelivery)
  switch (outcome._tag) {
    case "Redelivered": {
      const { delivered, failed, next } = outcome
      return { delivered, failed: failed === null ? null : sent(failed.eventId, false, failed.outcome), next }
    }
    case "NotFound":
      return yield* notFound
    case "UnknownEvent":
      return yield* invalid([
        { pointer: "/event_id", detail: "Expected the id of an event whose delivery is on record and that is kept" }
      ])
    case "StartLost": {
      const pointer = given.after === undefined ? "/event_id" : "/after"
      return yield* invalid([{ pointer, detail: lostSentences[outcome.why] }])
    }
  }
})

const answerPage = pageAnswer("webhook_endpoints", WebhookEndpoint, identity<typeof WebhookEndpoint.Type>)
const answerDeliveries = pageAnswer("deliveries", WebhookDelivery, identity<typeof WebhookDelivery.Type>)

export const layer = HttpApiBuilder.group(
  ServedApi,
  "webhook_endpoints",
  Effect.fnUntraced(function* (handlers) {
    const { answerList } = yield* ListSlots
    return handlers
      .handleRaw("create", () => newBody.pipe(Effect.flatMap(create), storeFailureToDefect))
      .handleRaw("change", ({ params }) =>
        changesBody.pipe(
          Effect.flatMap((changes) => change(params.id, changes)),
          storeFailureToDefect
        )
      )
      .handleRaw("redeliver", ({ params }) =>
        redeliveryBody.pipe(
          Effect.flatMap((given) => redeliver(params.id, given)),
          unreadableToConflict,
          storeFailureToDefect
        )
      )
      .handleAll({
        list: () =>
          listWebhookEndpoints.pipe(
            Effect.map((items) => ({ items, next_cursor: null })),
            Effect.flatMap(answerPage),
            answerList
          ),
        get: ({ params }) => describeWebhookEndpoint(params.id).pipe(Effect.flatMap(found), storeFailureToDefect),
        remove: ({ params }) =>
          removeWebhookEndpoint(params.id).pipe(
            Effect.flatMap((removed) => (removed ? Effect.void : notFound)),
            storeFailureToDefect
          ),
        rotateSecret: ({ params }) => storeFailureToDefect(rotate(params.id)),
        deliveries: ({ params, query }) =>
          listWebhookDeliveries(params.id, pageRequest(query)).pipe(
            Effect.flatMap(found),
            Effect.map(withCursor),
            Effect.flatMap(answerDeliveries),
            answerList
          ),
        test: ({ params }) =>
          testWebhookEndpoint(params.id).pipe(
            Effect.flatMap(found),
            Effect.map(({ eventId, delivered, outcome }) => sent(eventId, delivered, outcome)),
            unreadableToConflict,
            storeFailureToDefect
          )
      })
  })
)
