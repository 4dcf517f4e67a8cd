/** What handlers have in common. */
import type { Page, PageRequest, Position, StoreUnavailable } from "@greenroom/core"
import { Effect, Option, Schema } from "effect"
import { ListCursor } from "../api/Cursor.ts"
import { LIMIT_DEFAULT } from "../api/Input.ts"

/** A handler can do nothing about a silent store: the failure leaves as a defect, and the request middleware answers 503 and logs it. */
export const storeFailureToDefect = <A, E, R>(
  effect: Effect.Effect<A, E | StoreUnavailable, R>
): Effect.Effect<A, Exclude<E, StoreUnavailable>, R> =>
  Effect.catchTag(effect as Effect.Effect<A, StoreUnavailable, R>, "StoreUnavailable", Effect.die) as never

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

/** A page with the cursor that leads to the next. */
export const withCursor = <A>({ items, next }: Page<A>) => ({
  items,
  next_cursor: next === null ? null : writeCursor(next)
})
