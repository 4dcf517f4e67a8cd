/**
 * Path and query parameters, and how strictly all input is read. Fields of bodies are the core's own schemas; here is what the API adds to
 * them.
 */
import { METADATA_MAX_BYTES, Metadata } from "@greenroom/core"
import { Schema, SchemaTransformation } from "effect"

/** By default decoding stops at the first error; callers get all of them. */
export const allErrors = { errors: "all" } as const

/** For operators' bodies: an unknown field is a mistyped one, and would be lost silently. */
export const noUnknownFields = { ...allErrors, onExcessProperty: "error" } as const

export const LIMIT_DEFAULT = 50
export const LIMIT_MAX = 1_000
/** Of events, whose data is whole resources. */
export const EVENTS_LIMIT_MAX = 200

/** A parameter that is a whole number from `least` to `most`. */
export const wholeNumber = (least: number, most: number, example: string, description?: string) => {
  const isOne = (text: string) => /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most
  return Schema.String.annotate({ examples: [example], ...(description === undefined ? {} : { description }) })
    .check(Schema.makeFilter((text) => (isOne(text) ? undefined : `Expected a whole number from ${least} to ${most}`)))
    .pipe(Schema.decodeTo(Schema.Int, SchemaTransformation.transform({ decode: Number, encode: String })))
}

export const Limit = wholeNumber(1, LIMIT_MAX, "20")
export const EventsLimit = wholeNumber(1, EVENTS_LIMIT_MAX, "20")

/** A parameter that is asked for or not. */
export const Switch = Schema.Literals(["true", "false"])

/** The member of a parameter's schema that holds its words, until the document describes the parameter as a list. */
export const WORDS = "x-words"

/** Words of a closed list, separated by commas: `active,connecting`. `more`: other members of the list's schema in the document. */
export const commaSeparated = <const L extends ReadonlyArray<string>>(
  words: L,
  description: string,
  more: object = {}
) => {
  const known: ReadonlyArray<string> = words
  return Schema.String.annotate({ description, examples: [words.slice(0, 2).join(",")] })
    .check(
      Schema.makeFilter(
        (text) =>
          text.split(",").every((word) => known.includes(word))
            ? undefined
            : `Expected one or more of ${words.join(", ")}, separated by commas`,
        { toJsonSchema: () => ({ [WORDS]: { values: words, ...more } }) as never }
      )
    )
    .pipe(
      Schema.decodeTo(
        Schema.Array(Schema.Literals(words)),
        SchemaTransformation.transform({
          decode: (text: string) => [...new Set(text.split(","))] as ReadonlyArray<L[number]>,
          encode: (chosen: ReadonlyArray<L[number]>) => chosen.join(",")
        })
      )
    )
}

/** Metadata is an object and never absent; `null` clears it. */
export const MetadataInput = Schema.NullOr(Metadata).pipe(
  Schema.decodeTo(
    Schema.toType(Metadata),
    SchemaTransformation.transform({ decode: (given) => given ?? {}, encode: (metadata) => metadata })
  )
)

/** Metadata in answers. */
export const MetadataKept = Schema.Record(Schema.String, Schema.Unknown).annotate({
  description: `The JSON object that you keep here, at most ${METADATA_MAX_BYTES / 1024} KiB`
})
