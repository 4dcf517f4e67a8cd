/**
 * What a schema found wrong, for the caller: every value that was not as expected, with an RFC 6901 pointer and a sentence that can
 * be understood without knowing schemas. Issues carry no input values unless they are asked to, so nothing that was sent is
 * repeated here.
 */
import type { InvalidArgument } from "@greenroom/core"
import { type Schema, type SchemaAST, SchemaIssue } from "effect"
import { snakeCase } from "../api/wire.ts"
import type { FieldError } from "./Problem.ts"

const escapeToken = (token: string): string => token.replaceAll("~", "~0").replaceAll("/", "~1")

const namesOf = (ast: SchemaAST.AST): string =>
  ast._tag === "Objects" ? ast.propertySignatures.map(({ name }) => String(name)).join(", ") : ""

const format = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) =>
    issue._tag === "UnexpectedKey"
      ? `Expected one of the known fields: ${namesOf(issue.ast)}`
      : SchemaIssue.defaultLeafHook(issue)
})

/** So many are listed for one request; a body may have ten thousand unknown fields. */
const LISTED = 100

/** The formatter's own phrases; sentences that a schema brings along are left alone. */
const phrases: ReadonlyArray<readonly [RegExp, string]> = [
  [/^Missing key$/, "Expected a value: this is required"],
  [/^Expected a value with a length between (\d+) and (\d+)$/, "Expected $1 to $2 characters"],
  [/^Expected a value with a length of at most (\d+)$/, "Expected at most $1 characters"],
  [/^Expected ([A-Z]\w*)$/, "Expected a JSON object"],
  [/^Expected (string|boolean|number)\b/, "Expected a $1"],
  [/^Expected (object|array)\b/, "Expected an $1"],
  [/ \| null$/, " or null"]
]

const worded = (message: string): string =>
  phrases.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), message)

export const fieldErrorsOf = (error: Schema.SchemaError): ReadonlyArray<FieldError> =>
  format(error.issue)
    .issues.slice(0, LISTED)
    .map(({ message, path }) => ({
      pointer: (path ?? []).map((key) => `/${escapeToken(String(typeof key === "object" ? key.key : key))}`).join(""),
      detail: worded(message)
    }))

/** Of a use case's arguments, which have the names of the wire's fields in camelCase. */
export const argumentErrorsOf = ({ faults }: InvalidArgument): ReadonlyArray<FieldError> =>
  faults.map(({ path, expected }) => ({
    pointer: path.map((key) => `/${escapeToken(snakeCase(String(key)))}`).join(""),
    detail: worded(expected)
  }))

/** Of a query, where every parameter is one text: what is none was given more than once. */
export const queryFieldErrorsOf = (error: Schema.SchemaError): ReadonlyArray<FieldError> =>
  fieldErrorsOf(error).map(({ pointer, detail }) => ({
    pointer,
    detail: detail === "Expected a string" ? "Expected the parameter once, not several times" : detail
  }))

export const malformedJson: FieldError = { pointer: "", detail: "Expected a valid JSON body" }
