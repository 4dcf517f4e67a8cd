import { foldEvents } from "@greenroom/core"
import { histories } from "@greenroom/testing/arbitraries"
import { Arbitrary, Effect, Result } from "effect"
import { expect, test } from "vitest"

test("every history leads to a state", async () => {
  const result = await Effect.runPromise(
    Arbitrary.checkEffect(histories, (events) => Result.isSuccess(foldEvents(events)), { runs: 1_000 })
  )
  expect(Arbitrary.formatCheckFailure(result)).toBeUndefined()
})
