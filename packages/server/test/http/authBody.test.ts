/** The check of an auth call's body and the schema that the API publishes accept the same bodies. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Exit, Schema } from "effect"
import { cases, element, jsonValues, oneOf, texts } from "../../../core/test/support/arbitraries.ts"
import { AuthBody } from "../../src/http/api/MediaServerApi.ts"
import { authBodyIn, isAuthBody } from "../../src/http/routes/authBody.ts"

const fields = ["action", "path", "protocol", "id", "ip", "user", "password", "token", "query", "userAgent", "other"]
const values = oneOf<unknown>([texts, texts, element([null, undefined]), jsonValues])
const entries: Arbitrary.Arbitrary<ReadonlyArray<readonly [string, unknown]>> = Arbitrary.array(
  Arbitrary.all([element(fields), values]),
  { maxLength: 12 }
)
const bodies = oneOf<unknown>([
  Arbitrary.map(entries, (pairs) => JSON.parse(JSON.stringify(Object.fromEntries(pairs)))),
  Arbitrary.map(entries, (pairs) => JSON.parse(JSON.stringify({ path: "live/x", ...Object.fromEntries(pairs) }))),
  jsonValues
])
const decodes = Schema.decodeUnknownExit(AuthBody)

describe("the body of an auth call", () => {
  it.prop(
    "is accepted by the check where the schema accepts it, and nowhere else",
    [bodies],
    ([body]) => {
      assert.strictEqual(isAuthBody(body), Exit.isSuccess(decodes(body)))
      assert.strictEqual(Exit.isSuccess(Effect.runSyncExit(authBodyIn(body))), isAuthBody(body))
    },
    cases(2_000)
  )

  it("that lacks its path, or has a number for a text, is refused with the field's pointer", () => {
    for (const [body, pointer] of [
      [{}, "/path"],
      [{ path: "x", id: 1 }, "/id"]
    ] as const) {
      const error = Effect.runSync(Effect.flip(authBodyIn(body)))
      assert.deepStrictEqual(
        error.errors?.map((each) => each.pointer),
        [pointer]
      )
    }
  })
})
