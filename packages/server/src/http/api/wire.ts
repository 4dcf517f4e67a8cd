/**
 * How the API's schemas are made. A schema has the domain's names inside and snake_case on the wire, so that a handler answers with a
 * domain value and takes one, and nothing is renamed by hand. Its example stands beside it, as JSON, and goes into the OpenAPI document.
 */
import { Schema, SchemaTransformation } from "effect"
import * as OpenApi from "effect/http-api/OpenApi"

export const nullable = <S extends Schema.Top>(schema: S): Schema.NullOr<S> => Schema.NullOr(schema)
export const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** What a schema is called in the document, with one example of it. */
export const named = (identifier: string, example: unknown, description?: string) => ({
  identifier,
  examples: [example] as never,
  ...(description === undefined ? {} : { description })
})

/** Of an operation. */
export const summary = (text: string, description?: string) => OpenApi.annotations({ summary: text, description })

export const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

type Fields = Readonly<Record<string, unknown>>
type Names = ReadonlyArray<readonly [from: string, to: string]>

/** A loop, because a list renames hundreds of objects between two auth calls. */
const renamed = (value: Fields, names: Names): Fields => {
  const result: Record<string, unknown> = {}
  for (const [from, to] of names) {
    const member = value[from]
    if (member !== undefined) result[to] = member
  }
  return result
}

/**
 * An object of these fields. Decoding checks the wire's own names, so that errors point at what was sent; encoding leaves out what
 * has no field here.
 */
export const wire = <const F extends Schema.Struct.Fields>(
  fields: F,
  annotations: { readonly identifier?: string } = {}
): Schema.Codec<Schema.Struct<F>["Type"], object> => {
  const toWire: Names = Object.keys(fields).map((name) => [name, snakeCase(name)])
  const fromWire: Names = toWire.map(([name, onWire]) => [onWire, name])
  return Schema.Struct(Object.fromEntries(toWire.map(([name, onWire]) => [onWire, fields[name]!])))
    .annotate(annotations)
    .pipe(
      Schema.decodeTo(
        // What is checked is the wire's form: a second check of the same fields would double the time of a list.
        Schema.declare((value: unknown): value is Fields => typeof value === "object" && value !== null),
        SchemaTransformation.transform<Fields, Fields>({
          decode: (value) => renamed(value, fromWire),
          encode: (value) => renamed(value, toWire)
        }) as never
      )
    ) as never
}

/** One page of a list: `{"<plural>": […], "count", "next_cursor"}`. */
export const pageOf = <
  const Plural extends string,
  S extends Schema.Top,
  const More extends Schema.Struct.Fields = Record<never, never>
>(
  plural: Plural,
  item: S,
  annotations: ReturnType<typeof named>,
  more?: More
) => {
  const items: { readonly [P in Plural]: Schema.$Array<S> } = { [plural]: Schema.Array(item) } as never
  return wire(
    {
      ...items,
      count: Count.annotate({ description: "How many are in this answer" }),
      nextCursor: nullable(Schema.String),
      ...(more as More)
    },
    annotations
  )
}

/** Of a list that can be counted. */
export const maybeTotal = {
  total: Schema.optionalKey(Count).annotate({ description: "Only with `total=true`: how many all pages have together" })
}

/** Ids that the examples share. */
export const exampleIds = {
  broadcaster: "0192e4a7-3f5e-4c1c-9d2a-5f0a3a1c7b11",
  key: "3b0f7c52-8a8e-4f0e-9a53-6a1f0f7c2d90",
  stream: "c6a2f1de-52b4-4a57-8a1c-0d9e6b7f3a24",
  source: "2d88d6ec-6d2b-4b5e-9a53-2f2a5b1f9f10"
}
