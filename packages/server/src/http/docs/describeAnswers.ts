/** What the definition does not hold about answers: their headers, the members that every problem has, and an example of each. */
import { schemaNameOf } from "../api/problemSchemas.ts"
import { type ProblemName, problemNames, problemType, problemTypes, typeOf } from "../problems/problemTypes.ts"
import { answerExamples } from "./answerExamples.ts"
import type { Json } from "./OpenApiDocument.ts"
import { problemExample } from "./problemExample.ts"

const problemNameOf = (schema: Json): ProblemName | undefined => {
  const type = schema.properties?.type?.enum?.[0]
  const name = typeof type === "string" ? type.replace("/errors/", "") : ""
  return name in problemTypes ? (name as ProblemName) : undefined
}

/** Only some conflicts have a value to point at, and only those of an auth call are decisions. */
const mayLackOf = (name: ProblemName): ReadonlyArray<string> => {
  if (name === "conflict") return ["errors"]
  return name === "unauthorized" || name === "store-unavailable" ? ["decision_id", "remedy"] : []
}

/** What the request middleware adds to every problem. */
export const completeProblems = (spec: Json): void => {
  for (const schema of Object.values<Json>(spec.components.schemas)) {
    const name = problemNameOf(schema)
    if (name === undefined) continue
    const { type, title, status, detail, instance, code, request_id, ...more } = schema.properties
    schema.properties = { type, title, status, detail, instance, code, request_id, ...more }
    const mayLack = mayLackOf(name)
    schema.required = Object.keys(schema.properties).filter((member) => !mayLack.includes(member))
    schema.description = problemTypes[name].meaning
    schema.examples = [problemExample(name, schema.properties.status.enum?.[0])]
  }
}

const requestId = {
  description: "The request's own `X-Request-ID`, or a new one; the log knows the request by it",
  required: true,
  schema: { type: "string", maxLength: 128 }
}
const decisionId = {
  description: "The decision's id in GET /auth-decisions",
  required: false,
  schema: { type: "string", format: "uuid" }
}
const more: Readonly<Record<string, Json>> = {
  401: { "WWW-Authenticate": { description: "How to authenticate", required: true, schema: { type: "string" } } },
  405: { Allow: { description: "The methods of the path", required: true, schema: { type: "string" } } },
  429: { "Retry-After": { description: "Seconds", required: true, schema: { type: "integer" } } },
  503: { "Retry-After": { description: "Seconds", required: false, schema: { type: "integer" } } }
}

const titleCase = (name: string): string => name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())

/** What any request can be answered with, before a handler has a look at it or when one breaks; 405 for other methods of the path. */
const ofAnyRequest = problemNames.filter((name) => problemType(name).ofAnyRequest)

/** Those that no definition names get a schema, each gets an answer that the operations share. */
export const addSharedAnswers = (spec: Json): void => {
  spec.components.responses = {}
  for (const name of ofAnyRequest) {
    const component = schemaNameOf(name)
    const { title, status } = problemType(name)
    const schemas = spec.components.schemas
    schemas[component] ??= {
      ...schemas.Internal,
      properties: {
        ...schemas.Internal.properties,
        type: { type: "string", enum: [typeOf(name)] },
        title: { type: "string", enum: [title] },
        status: { type: "number", enum: [status] }
      }
    }
    spec.components.responses[component] = {
      description: title,
      headers: { "X-Request-ID": requestId, ...more[status] },
      content: { "application/problem+json": { schema: { $ref: `#/components/schemas/${component}` } } }
    }
  }
  for (const path of Object.values<Json>(spec.paths)) {
    for (const operation of Object.values<Json>(path)) {
      for (const name of ofAnyRequest) {
        operation.responses[problemType(name).status] ??= { $ref: `#/components/responses/${schemaNameOf(name)}` }
      }
    }
  }
}

export const describeAnswers = (spec: Json, operation: Json): void => {
  for (const [status, response] of Object.entries<Json>(operation.responses)) {
    const own = Object.fromEntries(
      Object.entries(response.headers ?? {}).map(([name, header]) => [titleCase(name), header])
    )
    const ofDecision = operation.operationId === "media_server.auth" ? { "X-Decision-ID": decisionId } : {}
    response.headers = { ...own, "X-Request-ID": requestId, ...ofDecision, ...more[status] }
    if (status.startsWith("2")) response.description = status === "202" ? "Not yet confirmed" : "Success"
    for (const media of Object.values<Json>(response.content ?? {})) {
      addExample(spec, media, answerExamples[`${operation.operationId} ${status}`])
    }
  }
  for (const media of Object.values<Json>(operation.requestBody?.content ?? {})) addExample(spec, media)
}

const addExample = (spec: Json, media: Json, own?: unknown): void => {
  const name = media.schema?.$ref?.split("/").at(-1)
  const [example] = spec.components.schemas[name]?.examples ?? []
  if (example !== undefined) media.example = own ?? example
}
