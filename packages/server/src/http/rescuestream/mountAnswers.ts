/** What the mount's routes have in common: bodies, ids, lists. */
import type { Page, PageRequest, Position } from "@greenroom/core"
import { inTurns } from "@greenroom/core/internal"
import { Effect, Option, Schema } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { decoder, parseJson } from "../body/jsonBody.ts"
import { failWith } from "../problems/Problem.ts"
import { idOf } from "./signedRoute.ts"

/** The newest of a whole list; the frontend has no pages. */
const WHOLE = 5_000
const READ_AT_ONCE = 500

/** Unknown fields are ignored: the frontend may be newer. */
export const bodyOf = <A, I>(schema: Schema.Codec<A, I>) => {
  const decode = decoder(schema)
  return (text: string) => Effect.flatMap(parseJson(text === "" ? "{}" : text), decode)
}

export const answer = (body: unknown, status = 200) => Effect.succeed(HttpServerResponse.jsonUnsafe(body, { status }))

export const done = HttpServerResponse.empty({ status: 204 })

/** Items of a turn: what an auth call waits for, at most. */
const WRITTEN_AT_ONCE = 100

export const listOf = <A>(plural: string, items: ReadonlyArray<A>, shown: (item: A) => unknown) =>
  Effect.map(
    inTurns(items, (part) => part.map((item) => JSON.stringify(shown(item))).join(","), WRITTEN_AT_ONCE),
    (parts) =>
      HttpServerResponse.text(`{"${plural}":[${parts.join(",")}],"count":${items.length}}`, {
        contentType: "application/json"
      })
  )

/** Read in pages, so that no read is long. */
export const wholeOf = Effect.fnUntraced(function* <A, E, R>(
  read: (page: PageRequest) => Effect.Effect<Page<A>, E, R>,
  most: number = WHOLE
) {
  const items: Array<A> = []
  let after: Position | null = null
  do {
    const page: Page<A> = yield* read({ limit: Math.min(READ_AT_ONCE, most - items.length), after })
    items.push(...page.items)
    after = page.next
  } while (after !== null && items.length < most)
  return items
})

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
