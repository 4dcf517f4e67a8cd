/** An event stream outlasts its request, so its token is asked for again from time to time: it may have been deleted, expired, or lost its scope. */
import { type ApiTokenId, ApiTokens, allows } from "@greenroom/core"
import { Effect, Option } from "effect"
import type { EventReader } from "./EventReader.ts"

const mayStillRead = Effect.fnUntraced(function* (token: ApiTokenId) {
  const tokens = yield* ApiTokens
  const found = yield* tokens.authenticateId(token)
  return Option.exists(found, ({ scopes }) => allows(scopes, "events:read"))
})

/** Ends the streams of tokens that are refused now. While the store does not answer, none ends. */
export const endRefused = Effect.fnUntraced(function* (readers: Iterable<EventReader>) {
  const byToken = Map.groupBy(readers, ({ token }) => token)
  for (const [token, streams] of byToken) {
    if (token === null) continue
    const may = yield* Effect.orElseSucceed(mayStillRead(token), () => true)
    if (!may) for (const { output } of streams) output.finish()
  }
})
