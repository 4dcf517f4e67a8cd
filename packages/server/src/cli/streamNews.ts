/**
 * When to list the streams again. While the service's event stream is connected: when a stream has changed, and from time to time for what is no
 * event, such as viewers. Without it, as with a service of an earlier release: once a second.
 */
import { type EventFilter, streamEventNames } from "@greenroom/core"
import { Effect, Queue, Stream } from "effect"
import { serverEvents } from "./serverEvents.ts"

const POLL_EVERY = "1 second"
const LOOK_EVERY_WHILE_FOLLOWING = "5 seconds"
const CONNECT_AGAIN_AFTER = "5 seconds"
/** Changes that come one upon the other are one look. */
const SETTLES_WITHIN = "50 millis"

/** Completes when it is time for the next look. The connection ends with the scope. */
export const makeStreamNews = Effect.fnUntraced(function* (filter: Pick<EventFilter, "broadcasterId" | "path">) {
  const news = yield* Queue.sliding<void>(1)
  let isFollowing = false
  const follow = (is: boolean) =>
    Effect.suspend(() => {
      const changed = isFollowing !== is
      isFollowing = is
      return changed ? Queue.offer(news, undefined) : Effect.void
    })
  const following = Stream.runForEach(serverEvents("now", { ...filter, types: streamEventNames }), ({ event }) =>
    Effect.andThen(follow(true), event === null ? Effect.void : Queue.offer(news, undefined))
  ).pipe(
    // The listing reports what is wrong with the service.
    Effect.ignore,
    Effect.andThen(follow(false)),
    Effect.andThen(Effect.sleep(CONNECT_AGAIN_AFTER))
  )
  yield* Effect.forkScoped(Effect.forever(following))
  const changed = Effect.andThen(Queue.take(news), Effect.sleep(SETTLES_WITHIN))
  return Effect.suspend(() =>
    Effect.raceFirst(changed, Effect.sleep(isFollowing ? LOOK_EVERY_WHILE_FOLLOWING : POLL_EVERY))
  )
})
