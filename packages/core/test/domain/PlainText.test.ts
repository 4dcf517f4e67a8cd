/** Free text: bounded, one line or several, and always something that a terminal and a `text` column can take. */
import { assert, describe, it } from "@effect/vitest"
import { Contact, Description, DisplayName, ExternalId, Label, RecordingRef, Title } from "@greenroom/core"
import { Arbitrary, Exit, Schema } from "effect"
import { isStorable, lineOf, linesOf } from "../../src/domain/values/PlainText.ts"
import { cases, element, integer, oneOf, texts } from "../support/arbitraries.ts"

const isLine = Schema.is(lineOf(10))
const areLines = Schema.is(linesOf(10))
const lengths = Arbitrary.map(integer(0, 13), (n) => "é".repeat(n))
const blanks = element([" ", "\t\n", "\u00a0\u2003", "\u200b\u2060", "\ufeff ", " \u200b. "])
const isBlank = (text: string) => [...text].every((one) => one.trim() === "" || "\u200b\u2060\ufeff".includes(one))
/** Of what these texts are made of. */
const isInvisible = (text: string) => /[\u200b\u2060\ufeff]/.test(text)
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
      const length = [...text].length
      const fits = length >= 1 && length <= 10 && text.isWellFormed() && !isBlank(text) && !isInvisible(text)
      assert.strictEqual(isLine(text), fits && controls(text).length === 0)
      assert.strictEqual(areLines(text), fits && controls(text).every((one) => "\t\n\r".includes(one)))
    },
    cases(2_000)
  )

  it("may be 255 characters in a name, 5,000 in a description, 1,000 in a reference", () => {
    for (const [schema, max] of [
      [DisplayName, 255],
      [Contact, 255],
      [ExternalId, 255],
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

  it("has nothing in it that is not seen or reorders it", () => {
    const is = Schema.is(DisplayName)
    const invisible = [
      0xad, 0x61c, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x202a, 0x202e, 0x2060, 0x2066, 0x2069
    ]
    for (const code of [...invisible, 0x3164, 0xfe00, 0xfe0f, 0xfeff, 0xfff9, 0xe0001, 0xe0041]) {
      const one = String.fromCodePoint(code)
      for (const text of [`Studio${one}One`, `${one}Studio`, `Studio${one}`])
        assert.isFalse(is(text), code.toString(16))
    }
  })

  it("has joiners where writing needs them", () => {
    const is = Schema.is(DisplayName)
    const emoji = [
      "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}",
      "\u2764\ufe0f\u200d\u{1f525}",
      "1\ufe0f\u20e3",
      "\u{1f44d}\u{1f3fd}"
    ]
    for (const text of [...emoji, "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0915\u094d\u200d\u0937"]) {
      assert.isTrue(is(text), text)
      assert.isFalse(is(`\u200d${text}`), text)
      assert.isFalse(is(`${text}\u200c`), text)
    }
  })

  it("is as long as it has code points", () => {
    for (const one of ["x", "\u{1f600}"]) {
      assert.deepStrictEqual(
        [255, 256].map((length) => Schema.is(DisplayName)(one.repeat(length))),
        [true, false]
      )
    }
  })

  it("is described by one pattern, which says the same", () => {
    for (const schema of [DisplayName, Description]) {
      const described = Schema.toJsonSchemaDocument(schema).schema
      const pattern = new RegExp(String(described.pattern), "u")
      assert.deepStrictEqual([described.minLength, described.maxLength], [1, schema === Description ? 5000 : 255])
      const key = `sk_abcd${"x".repeat(39)}`
      for (const text of [
        "a",
        " a ",
        " ",
        "\ufeff",
        "a\tb",
        "a\u200bb",
        "\u202ea",
        key,
        `a ${key} b`,
        "\u2764\ufe0f",
        "\u{1f600}"
      ]) {
        assert.strictEqual(pattern.test(text), Schema.is(schema)(text), JSON.stringify(text))
      }
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
    assert.include(why("a\u202eb"), "without invisible characters")
    assert.include(why("\n", Description), "not blank")
    for (const schema of [DisplayName, Contact, ExternalId, Label, Title, Description, RecordingRef]) {
      const said = why(`mine: sk_abcd${"x".repeat(39)}`, schema as typeof DisplayName)
      assert.include(said, "without a stream key")
      assert.notInclude(said, "xxxxx")
    }
  })
})
