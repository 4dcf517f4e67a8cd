/**
 * Ends a key for good: dead in the store first, then its stream is taken off the air. From the moment the store has it no
 * instance admits the key again. Repeating it changes nothing and answers by what is still on the air.
 */
import { Effect, Option } from "effect"
import type { StreamKeyId } from "../domain/values/Ids.ts"
import { Sessions } from "../ports/Sessions.ts"
import { StreamKeys } from "../ports/StreamKeys.ts"
import { Streams } from "../ports/Streams.ts"
import { awaitOffAir } from "./awaitOffAir.ts"

/** `None` when there is no such key; otherwise the key as it is now, and whether no stream of it is left on the media server. */
export const revoke = Effect.fn("revoke")(function* (id: StreamKeyId) {
  const keys = yield* StreamKeys
  const sessions = yield* Sessions
  const streams = yield* Streams
  const revoked = yield* keys.revoke(id)
  if (Option.isNone(revoked)) return Option.none()
  yield* sessions.requestStopsForInvalidKeys
  const offAir = yield* awaitOffAir(yield* streams.unendedOf({ streamKeyId: id }))
  const at = Option.getOrElse(yield* keys.find(id), () => revoked.value)
  return Option.some({ ...at, offAir })
})
