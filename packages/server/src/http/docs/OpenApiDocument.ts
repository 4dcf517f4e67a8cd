/**
 * The OpenAPI 3.1 document: derived from the definition, then completed with what a definition cannot hold: the headers of every answer,
 * the members that every problem has, numbers and lists in the query, where unknown fields are welcome, and an example of everything.
 */
import * as OpenApi from "effect/http-api/OpenApi"
import { Api } from "../api/Api.ts"
import { version } from "../api/version.ts"
import { describeAccess } from "./describeAccess.ts"
import { addSharedAnswers, completeProblems, describeAnswers } from "./describeAnswers.ts"
import { describeParameters } from "./describeParameters.ts"
import { describeWebhooks } from "./describeWebhooks.ts"
import {
  describeAuthCall,
  describeAuthCheck,
  describeConditionalList,
  describeExports,
  describeMetadata,
  describePlaybackToken
} from "./documentRules.ts"

/** A JSON document that is walked and changed; its shape is OpenAPI's. */
// biome-ignore lint/suspicious/noExplicitAny: the document is open JSON, typed by its own specification
export type Json = any

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

const operationsOf = (spec: Json): ReadonlyArray<Json> => Object.values<Json>(spec.paths).flatMap(Object.values)

/** The bodies that an operator sends, by the names of their schemas. */
const operatorBodies = (spec: Json): ReadonlyArray<string> =>
  operationsOf(spec)
    .filter(({ security }) => security.some((scheme: Json) => "api_key" in scheme))
    .map(({ requestBody }) => requestBody?.content["application/json"].schema.$ref)
    .filter((reference) => reference !== undefined)
    .map((reference) => reference.split("/").at(-1))

/** Unknown fields of operators' bodies are refused; those of what the media server sends are ignored, and answers may grow. */
const open = (spec: Json, closed: ReadonlyArray<string>): void => {
  for (const [name, schema] of Object.entries<Json>(spec.components.schemas)) {
    if (closed.includes(name)) continue
    visit(schema, (node) => {
      if (node.additionalProperties === false) delete node.additionalProperties
    })
  }
}

const make = (): Json => {
  const spec = withPlainNames(OpenApi.fromApi(Api))
  spec.info = info
  spec.servers = [{ url: "/", description: "The service that this document comes from" }]
  delete spec.security
  const bodies = operatorBodies(spec)
  open(spec, bodies)
  describeAuthCall(spec)
  describeMetadata(spec, bodies)
  describeAuthCheck(spec)
  describePlaybackToken(spec)
  for (const operation of operationsOf(spec)) {
    describeAccess(operation)
    describeParameters(operation)
    describeConditionalList(operation)
    describeExports(operation)
    describeAnswers(spec, operation)
    if (operation.security.some((scheme: Json) => "hook_basic" in scheme)) operation.security.unshift({})
  }
  addSharedAnswers(spec)
  completeProblems(spec)
  describeWebhooks(spec)
  return spec
}

let made: Json

/** Made once, on first use. */
export const openApiDocument = (): Json => {
  made ??= make()
  return made
}
