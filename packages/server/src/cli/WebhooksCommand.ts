/** `greenroom webhooks …`: the URLs that get events. Only `create` and `rotate-secret` print a secret. */
import { BroadcasterId, EventId, eventTypes, WebhookDescription, WebhookEndpointId, WebhookUrl } from "@greenroom/core"
import { type DateTime, Effect, Option } from "effect"
import * as Command from "effect/cli/Command"
import { commaSeparated } from "../http/api/Input.ts"
import type { WebhookEndpoint, WebhookEndpointChanges } from "../http/api/webhookSchemas.ts"
import { LogStartText } from "../http/api/webhookSchemas.ts"
import { both, call } from "./ApiClient.ts"
import { failed } from "./CommandFailed.ts"
import { checkedArgument, checkedFlag, described, flag, given, limit } from "./flags.ts"
import { printAnswer, printList } from "./output.ts"
import { program } from "./program.ts"
import { deliveryRows, endpointDetails, endpointRows, redeliveryText, secretText, sentText } from "./webhookText.ts"

type Shown = typeof WebhookEndpoint.Type

const EXAMPLE = "5b1c0c1a-7f0e-4d6e-8a1f-2f8f6f0f9c33"
const URL_EXAMPLE = "https://app.example.com/hooks/greenroom"

/** A receiver may take 15 s, and a redelivery ends 15 s after it began its last one. */
const PATIENCE_SECONDS = 35

const id = checkedArgument("id", WebhookEndpointId, "The endpoint's id")

const create = Command.make(
  "create",
  {
    url: checkedArgument("url", WebhookUrl, "Where events are sent to"),
    types: checkedFlag("types", "<types>", commaSeparated(eventTypes, ""), "Only events of these types, with commas"),
    broadcasterId: checkedFlag("broadcaster", "<id>", BroadcasterId, "Only events of this broadcaster"),
    description: checkedFlag("description", "<text>", WebhookDescription, "What it is for"),
    disabled: flag("disabled", "Send nothing until it is enabled")
  },
  ({ url, types, disabled, ...rest }) => {
    const chosen = Option.map(types, (words) => words as readonly [(typeof words)[number], ...typeof words])
    const payload = { url, ...given({ types: chosen, ...rest }), ...(disabled ? { enabled: false } : {}) }
    return printAnswer(
      call(({ webhook_endpoints }) => webhook_endpoints.create({ payload, responseMode: both })),
      ({ body }, now) =>
        `${endpointDetails(body, now)}\n\n${secretText(body.secret)}\n\nNext, a test: ${program} webhooks test ${body.id}`
    )
  }
).pipe(
  described(
    "Create a webhook endpoint; its secret is shown this once",
    [`greenroom webhooks create ${URL_EXAMPLE}`, "All events, from now on"],
    [`greenroom webhooks create ${URL_EXAMPLE} --types stream.active,stream.ended`],
    [`greenroom webhooks create ${URL_EXAMPLE} --json | jq -r .secret`, "The secret alone, for a script"]
  )
)

const list = Command.make("list", {}, () =>
  printAnswer(
    call(({ webhook_endpoints }) => webhook_endpoints.list({ responseMode: both })),
    ({ webhook_endpoints }) =>
      webhook_endpoints.length === 0
        ? `There are no webhook endpoints yet: ${program} webhooks create ${URL_EXAMPLE}`
        : endpointRows(webhook_endpoints)
  )
).pipe(described("List webhook endpoints, oldest first", ["greenroom webhooks list"]))

const show = Command.make("show", { id }, (params) =>
  printAnswer(
    call(({ webhook_endpoints }) => webhook_endpoints.get({ params, responseMode: both })),
    endpointDetails
  )
).pipe(described("Show a webhook endpoint", [`greenroom webhooks show ${EXAMPLE}`]))

const change = (
  id: WebhookEndpointId,
  payload: typeof WebhookEndpointChanges.Type,
  text: (endpoint: Shown, now: DateTime.Utc) => string
) =>
  printAnswer(
    call(({ webhook_endpoints }) => webhook_endpoints.change({ params: { id }, payload, responseMode: both })),
    text
  )

