/**
 * What all handlers have in common. A store that does not answer is nothing that a handler could deal with: it leaves as a defect,
 * with its cause, and the request middleware answers the 503 and logs it.
 */
import type { PageRequest, Position, StoreUnavailable } from "@greenroom/core"
import { Effect } from "effect"
import { LIMIT_DEFAULT } from "../api/Input.ts"

export const storeFailureToDefect = <A, E, R>(
  effect: Effect.Effect<A, E | StoreUnavailable, R>
): Effect.Effect<A, Exclude<E, StoreUnavailable>, R> =>
  Effect.catchTag(effect as Effect.Effect<A, StoreUnavailable, R>, "StoreUnavailable", Effect.die) as never

export const pageRequest = (
  query: { readonly limit?: number; readonly cursor?: Position },
  unlimited: number | null = LIMIT_DEFAULT
): PageRequest => ({ limit: query.limit ?? unlimited, after: query.cursor ?? null })
