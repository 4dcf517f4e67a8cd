/** The host's rule for publishers, apart from the admission: what becomes of a store that cannot be read. */
import { assert, describe, it } from "@effect/vitest"
import { StoreUnavailable } from "@greenroom/core"
import { partialStore } from "@greenroom/testing"
import { DateTime, Effect, Exit } from "effect"
import { MayPublish, refusedByHost } from "../../src/usecases/MayPublish.ts"

const facts = {
  now: DateTime.makeUnsafe(0),
  key: {
    id: "k",
    prefix: "sk_abcd",
    broadcasterId: "b",
    path: null,
    revokedAt: null,
    revokesAt: null,
    rotatedFrom: null,
    block: null,
    expiresAt: null,
    enabled: true
  },
  keySession: null,
  pathSession: null,
  sourceSession: null,
  pathOwnedByOther: false
}
const request = { hash: "h", path: "live/a", sourceId: "s", protocol: "rtmp", streamId: "i" }

const answerTo = (failure: unknown) =>
  refusedByHost(request as never).pipe(
    Effect.provideService(MayPublish, () => Effect.fail(failure)),
    Effect.provide(partialStore({ admissions: { facts: () => Effect.succeed(facts as never) } }))
  )

describe("the host's rule", () => {
  it.effect(
    "fails with the store when its broadcaster cannot be read: the answer is a 503, and no refusal of the host",
    () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(
          answerTo(new StoreUnavailable({ operation: "Broadcasters.find", cause: "gone" }))
        )
        assert.isTrue(Exit.isFailure(exit) && String(exit.cause).includes("StoreUnavailable"))
      })
  )

  it.effect("refuses when it fails by itself", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* answerTo(new Error("no")), { _tag: "Refuse", reason: "refused_by_host" })
    })
  )
})
