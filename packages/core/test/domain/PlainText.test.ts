/** Free text: bounded, one line or several, and always something that a terminal and a `text` column can take. */
import { assert, describe, it } from "@effect/vitest"
import {
  Contact,
  Description,
  DisplayName,
  isStorable,
  Label,
  lineOf,
  linesOf,
  RecordingRef,
  Title
} from "@greenroom/core"
import { Arbitrary, Exit, Schema } from "effect"
import { cases, element, integer, oneOf, texts } from "../support/arbitraries.ts"

const isLine = Schema.is(lineOf(10))
const areLines = Schema.is(linesOf(10))
const lengths = Arbitrary.map(integer(0, 13), (n) => "é".repeat(n))
const blanks = element([" ", "\t\n", "\u00a0\u2003", "\u200b\u2060", "\ufeff ", " \u200b. "])
const isBlank = (text: string) => [...text].every((one) => one.trim() === "" || "\u200b\u2060\ufeff".includes(one))
const controls = (text: string) => [...text].filter((one) => /\p{Cc}/u.test(one))

describe("text", () => {
  it.prop(
    "is storable exactly without NUL and lone surrogates",
    [texts],
    ([text]) => assert.strictEqual(isStorable(text), text.isWellFormed() && !text.includes("\0")),
    cases(2_000)
  )

  it.prop(
    "is not blank; of one line has no control characters, of several only tabs and line breaks; and both keep their length",
    [oneOf([texts, texts, lengths, blanks])],
    ([text]) => {
      const fits = text.length >= 1 && text.length <= 10 && text.isWellFormed() && !isBlank(text)
      assert.strictEqual(isLine(text), fits && controls(text).length === 0)
      assert.strictEqual(areLines(text), fits && controls(text).every((one) => "\t\n\r".includes(one)))
    },
    cases(2_000)
  )

  it("may be 255 characters in a name, 5,000 in a description, 1,000 in a reference", () => {
    for (const [schema, max] of [
      [DisplayName, 255],
      [Contact, 255],
      [Label, 255],
      [Title, 255],
      [Description, 5000],
      [RecordingRef, 1000]
    ] as const) {
      const taken = [0, 1, max, max + 1].map((length) => Schema.is(schema)("x".repeat(length)))
      assert.deepStrictEqual(taken, [false, true, true, false])
      assert.strictEqual(Schema.is(schema)("one\ntwo"), schema === Description)
    }
  })

  it("says what is wrong", () => {
    const why = (text: string, schema: typeof DisplayName = DisplayName) => {
      const exit = Schema.decodeUnknownExit(schema)(text)
      return Exit.isFailure(exit) ? String(exit.cause) : ""
    }
    assert.include(why("a\u0007"), "without control characters")
    assert.include(why("a\u0007", Description), "other than line breaks and tabs")
    assert.include(why("a\ud800"), "well-formed Unicode")
    assert.include(why("  "), "not blank")
    assert.include(why("\n", Description), "not blank")
    for (const schema of [DisplayName, Contact, Label, Title, Description, RecordingRef]) {
      const said = why(`mine: sk_abcd${"x".repeat(39)}`, schema as typeof DisplayName)
      assert.include(said, "without a stream key")
      assert.notInclude(said, "xxxxx")
    }
  })
})
