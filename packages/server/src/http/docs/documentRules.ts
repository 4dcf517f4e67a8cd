/**
 * Rules of bodies that the definition holds in functions and cannot derive a schema from, as JSON schema: what an auth call needs for
 * its action, and what metadata may hold. What is left to prose: metadata's size and depth, whether a date lies in the future, and whether
 * an id is there. And what a definition cannot hold without its clients taking part: conditional requests.
 */
import { SOURCE_ID_PATTERN, wholeKeyPattern } from "@greenroom/core/internal"
import { checkForms } from "../api/authCheckSchemas.ts"
import { tokenTargets } from "../api/playbackTokenSchemas.ts"
import type { Json } from "./OpenApiDocument.ts"

/** A publisher is followed by its connection's id, so a publish needs one. */
export const describeAuthCall = (spec: Json): void => {
  const { properties, required, type, ...whole } = spec.components.schemas.AuthRequest
  const { description } = properties.action
  spec.components.schemas.AuthRequest = {
    ...whole,
    anyOf: [
      {
        type,
        properties: {
          ...properties,
          action: { type: "string", enum: ["publish"], description },
          id: { type: "string", pattern: SOURCE_ID_PATTERN, description: properties.id.description }
        },
        required: ["action", ...required, "id"]
      },
      {
        type,
        properties: {
          ...properties,
          action: {
            anyOf: [{ type: "string", maxLength: 2048, pattern: "^(?!publish$)" }, { type: "null" }],
            description
          }
        },
        required
      }
    ]
  }
}

/** The settings of an encoder are those of one form. */
export const describeAuthCheck = (spec: Json): void => {
  const { properties, type, required: _, additionalProperties, ...whole } = spec.components.schemas.NewAuthCheck
  const given = (name: string): Json =>
    properties[name].anyOf?.find((each: Json) => each.type !== "null") ?? properties[name]
  spec.components.schemas.NewAuthCheck = {
    ...whole,
    anyOf: checkForms.map(({ needs, may }) => ({
      type,
      properties: Object.fromEntries([
        ...needs.map((name) => [name, { ...given(name), description: properties[name].description }]),
        ...may.map((name) => [name, properties[name]])
      ]),
      required: needs,
      additionalProperties
    }))
  }
}

/** A token is for one thing. */
export const describePlaybackToken = (spec: Json): void => {
  spec.components.schemas.NewPlaybackToken.oneOf = tokenTargets.map((name) => ({ required: [name] }))
}

/** What `jsonb` stores, without a stream key. */
const text = { type: "string", pattern: `^(?![\\s\\S]*${wholeKeyPattern})[^\\x00]*$` }
const number = { type: "number", minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }
const value = { $ref: "#/components/schemas/MetadataValue" }
const object = { type: "object", propertyNames: { pattern: text.pattern }, additionalProperties: value }

/** `bodies`: the names of the schemas in which it is sent, among others. */
export const describeMetadata = (spec: Json, bodies: ReadonlyArray<string>): void => {
  const { schemas } = spec.components
  schemas.MetadataValue = {
    description: "JSON that comes back as it was sent: no NUL, no stream key, no whole number that is rounded",
    anyOf: [{ type: "null" }, { type: "boolean" }, number, text, { type: "array", items: value }, object]
  }
  schemas.Metadata = { ...object, description: "A JSON object of your own: at most 16 KiB, at most 32 levels deep" }
  for (const name of bodies.filter((body) => schemas[body].properties.metadata !== undefined)) {
    const described = schemas[name].properties.metadata.description
    schemas[name].properties.metadata = {
      anyOf: [{ $ref: "#/components/schemas/Metadata" }, { type: "null" }],
      ...(described === undefined ? {} : { description: described })
    }
  }
}

/** A client that sends the tag of the list it has gets 304 while the list is the same. */
export const describeConditionalList = (operation: Json): void => {
  if (operation.operationId !== "streams.list") return
  const ETag = {
    description: "Changes with the list, but not with `duration_seconds`, which follows from `started_at`",
    required: true,
    schema: { type: "string" }
  }
  const Vary = { description: "`Accept-Encoding`", required: true, schema: { type: "string" } }
  operation.parameters.push({
    name: "If-None-Match",
    in: "header",
    required: false,
    description: "The `ETag` of the list that the client has",
    schema: { type: "string" }
  })
  Object.assign(operation.responses["200"], { headers: { ETag, Vary } })
  operation.responses["304"] = { description: "The client has the list as it is", headers: { ETag, Vary } }
}

/** The audit log comes in other types as well, for `format`: rows of which a generated client makes nothing. */
export const describeExports = (operation: Json): void => {
  if (operation.operationId !== "audit.list") return
  const text = { schema: { type: "string" } }
  Object.assign(operation.responses["200"].content, { "text/csv": text, "application/x-ndjson": text })
}
