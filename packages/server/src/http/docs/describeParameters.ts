/** What the definition does not hold about parameters: numbers and lists, which travel as text, their defaults and their descriptions. */

import { BLOCK_MAX_SECONDS } from "@greenroom/core"
import { EVENTS_LIMIT_MAX, LIMIT_DEFAULT, LIMIT_MAX, WORDS } from "../api/Input.ts"
import { problemTypes } from "../problems/problemTypes.ts"
import type { Json } from "./OpenApiDocument.ts"

/** Of filters: the definition's own descriptions would be those of the resources. */
const filterTexts: Readonly<Record<string, string>> = {
  broadcaster_id: "Only those of this broadcaster",
  stream_key_id: "Only those of this stream key",
  at: "Only those that were live at this time: admitted by then, and not ended by then",
  from: "Only entries of this time or later",
  to: "Only entries before this time",
  stream_id: "Only those of this stream",
  viewer_id: "Only those of this viewer: your own id",
  path: "Only those on this path",
  ip: "Only those of clients with this address, as the media server sees it",
  since: "Only those that were given at this time or later",
  after:
    "The `id` of an event stream's block or the `next` of an earlier answer: where to go on; `now` is after the newest event",
  wait: "Seconds to wait for a first event, when there is none yet",
  "last-event-id": "The last `id` that the client has seen; it goes before `after`"
}

/** What a parameter is; the lists and numbers among them travel as text, which is all that the definition has. */
export const describeParameters = ({ operationId, parameters }: Json): void => {
  for (const parameter of parameters) {
    if (parameter.name === "limit") {
      const whole = operationId === "streams.list"
      parameter.description = whole
        ? `How many items at most. Unless it is given all are listed, or ${LIMIT_DEFAULT} where \`status\` names \`inactive\``
        : `How many items at most; ${LIMIT_DEFAULT} unless given`
      parameter.schema = {
        type: "integer",
        minimum: 1,
        maximum: operationId.startsWith("events.") ? EVENTS_LIMIT_MAX : LIMIT_MAX,
        ...(whole ? {} : { default: LIMIT_DEFAULT })
      }
    }
    if (parameter.name === "block_seconds") {
      const { description } = parameter.schema
      parameter.schema = { type: "integer", minimum: 1, maximum: BLOCK_MAX_SECONDS, description }
    }
    parameter.description ??= parameter.schema.description ?? filterTexts[parameter.name]
    const words = parameter.schema.allOf?.[0][WORDS]
    if (words !== undefined) {
      const { values, ...more } = words
      parameter.schema = { type: "array", items: { type: "string", enum: values }, minItems: 1, ...more }
      parameter.style = "form"
      parameter.explode = false
    }
    if (parameter.name === "name") parameter.schema.enum = Object.keys(problemTypes)
  }
}
