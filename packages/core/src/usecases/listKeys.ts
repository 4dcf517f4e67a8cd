/** The stream keys, newest first, without their values. */
import { Effect } from "effect"
import type { PageRequest } from "../ports/Page.ts"
import { type KeyFilter, StreamKeys } from "../ports/StreamKeys.ts"

export const listKeys = Effect.fn("listKeys")(function* (filter: KeyFilter, page: PageRequest) {
  const keys = yield* StreamKeys
  return yield* keys.list(filter, page)
})
