/** Publishers that the media server let in without asking: from before authentication was on, or past another Greenroom. */
import type { Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { neverPublished, newKey } from "./acts.ts"
import { type Publishable, targetOf } from "./Target.ts"
import { Venue, waitFor } from "./Venue.ts"

export const strangers = (it: Vitest.MethodsNonLive<Venue>, protocols: ReadonlyArray<Publishable>): void => {
  it.effect.each(protocols)("a publisher that was never admitted is kicked: %s", (protocol) =>
    Effect.gen(function* () {
      const venue = yield* Venue
      const key = yield* newKey()
      const began = performance.now()
      const target = targetOf(key, protocol)
      const encoder = yield* venue.stranger(target)
      const gone = Effect.sync(() => (encoder.hasEnded() ? true : undefined))
      yield* waitFor("it is kicked", gone, 5_000)
      venue.measure({
        what: "stranger connected to kicked",
        of: protocol,
        promised: 5_000,
        millis: performance.now() - began
      })
      const said = Effect.sync(() =>
        venue.service.lines().find(({ message, path }) => message === "publisher kicked" && path === target.path)
      )
      yield* waitFor("Greenroom says that it kicked it", said, 1_000)
      yield* neverPublished(key)
    })
  )
}