const enable = Command.make(
  "enable",
  {
    id,
    from: checkedFlag(
      "from",
      "<place>",
      LogStartText,
      "Where to go on: now, a position or a cursor; else where it stopped"
    )
  },
  ({ id, from }) =>
    change(
      id,
      { enabled: true, ...given({ from }) },
      ({ position }) => `Endpoint ${id} gets events again, after position ${position}.`
    )
).pipe(
  described(
    "Let deliveries to a disabled endpoint go on",
    [`greenroom webhooks enable ${EXAMPLE}`],
    [`greenroom webhooks enable ${EXAMPLE} --from now`, "Without what has happened meanwhile"]
  )
)

const disable = Command.make("disable", { id }, ({ id }) =>
  change(id, { enabled: false }, () => `Endpoint ${id} gets no events; enabled again, it goes on where it stopped.`)
).pipe(described("Stop deliveries to an endpoint", [`greenroom webhooks disable ${EXAMPLE}`]))

const remove = Command.make("delete", { id }, ({ id }) =>
  printAnswer(
    call(({ webhook_endpoints }) => webhook_endpoints.remove({ params: { id }, responseMode: both })),
    () => `Endpoint ${id} is deleted.`
  )
).pipe(described("Delete a webhook endpoint", [`greenroom webhooks delete ${EXAMPLE}`]))

const rotate = Command.make("rotate-secret", { id }, (params) =>
  printAnswer(
    call(({ webhook_endpoints }) => webhook_endpoints.rotateSecret({ params, responseMode: both })),
    ({ body }) => `${secretText(body.secret)}\n\nFor 24 hours requests are signed with the secret of before, too.`
  )
).pipe(described("Make another secret; both sign for 24 hours", [`greenroom webhooks rotate-secret ${EXAMPLE}`]))

const test = Command.make("test", { id }, (params) =>
  printAnswer(
    call(({ webhook_endpoints }) => webhook_endpoints.test({ params, responseMode: both }), PATIENCE_SECONDS),
    sentText
  )
).pipe(described("Send a test event now and show what the receiver answers", [`greenroom webhooks test ${EXAMPLE}`]))

const deliveries = Command.make("deliveries", { id, limit }, ({ id, limit }) =>
  printList(
    "deliveries",
    limit,
    (query) =>
      call(({ webhook_endpoints }) => webhook_endpoints.deliveries({ params: { id }, query, responseMode: both })),
    { empty: () => "Nothing was sent yet.", table: deliveryRows }
  )
).pipe(
  described(
    "List what was sent to an endpoint, newest first",
    [`greenroom webhooks deliveries ${EXAMPLE}`],
    [`greenroom webhooks deliveries ${EXAMPLE} --limit 20 --json`]
  )
)

const redeliver = Command.make(
  "redeliver",
  {
    id,
    eventId: checkedFlag("event", "<id>", EventId, "This event alone"),
    after: checkedFlag("after", "<place>", LogStartText, "The events after this position or cursor")
  },
  ({ id, eventId, after }) => {
    if (Option.isSome(eventId) === Option.isSome(after) || Option.getOrNull(after) === "now") {
      return Effect.fail(failed("usage", "Give either --event with an id or --after with a position or a cursor."))
    }
    const payload = given({ eventId, after: after as Option.Option<Exclude<Option.Option.Value<typeof after>, "now">> })
    return printAnswer(
      call(
        ({ webhook_endpoints }) => webhook_endpoints.redeliver({ params: { id }, payload, responseMode: both }),
        PATIENCE_SECONDS
      ),
      redeliveryText
    )
  }
).pipe(
  described(
    "Send events again, outside the order",
    [`greenroom webhooks redeliver ${EXAMPLE} --event evt_4711_9f86d081884c7d65`],
    [`greenroom webhooks redeliver ${EXAMPLE} --after 4711`]
  )
)

export const webhooksCommand = Command.make("webhooks").pipe(
  described(
    "URLs that get events as signed requests",
    [`greenroom webhooks create ${URL_EXAMPLE}`],
    [`greenroom webhooks test ${EXAMPLE}`],
    [`greenroom webhooks deliveries ${EXAMPLE}`]
  ),
  Command.withSubcommands([create, list, show, enable, disable, remove, rotate, test, deliveries, redeliver])
)
