/** What handlers have in common. */
import type { InvalidArgument, Page, PageRequest, Position, StoreUnavailable } from "@greenroom/core"
import { Effect, Option, Schema } from "effect"
import { ListCursor, TextListCursor } from "../api/Cursor.ts"
import { LIMIT_DEFAULT } from "../api/Input.ts"

/** What a handler can do nothing about. The API's schemas have excluded an invalid argument already. */
export type UseCaseFailure = StoreUnavailable | InvalidArgument

/** Such a failure leaves as a defect. The request middleware answers 503 for a silent store and logs it, and 400 for an argument. */
export const storeFailureToDefect = <A, E, R>(
  effect: Effect.Effect<A, E | UseCaseFailure, R>
): Effect.Effect<A, Exclude<E, UseCaseFailure>, R> =>
  Effect.catchTags(effect as Effect.Effect<A, UseCaseFailure, R>, {
    StoreUnavailable: Effect.die,
    InvalidArgument: Effect.die
  }) as never

/** The value that is there, else this failure. */
export const foundOr =
  <E, R>(notFound: Effect.Effect<never, E, R>) =>
  <A>(option: Option.Option<A>): Effect.Effect<A, E, R> =>
    Option.isSome(option) ? Effect.succeed(option.value) : notFound

export const pageRequest = (
  query: { readonly limit?: number | undefined; readonly cursor?: Position | undefined },
  unlimited: number | null = LIMIT_DEFAULT
): PageRequest => ({ limit: query.limit ?? unlimited, after: query.cursor ?? null })

const writeCursor = Schema.encodeSync(ListCursor)
const writeTextCursor = Schema.encodeSync(TextListCursor)

/** The page with the length of the whole list, where the query asks for it. */
export const withTotal =
  <E, R>(total: "true" | "false" | undefined, count: Effect.Effect<number, E, R>) =>
  <A extends object, E2, R2>(
    page: Effect.Effect<A, E2, R2>
  ): Effect.Effect<A & { readonly total?: number }, E | E2, R | R2> =>
    total === "true" ? Effect.flatMap(page, (found) => Effect.map(count, (total) => ({ ...found, total }))) : page

/** A page with the cursor that leads to the next. */
export const withCursor = <A>({ items, next }: Page<A>) => ({
  items,
  next_cursor: next === null ? null : writeCursor(next)
})

/** The same of a list whose ids are texts. */
export const withTextCursor = <A>({ items, next }: Page<A>) => ({
  items,
  next_cursor: next === null ? null : writeTextCursor(next)
})
