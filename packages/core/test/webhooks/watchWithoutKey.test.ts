/** An instance without a key, under a test clock: it leases nothing, and shows that endpoints wait. */
import { assert, it } from "@effect/vitest"
import { StoreUnavailable, type WebhookEndpoint, watchWithoutKey } from "@greenroom/core"
import { partialStore } from "@greenroom/testing"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { collector, metered } from "../support/logs.ts"

const BEGINS = "WARN there are webhook endpoints and no ENCRYPTION_KEY: nothing is delivered"
const KIND = "greenroom_degraded kind=webhooks_without_key"

it.effect("the condition lasts while there is an enabled endpoint, also while the store does not answer", () => {
  const store = { enabled: [] as Array<boolean>, isDown: false }
  const list = Effect.suspend(() =>
    store.isDown
      ? Effect.fail(new StoreUnavailable({ operation: "WebhookEndpoints.list", cause: new Error("silence") }))
      : Effect.succeed(store.enabled.map((enabled) => ({ enabled }) as WebhookEndpoint))
  )
  const log = collector()
  return Effect.gen(function* () {
    const { counts } = yield* metered(
      Effect.scoped(
        Effect.gen(function* () {
          yield* Effect.forkScoped(watchWithoutKey)
          yield* TestClock.adjust("2 minutes")
          assert.deepStrictEqual(log.said(), [])
          store.enabled = [false]
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual(log.said(), [], "a disabled endpoint gets nothing anyway")
          store.enabled = [false, true]
          yield* TestClock.adjust("1 minute")
          store.isDown = true
          yield* TestClock.adjust("5 minutes")
          assert.deepStrictEqual(log.said(), [BEGINS])
          store.isDown = false
          store.enabled = [false]
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual(log.said(), [BEGINS, "INFO no webhook endpoint waits for an ENCRYPTION_KEY any more"])
          store.enabled = [true]
          yield* TestClock.adjust("1 minute")
        })
      )
    )
    assert.strictEqual(counts[KIND], 1)
  }).pipe(Effect.provide(Layer.merge(partialStore({ webhookEndpoints: { list } }), log.layer)))
})
