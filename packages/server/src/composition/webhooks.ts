/** Deliveries to webhook endpoints in the background. */
import { deliverWebhooks, ReconcilePolicy, SecretCipher, watchWithoutKey } from "@greenroom/core"
import { Effect } from "effect"

/** In the background, until the scope closes; then the endpoints are free for other instances. */
export const startWebhooks = Effect.gen(function* () {
  const { hasKey } = yield* SecretCipher
  const { holder } = yield* ReconcilePolicy
  yield* Effect.forkScoped(hasKey ? deliverWebhooks(holder) : watchWithoutKey)
})
