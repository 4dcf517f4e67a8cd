/** JSON schemas in words, as far as this API's own schemas go. */
import { escape, prose } from "./html.ts"

// biome-ignore lint/suspicious/noExplicitAny: JSON schemas are open JSON
export type Schema = any

export const refName = (schema: Schema): string | undefined => schema?.$ref?.split("/").at(-1)

const bounds = (schema: Schema): string => {
  if (schema.type === "string" && schema.maxLength !== undefined) {
    return schema.minLength > 0
      ? `, ${schema.minLength} to ${schema.maxLength} characters`
      : `, at most ${schema.maxLength} characters`
  }
  if (schema.type !== "integer" || schema.minimum === undefined) return ""
  return schema.maximum < Number.MAX_SAFE_INTEGER ? `, ${schema.minimum} to ${schema.maximum}` : ""
}

/** The type of a value, as HTML: `string (date-time) or null`. */
const typeText = (schema: Schema): string => {
  const name = refName(schema)
  if (name !== undefined) return `<a href="#schema-${escape(name)}">${escape(name)}</a>`
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeText).join(" or ")
  if (schema.enum !== undefined)
    return schema.enum.map((value: unknown) => `<code>${escape(String(value))}</code>`).join(" ")
  if (schema.type === "array") return `list of ${typeText(schema.items ?? {})}`
  if (schema.type === undefined) return "any value"
  const format = schema.format === undefined ? "" : ` (${escape(schema.format)})`
  return `${escape(schema.type)}${format}${bounds(schema)}`
}

const descriptionOf = (schema: Schema): string =>
  schema.description ?? schema.anyOf?.find((part: Schema) => part.description !== undefined)?.description ?? ""

const row = (name: string, schema: Schema, required: boolean): string =>
  `<tr><td><code>${escape(name)}</code>${required ? '<span class="must">required</span>' : ""}</td><td><span class="type">${typeText(schema)}</span>${descriptionOf(schema) === "" ? "" : `<br>${prose(descriptionOf(schema))}`}</td></tr>`

/** The fields of an object; those of an object inside it with a dotted name. */
const rows = (schema: Schema, prefix: string, marked: boolean): string =>
  Object.entries<Schema>(schema.properties ?? {})
    .map(([name, field]) => {
      const required = marked && (schema.required ?? []).includes(name)
      const inner =
        field.properties !== undefined ? field : field.anyOf?.find((part: Schema) => part.properties !== undefined)
      return (
        row(`${prefix}${name}`, field, required) + (inner === undefined ? "" : rows(inner, `${prefix}${name}.`, marked))
      )
    })
    .join("")

/** `marked`: required fields are marked, in what callers send. */
export const fieldTable = (schema: Schema, marked: boolean): string => {
  const body = rows(schema, "", marked)
  return body === "" ? "" : `<table>${body}</table>`
}

export const parameterTable = (parameters: ReadonlyArray<Schema>): string =>
  `<table>${parameters
    .map((parameter) =>
      row(parameter.name, { ...parameter.schema, description: parameter.description }, parameter.required)
    )
    .join("")}</table>`
