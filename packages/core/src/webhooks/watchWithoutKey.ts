/**
 * In place of `deliverWebhooks` on an instance without ENCRYPTION_KEY: it leases nothing, because another instance may have the key, and
 * shows a condition while there are endpoints that wait.
 */
import { Effect } from "effect"
import { WebhookEndpoints } from "../ports/WebhookEndpoints.ts"
import { makeConditions, setCondition } from "../resilience/Conditions.ts"

const LOOK_EVERY = "1 minute"
const KIND = "webhooks_without_key"
const BEGINS = "there are webhook endpoints and no ENCRYPTION_KEY: nothing is delivered"
const ENDS = "no webhook endpoint waits for an ENCRYPTION_KEY any more"

/** Runs until it is interrupted. While the store does not answer, the condition stays as it was. */
export const watchWithoutKey = Effect.gen(function* () {
  const conditions = makeConditions()
  yield* setCondition(KIND, false)
  const endpoints = yield* WebhookEndpoints
  const look = Effect.flatMap(endpoints.list, (all) => {
    const isAny = all.some(({ enabled }) => enabled)
    return conditions.set(KIND, isAny, isAny ? BEGINS : ENDS)
  })
  return yield* Effect.forever(Effect.andThen(Effect.ignore(look), Effect.sleep(LOOK_EVERY)))
})
