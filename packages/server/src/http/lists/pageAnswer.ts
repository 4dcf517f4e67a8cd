/**
 * A page of a list as it is sent: its items are encoded and written in turns, so that an auth call never waits for a whole page.
 */
import { inTurns } from "@greenroom/core"
import { Effect, Schema } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"

/** The members of a page beside its items. */
interface Envelope {
  readonly count: number
  readonly next_cursor: string | null
  readonly message?: string
}

/** `{"<plural>": [item, …], "count": …, "next_cursor": …}`. `toWire` and the schema make an item of a value. */
export const pageAnswer = <const Plural extends string, S extends Schema.Codec<unknown, unknown>, A>(
  plural: Plural,
  schema: S,
  toWire: (value: A) => S["Type"]
) => {
  const encode = Schema.encodeSync(Schema.toCodecJson(schema))
  const write = (values: ReadonlyArray<A>): string =>
    values.map((value) => JSON.stringify(encode(toWire(value)))).join(",")
  return (values: ReadonlyArray<A>, envelope: Envelope): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
    Effect.map(inTurns(values, write), (parts) =>
      HttpServerResponse.text(`{${JSON.stringify(plural)}:[${parts.join(",")}],${JSON.stringify(envelope).slice(1)}`, {
        contentType: "application/json"
      })
    )
}
