/**
 * Publishers whom Greenroom never admitted, because it was down or the media server did not ask: sent away when it looks, or only
 * reported, as it is configured.
 */
import { randomBytes } from "node:crypto"
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { Fleet } from "../worlds/Fleet.ts"
import { goesWrong } from "../worlds/HttpRelay.ts"
import { bent, type Publishable } from "../worlds/Target.ts"
import { Venue, waitFor } from "../worlds/Venue.ts"
import { neverPublished, newKey, someName } from "./acts.ts"

const SEVERAL_LOOKS = "2500 millis"

/** Lets in whoever wants to publish, and asks nobody. */
export const asksNobody = Effect.flatMap(Fleet, ({ door }) =>
  goesWrong(door, { _tag: "Status", status: 200, only: '"action":"publish"' })
)

/** What goes wrong at the door ends with the effect. */
const uninvited = Effect.fnUntraced(function* (protocol: Publishable) {
  const venue = yield* Venue
  const { stage } = yield* Fleet
  const key = yield* newKey()
  const target = bent(key, protocol, {
    path: someName("uninvited"),
    secret: `nobody-${randomBytes(8).toString("hex")}`
  })
  yield* venue.service.kill
  const encoder = yield* venue.encode(target)
  const there = Effect.map(stage.published, (paths) => (paths.has(target.path) ? true : undefined))
  return { key, target, encoder, there }
})

export const uninvitedPublishers = (it: Vitest.MethodsNonLive<Venue | Fleet>): void => {
  it.effect("who came while Greenroom was down, and was let in by nobody's word, is only reported, or kicked", () =>
    Effect.gen(function* () {
      const venue = yield* Venue
      const { service } = venue
      const { door } = yield* Fleet
      yield* asksNobody
      const { key, target, encoder, there } = yield* uninvited("srt")
      yield* Effect.addFinalizer(() => service.set({ UNAUTHORIZED_PUBLISHERS: "kick" }))
      yield* service.set({ UNAUTHORIZED_PUBLISHERS: "report" })
      // The control API asks at the door, too: nobody sees who is there before Greenroom is back.
      yield* service.start
      yield* door.fault(null)
      yield* waitFor("it publishes", there, 5_000)
      const reported = Effect.sync(() =>
        service.lines().find(({ message, path }) => message.includes("only reported") && path === target.path)
      )
      yield* waitFor("it is reported", reported, 5_000)
      yield* Effect.sleep(SEVERAL_LOOKS)
      assert.isFalse(encoder.hasEnded())
      const lines = service.lines().filter(({ message }) => message.includes("only reported"))
      assert.strictEqual(lines.length, 1, "said once, not every second")

      yield* service.kill
      yield* service.set({ UNAUTHORIZED_PUBLISHERS: "kick" })
      yield* service.start
      const gone = Effect.sync(() => (encoder.hasEnded() ? true : undefined))
      const { millis } = yield* waitFor("it is kicked", gone, 5_000)
      venue.measure({ what: "Greenroom back to an uninvited publisher kicked", of: "srt", promised: 5_000, millis })
      yield* neverPublished(key)
    })
  )
}
