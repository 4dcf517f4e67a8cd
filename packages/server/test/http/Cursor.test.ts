/** The cursors of lists whose ids are texts: what is written is read again, and nothing else is read. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, DateTime, Schema } from "effect"
import { TextListCursor } from "../../src/http/api/Cursor.ts"

const encode = Schema.encodeSync(TextListCursor)
const decode = Schema.decodeUnknownSync(TextListCursor)
const ids = Arbitrary.schema(Schema.String.check(Schema.isPattern(/^[0-9A-Za-z_-]{1,64}$/)))
const times = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 99_999_999_999_999 })))

describe("a cursor with a text as its id", () => {
  it.prop("is the position that it was written for, case and hyphens included", [ids, times], ([id, millis]) => {
    const read = decode(encode({ at: DateTime.makeUnsafe(millis), id }))
    assert.deepStrictEqual([read.id, DateTime.toEpochMillis(read.at)], [id, millis])
  })

  it("is nothing else", () => {
    for (const text of ["", "1", "1-", "-a", "a-1", "1-a b", `1-${"a".repeat(65)}`, "123456789012345-a"])
      assert.throws(() => decode(text))
  })
})
