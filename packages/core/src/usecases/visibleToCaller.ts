/** A caller that is limited to a broadcaster meets no other's things: they are not in its lists, and their ids are unknown. */
import { Effect, Option } from "effect"
import type { BroadcasterId } from "../domain/values/Ids.ts"
import { CurrentCaller } from "./CurrentCaller.ts"

/** No broadcaster has this id, so a list that is filtered by it is empty. */
const NONE = "00000000-0000-0000-0000-000000000000" as BroadcasterId

/** What was found, if it is the caller's to see. `null`: it is of no one broadcaster. */
export const visibleToCaller =
  <A>(ownerOf: (found: A) => BroadcasterId | null) =>
  (found: Option.Option<A>): Effect.Effect<Option.Option<A>> =>
    Effect.map(CurrentCaller, ({ only }) =>
      only === null ? found : Option.filter(found, (one) => ownerOf(one) === only)
    )

/** The filter of a list with the caller's limit in it. */
export const withinCallersLimit = <F extends { readonly broadcasterId?: string | undefined }>(
  filter: F
): Effect.Effect<F> =>
  Effect.map(CurrentCaller, ({ only }) => {
    if (only === null) return filter
    const { broadcasterId = only } = filter
    return { ...filter, broadcasterId: broadcasterId === only ? only : NONE }
  })

/** Whether the caller may name this broadcaster as the owner of something. */
export const isCallersBroadcaster = (id: BroadcasterId | null): Effect.Effect<boolean> =>
  Effect.map(CurrentCaller, ({ only }) => only === null || only === id)
