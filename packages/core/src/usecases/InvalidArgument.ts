/**
 * A caller's mistake, found before anything is done: the store would refuse the value, and its refusal looks like an outage. The types
 * of the use cases exclude such values; a cast or plain JavaScript does not. `authenticate` is not checked like this: its path and its
 * key are any text, and its time is MediaMTX's.
 */
import { Effect, Schema, SchemaIssue } from "effect"

const Fault = Schema.Struct({
  /** The argument's name, then the names of the members in it. */
  path: Schema.Array(Schema.Union([Schema.String, Schema.Number])),
  /** What was expected there: a sentence. It never repeats what was given. */
  expected: Schema.String
})

export class InvalidArgument extends Schema.TaggedError<InvalidArgument>()("InvalidArgument", {
  /** The use case. */
  operation: Schema.String,
  /** Every argument that was not as expected; never empty. */
  faults: Schema.Array(Fault)
}) {
  override get message() {
    return `${this.operation}: ${this.faults.map(({ path, expected }) => `${path.join(".")}: ${expected}`).join("; ")}`
  }
}

const format = SchemaIssue.makeFormatterStandardSchemaV1()

const invalidArgument = (operation: string, { issue }: Schema.SchemaError): InvalidArgument =>
  new InvalidArgument({
    operation,
    faults: format(issue).issues.map(({ message, path = [] }) => ({
      path: path.map((part) => {
        const key = typeof part === "object" ? part.key : part
        return typeof key === "number" ? key : String(key)
      }),
      expected: message
    }))
  })

/** An optional field may also be there as `undefined`, which means the same. */
const withoutUndefined = (given: object): object =>
  Object.fromEntries(Object.entries({ ...given }).filter(([, value]) => value !== undefined))

/** Checks the arguments of a use case, which are the fields of one object, and gives them as the domain writes them. */
export const checkArguments = <const F extends Schema.Struct.Fields>(operation: string, fields: F) => {
  const decode = Schema.decodeUnknownEffect(
    Schema.Struct(fields) as unknown as Schema.Codec<Schema.Struct<F>["Type"]>,
    {
      errors: "all"
    }
  )
  return (given: { readonly [K in keyof F]?: unknown }): Effect.Effect<Schema.Struct<F>["Type"], InvalidArgument> =>
    Effect.mapError(decode(withoutUndefined(given)), (error) => invalidArgument(operation, error))
}
