/** What the definition does not hold about parameters: numbers and lists, which travel as text, their defaults and their descriptions. */
import { keyStatuses, streamStatuses, workerStates } from "@greenroom/core"
import { LIMIT_DEFAULT, LIMIT_MAX } from "../api/Input.ts"
import { problemTypes } from "../problems/problemTypes.ts"
import type { Json } from "./OpenApiDocument.ts"

const parameterTexts: Readonly<Record<string, string>> = {
  broadcaster_id: "Only those of this broadcaster",
  stream_key_id: "Only those of this stream key",
  path: "Only those on this path"
}

const statuses: Readonly<Record<string, Json>> = {
  "streams.list": { values: streamStatuses, default: ["active"] },
  "stream_keys.list": { values: keyStatuses },
  "workers.list": { values: workerStates }
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
        maximum: LIMIT_MAX,
        ...(whole ? {} : { default: LIMIT_DEFAULT })
      }
    }
    parameter.description ??= parameter.schema.description ?? parameterTexts[parameter.name]
    if (parameter.name === "status" || parameter.name === "state") {
      const { values, ...more } = statuses[operationId]
      parameter.schema = { type: "array", items: { type: "string", enum: values }, minItems: 1, ...more }
      parameter.style = "form"
      parameter.explode = false
    }
    if (parameter.name === "name") parameter.schema.enum = Object.keys(problemTypes)
  }
}
