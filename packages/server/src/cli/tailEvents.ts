/** `greenroom events tail`: prints events as they come. A connection that ends is made again, from the last cursor, so that none is missed. */
import type { EventFilter } from "@greenroom/core"
import { Effect, Result, Stream } from "effect"
import type { ApiClient } from "./ApiClient.ts"
import type { CommandFailed, Failure } from "./CommandFailed.ts"
import { remark } from "./output.ts"
import { type Place, type ServerEvent, serverEvents } from "./serverEvents.ts"

const AGAIN_AFTER = "1 second"

/** Failures that may pass by themselves; a refused secret does not. */
export const passing: ReadonlyArray<Failure> = ["unavailable", "tryAgain", "internal", "protocol"]

/** Never ends by itself. The first connection must succeed: a wrong address is no outage. */
export const tailEvents = Effect.fnUntraced(function* (
  from: Place,
  filter: EventFilter,
  print: (event: NonNullable<ServerEvent["event"]>) => Effect.Effect<void>
): Effect.fn.Return<never, CommandFailed, ApiClient> {
  let place = from
  let wasConnected = false
  let isAway = false
  const take = Effect.fnUntraced(function* ({ cursor, event }: ServerEvent) {
    wasConnected = true
    if (isAway) yield* remark("The service answers again.")
    isAway = false
    if (event !== null) yield* print(event)
    // Only now: an event that could not be printed comes again.
    if (cursor !== null) place = cursor
  })
  for (;;) {
    const ended: Result.Result<void, CommandFailed> = yield* Effect.result(
      Stream.runForEach(
        Stream.suspend(() => serverEvents(place, filter)),
        take
      )
    )
    if (Result.isFailure(ended)) {
      if (!wasConnected || !passing.includes(ended.failure.failure)) return yield* ended.failure
      if (!isAway) yield* remark(`${ended.failure.sentence} Trying on.`)
      isAway = true
    }
    yield* Effect.sleep(AGAIN_AFTER)
  }
})
