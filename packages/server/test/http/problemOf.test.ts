/** An argument that the API's schemas took and a use case refuses is still the caller's mistake, in the wire's names. */
import { InvalidArgument } from "@greenroom/core"
import { expect, it } from "vitest"
import { problemOf } from "../../src/http/problems/problemOf.ts"

it("an invalid argument is a validation problem that points at the wire's field", () => {
  const faults = [
    { path: ["expiresAt"], expected: "Expected a time of the years 1 to 9999" },
    { path: ["metadata", "a/b", 0], expected: "Missing key" }
  ]
  const { problem, isFault } = problemOf(new InvalidArgument({ operation: "issueKey", faults }), [])
  expect(isFault).toBe(false)
  expect(problem).toMatchObject({
    type: "/errors/validation",
    errors: [
      { pointer: "/expires_at", detail: "Expected a time of the years 1 to 9999" },
      { pointer: "/metadata/a~1b/0", detail: "Expected a value: this is required" }
    ]
  })
})
