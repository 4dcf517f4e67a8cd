/** One stream key, without its value; `None` when there is no such key. */
import { Effect } from "effect"
import type { StreamKeyId } from "../domain/values/Ids.ts"
import { StreamKeys } from "../ports/StreamKeys.ts"

export const describeKey = Effect.fn("describeKey")(function* (id: StreamKeyId) {
  const keys = yield* StreamKeys
  return yield* keys.find(id)
})
