/**
 * The OpenAPI 3.1 document: derived from the definition, then completed with what a definition cannot hold: the headers of every answer,
 * the members that every problem has, numbers and lists in the query, where unknown fields are welcome, and an example of everything.
 */
import { keyStatuses, streamStatuses, workerStates } from "@greenroom/core"
import * as OpenApi from "effect/http-api/OpenApi"
import { Api } from "../api/Api.ts"
import { LIMIT_DEFAULT, LIMIT_MAX } from "../api/Input.ts"
import { schemaNameOf } from "../api/problemSchemas.ts"
import { version } from "../api/version.ts"
import { type ProblemName, problemNames, problemType, problemTypes, typeOf } from "../problems/problemTypes.ts"
import { answerExamples } from "./answerExamples.ts"
import { describeAuthCall, describeMetadata } from "./documentRules.ts"
import { problemExample } from "./problemExample.ts"

/** A JSON document that is walked and changed; its shape is OpenAPI's. */
// biome-ignore lint/suspicious/noExplicitAny: the document is open JSON, typed by its own specification
type Json = any

const info = {
  title: "Greenroom",
  version,
  summary: "The control plane in front of MediaMTX",
  description:
    "Greenroom decides who may publish, knows who is live, and takes people off the air. JSON in snake_case, dates in RFC 3339 UTC, absent values `null`. Every error is an RFC 9457 problem document, and every answer carries `X-Request-ID`. Lists come newest first, in pages: send `next_cursor` back as `cursor` until it is `null`.",
  license: { name: "MIT", identifier: "MIT" }
}

/** `ValidationFailedEncoded` is how the generator calls a class's wire form. */
const withPlainNames = (spec: Json): Json =>
  JSON.parse(JSON.stringify(spec).replaceAll(/\b([A-Z][A-Za-z]+)Encoded\b/g, "$1"))

const visit = (node: Json, each: (node: Json) => void): void => {
  if (typeof node !== "object" || node === null) return
  each(node)
  for (const child of Object.values(node)) visit(child, each)
}

/** The bodies that an operator sends: unknown fields in them are refused. */
const closed = [
  "NewBroadcaster",
  "BroadcasterChanges",
  "NewStreamKey",
  "StreamKeyChanges",
  "StreamAnnotation",
  "ReconcileOrder"
]

/** Unknown fields of what the media server sends are ignored, and answers may grow. */
const open = (spec: Json): void => {
  for (const [name, schema] of Object.entries<Json>(spec.components.schemas)) {
    if (closed.includes(name)) continue
    visit(schema, (node) => {
      if (node.additionalProperties === false) delete node.additionalProperties
    })
  }
}

const problemNameOf = (schema: Json): ProblemName | undefined => {
  const type = schema.properties?.type?.enum?.[0]
  const name = typeof type === "string" ? type.replace("/errors/", "") : ""
  return name in problemTypes ? (name as ProblemName) : undefined
}

/** What the request middleware adds to every problem. */
const completeProblems = (spec: Json): void => {
  for (const schema of Object.values<Json>(spec.components.schemas)) {
    const name = problemNameOf(schema)
    if (name === undefined) continue
    const { type, title, status, detail, instance, code, request_id, ...more } = schema.properties
    schema.properties = { type, title, status, detail, instance, code, request_id, ...more }
    schema.required = Object.keys(schema.properties)
    schema.description = problemTypes[name].meaning
    schema.examples = [problemExample(name, schema.properties.status.enum?.[0])]
  }
}

const requestId = {
  description: "The request's own `X-Request-ID`, or a new one; the log knows the request by it",
  required: true,
  schema: { type: "string", maxLength: 128 }
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
const addSharedAnswers = (spec: Json): void => {
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

const describeAnswers = (spec: Json, operation: Json): void => {
  for (const [status, response] of Object.entries<Json>(operation.responses)) {
    const own = Object.fromEntries(
      Object.entries(response.headers ?? {}).map(([name, header]) => [titleCase(name), header])
    )
    response.headers = { ...own, "X-Request-ID": requestId, ...more[status] }
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
const describeParameters = ({ operationId, parameters }: Json): void => {
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

const make = (): Json => {
  const spec = withPlainNames(OpenApi.fromApi(Api))
  spec.info = info
  spec.servers = [{ url: "/", description: "The service that this document comes from" }]
  delete spec.security
  open(spec)
  describeAuthCall(spec)
  describeMetadata(spec)
  for (const path of Object.values<Json>(spec.paths)) {
    for (const operation of Object.values<Json>(path)) {
      describeParameters(operation)
      describeAnswers(spec, operation)
      if (operation.security.some((scheme: Json) => "hook_basic" in scheme)) operation.security.unshift({})
    }
  }
  addSharedAnswers(spec)
  completeProblems(spec)
  return spec
}

let made: Json

/** Made once, on first use. */
export const openApiDocument = (): Json => {
  made ??= make()
  return made
}
