/** An event stream outlasts its request, so its token is asked for again from time to time: it may have been deleted, expired, or lost its scope. */
import { type ApiTokenId, ApiTokens, allows } from "@greenroom/core"
import { Clock, Effect, Option } from "effect"
import type { EventReader } from "./EventReader.ts"

const mayStillRead = Effect.fnUntraced(function* (token: ApiTokenId) {
  const tokens = yield* ApiTokens
  const found = yield* tokens.authenticateId(token)
  return Option.exists(found, ({ scopes }) => allows(scopes, "events:read"))
})

/** Ends the streams whose session is over, and those of tokens that are refused now. While the store does not answer, no token is. */
export const endRefused = Effect.fnUntraced(
  function* (readers: Iterable<EventReader>) {
    const now = (yield* Clock.currentTimeMillis) / 1_000
    const open = [...readers].filter(({ ends, output }) => {
      if (ends !== null && ends <= now) output.finish()
      return ends === null || ends > now
    })
    for (const [token, streams] of Map.groupBy(open, ({ token }) => token)) {
      if (token === null || (yield* mayStillRead(token))) continue
      for (const { output } of streams) output.finish()
    }
  },
  Effect.catchTag("StoreUnavailable", () => Effect.void)
)
