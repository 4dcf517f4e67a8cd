/**
 * Changes a key's label or expiry, suspends it or lets it publish again. Suspending marks the key's stream for its end before
 * this answers: a quick enable afterwards must not lose the stop.
 */
import { Effect, Option } from "effect"
import type { StreamKeyId } from "../domain/values/Ids.ts"
import { Sessions } from "../ports/Sessions.ts"
import { type ChangeOutcome, type KeyChanges, StreamKeys } from "../ports/StreamKeys.ts"
import { Streams } from "../ports/Streams.ts"
import { awaitOffAir } from "./awaitOffAir.ts"

export const changeKey = Effect.fn("changeKey")(function* (id: StreamKeyId, changes: KeyChanges) {
  const outcome = yield* Effect.uninterruptible(changeAndStop(id, changes))
  if (outcome._tag !== "Changed" || changes.enabled !== false) return outcome
  const keys = yield* StreamKeys
  const streams = yield* Streams
  yield* awaitOffAir(yield* streams.unendedOf({ streamKeyId: id }))
  const now = yield* keys.find(id)
  return Option.match(now, {
    onNone: () => outcome,
    onSome: (at): ChangeOutcome => ({ _tag: "Changed", ...at })
  })
})

/** A caller who leaves between the two must not leave the key suspended and its stream unmarked. */
const changeAndStop = Effect.fnUntraced(function* (id: StreamKeyId, changes: KeyChanges) {
  const keys = yield* StreamKeys
  const sessions = yield* Sessions
  const outcome = yield* keys.change(id, changes)
  if (outcome._tag === "Changed" && changes.enabled === false) yield* sessions.requestStopsForInvalidKeys
  return outcome
})
