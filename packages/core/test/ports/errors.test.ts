/** The two ways in which a port fails: each says what was being done, and nothing that it was done with. */
import { assert, describe, it } from "@effect/vitest"
import { MediaServerUnavailable, StoreUnavailable } from "@greenroom/core"

describe("a port's failure", () => {
  it("of the store names the operation, and keeps its cause to itself", () => {
    const error = new StoreUnavailable({ operation: "Admissions.admit", cause: new Error("password=hunter2") })
    assert.strictEqual(error.message, "The store did not answer Admissions.admit")
    assert.strictEqual(error._tag, "StoreUnavailable")
    assert.strictEqual((error.cause as Error).message, "password=hunter2")
  })

  it("of the media server names the call, how it failed, and what is known of it", () => {
    const error = new MediaServerUnavailable({ reason: "refused", operation: "GET /v3/paths/list", detail: "401" })
    assert.strictEqual(error.message, "GET /v3/paths/list: refused: 401")
    assert.strictEqual(error._tag, "MediaServerUnavailable")
  })
})
