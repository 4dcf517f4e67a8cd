/** A page of a list as it is sent: its items are encoded and written in turns, so that an auth call never waits for a whole page. */
import { inTurns } from "@greenroom/core/internal"
import { Effect, Schema } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"

interface Shown<A> {
  readonly items: ReadonlyArray<A>
  readonly next_cursor: string | null
  readonly message?: string
  readonly total?: number
}

/** `{"<plural>": [item, …], "count": …, "next_cursor": …}`. `shownAs` and the schema make an item of a value. */
export const pageAnswer = <const Plural extends string, S extends Schema.Codec<unknown, unknown>, A>(
  plural: Plural,
  schema: S,
  shownAs: (value: A) => S["Type"]
) => {
  const encode = Schema.encodeSync(Schema.toCodecJson(schema))
  const write = (values: ReadonlyArray<A>): string =>
    values.map((value) => JSON.stringify(encode(shownAs(value)))).join(",")
  return ({ items, ...more }: Shown<A>): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
    Effect.map(inTurns(items, write), (parts) => {
      const rest = JSON.stringify({ count: items.length, ...more }).slice(1)
      return HttpServerResponse.text(`{${JSON.stringify(plural)}:[${parts.join(",")}],${rest}`, {
        contentType: "application/json"
      })
    })
}
