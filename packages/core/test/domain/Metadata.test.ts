/** What may hang on a broadcaster or a stream: any JSON object that PostgreSQL can hold and give back, and nothing that breaks us. */
import { assert, describe, it } from "@effect/vitest"
import { Metadata } from "@greenroom/core"
import { Exit, Schema } from "effect"
import { cases, integer, jsonValues } from "../support/arbitraries.ts"

const decode = Schema.decodeUnknownExit(Metadata)
const takes = (value: unknown) => Exit.isSuccess(decode(value))
const complaintOf = (value: unknown): string => {
  const exit = decode(value)
  return Exit.isFailure(exit) ? String(exit.cause) : "taken"
}
/** `levels` objects in one another around `inner`. */
const nested = (levels: number, inner: unknown): unknown => {
  let value = inner
  for (let n = 0; n < levels; n++) value = { a: value }
  return value
}
const everyString = (value: unknown): ReadonlyArray<string> =>
  typeof value === "string"
    ? [value]
    : typeof value === "object" && value !== null
      ? Object.entries(value).flatMap(([name, child]) => [name, ...everyString(child)])
      : []

const everyNumber = (value: unknown): ReadonlyArray<number> =>
  typeof value === "number"
    ? [value]
    : typeof value === "object" && value !== null
      ? Object.values(value).flatMap(everyNumber)
      : []

describe("Metadata", () => {
  it.prop(
    "takes exactly the objects without NUL, lone surrogates and whole numbers beyond the safe ones, and gives them back as they were",
    [jsonValues],
    ([value]) => {
      const isObject = typeof value === "object" && value !== null && !Array.isArray(value)
      const good =
        isObject &&
        everyString(value).every((text) => text.isWellFormed() && !text.includes("\0")) &&
        everyNumber(value).every((number) => !Number.isInteger(number) || Math.abs(number) < 2 ** 53)
      const exit = decode(value)
      assert.strictEqual(Exit.isSuccess(exit), good)
      if (Exit.isSuccess(exit)) assert.strictEqual(JSON.stringify(exit.value), JSON.stringify(value))
    },
    cases(1_000)
  )

  it("counts bytes of JSON, not characters", () => {
    const around = '{"a":""}'.length
    for (const [character, bytes] of [
      ["x", 1],
      ["é", 2],
      ["😀", 4],
      ['"', 2],
      ["\n", 2]
    ] as const) {
      const fits = Math.floor((16_384 - around) / bytes)
      assert.isTrue(takes({ a: character.repeat(fits) }), character)
      assert.include(complaintOf({ a: character.repeat(fits + 1) }), "at most 16384 bytes")
    }
    assert.isTrue(takes({ a: "x".repeat(16_384 - around) }))
  })

  it.prop(
    "takes 32 levels, whatever is in the innermost, and not 33",
    [integer(2, 40)],
    ([levels]) => {
      for (const inner of [1, "x", null]) assert.strictEqual(takes(nested(levels, inner)), levels <= 32)
      for (const inner of [{}, [], { a: 1 }, [1]]) assert.strictEqual(takes(nested(levels - 1, inner)), levels <= 32)
    },
    cases(100)
  )

  it("survives what is nested 30,000 levels deep, and says what is wrong", () => {
    const list = (levels: number): unknown => {
      let value: unknown = []
      for (let n = 0; n < levels; n++) value = [value]
      return value
    }
    assert.include(complaintOf(nested(30_000, {})), "at most 32 levels")
    assert.include(complaintOf({ deep: list(30_000), wide: "x" }), "at most 32 levels")
    assert.include(
      complaintOf({ first: 1, deep: JSON.parse("[".repeat(5_000) + "]".repeat(5_000)) }),
      "at most 32 levels"
    )
  })

  it("is an object", () => {
    for (const value of [null, undefined, [], [1], "{}", 1, true]) assert.isFalse(takes(value), JSON.stringify(value))
    assert.isTrue(takes({}))
  })

  it("refuses names as it refuses values", () => {
    assert.include(complaintOf({ "a\0": 1 }), "names without NUL")
    assert.include(complaintOf({ b: { "\ud800": 1 } }), "names without NUL")
    assert.include(complaintOf({ b: ["a\udc00"] }), "strings without NUL")
  })

  it("refuses a stream key, and does not repeat it", () => {
    const key = `sk_abcd${"x".repeat(39)}`
    for (const value of [{ a: { note: `it is ${key}` } }, { a: [{ [key]: 1 }] }]) {
      const said = complaintOf(value)
      assert.include(said, "without a stream key")
      assert.notInclude(said, "xxxxx")
    }
  })

  it("refuses whole numbers that would come back as others, and points at them", () => {
    assert.isTrue(takes({ a: Number.MAX_SAFE_INTEGER, b: -Number.MAX_SAFE_INTEGER, c: 0.1, d: -0, e: 1.5e-300 }))
    for (const text of ["9007199254740993", "-9007199254740993", "12345678901234567890", "1e21"]) {
      const complaint = complaintOf(JSON.parse(`{"a":{"b":[0,${text}]}}`))
      assert.include(complaint, "whole numbers of at most 9007199254740991", text)
      assert.include(complaint, '["a"]["b"]["1"]', text)
    }
  })

  it("refuses, without a defect, what an embedding program may pass and JSON cannot hold", () => {
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    for (const value of [{ a: 1n }, { a: [Number.NaN] }, { a: Number.POSITIVE_INFINITY }, cyclic]) {
      const exit = decode(value)
      assert.isTrue(Exit.isFailure(exit))
      assert.include(complaintOf(value), "Expected")
    }
  })
})
