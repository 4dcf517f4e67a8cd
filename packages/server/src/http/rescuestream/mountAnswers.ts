/** What the mount's routes have in common: bodies, ids, lists. */
import { Effect, Option, Schema } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { decoder, parseJson } from "../body/jsonBody.ts"
import { failWith } from "../problems/Problem.ts"
import { idOf } from "./signedRoute.ts"

/** The newest of a whole list; the frontend has no pages. */
export const WHOLE = { limit: 5_000, after: null }

/** Unknown fields are ignored: the frontend may be newer. */
export const bodyOf = <A, I>(schema: Schema.Codec<A, I>) => {
  const decode = decoder(schema)
  return (text: string) => Effect.flatMap(parseJson(text === "" ? "{}" : text), decode)
}

export const answer = (body: unknown, status = 200) => Effect.succeed(HttpServerResponse.jsonUnsafe(body, { status }))

export const done = HttpServerResponse.empty({ status: 204 })

export const listOf = (plural: string, items: ReadonlyArray<unknown>) =>
  answer({ [plural]: items, count: items.length })

/** The id in the path; one that is none is unknown. */
export const idAs = <A>(schema: Schema.Codec<A, string>, notFound: string) => {
  const decode = Schema.decodeUnknownOption(schema)
  return Effect.flatMap(idOf, (id) =>
    Option.match(Option.flatMap(id, decode), {
      onNone: () => failWith("not-found", notFound),
      onSome: Effect.succeed
    })
  )
}
