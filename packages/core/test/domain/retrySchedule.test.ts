/** When deliveries are tried again. */
import { assert, describe, it } from "@effect/vitest"
import {
  ATTEMPTS_MAX,
  eventRetryMillis,
  JITTER,
  RETRY_AFTER_MAX_MS,
  RETRY_DELAYS_MS,
  stopRetryMillis
} from "../../src/domain/webhooks/retrySchedule.ts"
import { cases, element, integer } from "../support/arbitraries.ts"

describe("the retry schedule", () => {
  it.prop(
    "a delay is that of its attempt with jitter, longer when Retry-After asks for more, and never beyond a day and a tenth",
    [integer(1, 20), integer(0, 999), element([null, -1, 0, 1_000, 3_600_000, RETRY_AFTER_MAX_MS, 1e15, Infinity])],
    ([attempt, thousandth, retryAfter]) => {
      const jitter = thousandth / 1_000
      const event = eventRetryMillis(attempt, jitter, retryAfter)
      const stop = stopRetryMillis(attempt, jitter, retryAfter)
      assert.strictEqual(event === null, attempt >= ATTEMPTS_MAX)
      const base = RETRY_DELAYS_MS[Math.min(attempt, RETRY_DELAYS_MS.length) - 1]!
      const wanted = Math.min(retryAfter ?? 0, RETRY_AFTER_MAX_MS)
      for (const delay of [event ?? stop, stop]) {
        assert.isAtLeast(delay, Math.max(base * (1 - JITTER), wanted))
        assert.isAtMost(delay, Math.max(base * (1 + JITTER), wanted))
      }
    },
    cases(1_000)
  )

  it("with jitter in the middle the attempts are after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h", () => {
    const seconds = Array.from({ length: 9 }, (_, n) => eventRetryMillis(n + 1, 0.5, null)! / 1_000)
    assert.deepStrictEqual(seconds, [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400])
  })
})
