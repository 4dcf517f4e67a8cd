/**
 * RFC 3339 to the letter. Two decisions are pinned here: `t` and `z` are taken as well (RFC 3339, 5.6: "may alternatively be lower
 * case"), and a leap second is not (a JavaScript date cannot hold it, so it could not be given back).
 */
import { assert, describe, it } from "@effect/vitest"
import { millisBetween, Timestamp } from "@greenroom/core"
import { Arbitrary, DateTime, Exit, Schema } from "effect"
import { at, cases, element, integer, NOW } from "../support/arbitraries.ts"

const decode = Schema.decodeUnknownExit(Timestamp)
const encode = Schema.encodeSync(Timestamp)
const millis = (text: string): number | null => {
  const exit = decode(text)
  return Exit.isSuccess(exit) ? DateTime.toEpochMillis(exit.value) : null
}
const pad = (n: number, length = 2) => String(n).padStart(length, "0")
const daysIn = (year: number, month: number) =>
  month === 2
    ? year % 400 === 0 || (year % 4 === 0 && year % 100 !== 0)
      ? 29
      : 28
    : [4, 6, 9, 11].includes(month)
      ? 30
      : 31
/** Days since 1970-01-01, by counting. */
const dayNumber = (year: number, month: number, day: number): number => {
  let days = day - 1
  for (let y = 1970; y < year; y++) days += daysIn(y, 2) + 337
  for (let y = year; y < 1970; y++) days -= daysIn(y, 2) + 337
  for (let m = 1; m < month; m++) days += daysIn(year, m)
  return days
}

const parts = Arbitrary.all({
  year: element([2026, 2024, 2000, 1900, 2100, 1970, 1969, 9998, 2]),
  month: integer(0, 13),
  day: element([1, 15, 28, 29, 30, 31, 32, 0]),
  hour: element([0, 12, 23, 24, 25]),
  minute: element([0, 30, 59, 60]),
  second: element([0, 1, 59, 60]),
  fraction: element(["", ".0", ".5", ".640", ".123456789", "."]),
  offset: element(["Z", "+00:00", "-00:00", "+05:30", "-12:00", "+23:59", "+24:00", "+01:60", "+1:00", "+0100", ""])
})

describe("Timestamp", () => {
  it.prop(
    "takes exactly the points in time that there are",
    [parts],
    ([{ year, month, day, hour, minute, second, fraction, offset }]) => {
      const text = `${pad(year, 4)}-${pad(month)}-${pad(day)}T${pad(hour)}:${pad(minute)}:${pad(second)}${fraction}${offset}`
      const shift = /^([+-])(\d\d):(\d\d)$/.exec(offset)
      const inOffset = offset === "Z" || (shift !== null && Number(shift[2]) < 24 && Number(shift[3]) < 60)
      const real =
        month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month) && hour < 24 && minute < 60 && second < 60
      if (!real || fraction === "." || !inOffset) return assert.isNull(millis(text), text)
      const minutes = shift === null ? 0 : (shift[1] === "-" ? -1 : 1) * (Number(shift[2]) * 60 + Number(shift[3]))
      const expected =
        (((dayNumber(year, month, day) * 24 + hour) * 60 + minute - minutes) * 60 + second) * 1000 +
        Math.floor(Number(`0${fraction}`) * 1000)
      assert.strictEqual(millis(text), expected, text)
    },
    cases(2_000)
  )

  it.prop(
    "is answered in UTC with a Z and milliseconds, and that is read back as the same",
    [parts],
    ([{ year, month, day, offset }]) => {
      const exit = decode(`${pad(year, 4)}-${pad(month)}-${pad(day)}T00:00:00.5${offset}`)
      if (Exit.isFailure(exit)) return
      const text = encode(exit.value)
      assert.match(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      assert.deepStrictEqual(decode(text), exit)
    },
    cases(500)
  )

  it("refuses what Date.parse makes a date of", () => {
    for (const text of [
      "5",
      "",
      "2026",
      "2026-11-21",
      "2026-11-21T01:33",
      "2026-11-21T01:33Z",
      "2026-11-21 01:33:14Z",
      "2026-11-21T01:33:14",
      "2026-02-30T00:00:00Z",
      "2025-02-29T00:00:00Z",
      "2026-11-21T24:00:00Z",
      "2026-11-21T01:33:60Z",
      "20261121T013314Z",
      "Sat, 21 Nov 2026 01:33:14 GMT",
      "1763688794000",
      " 2026-11-21T01:33:14Z",
      "2026-11-21T01:33:14Z\n",
      "+002026-11-21T01:33:14Z",
      "2026-11-21T01:33:14,5Z",
      "２026-11-21T01:33:14Z"
    ])
      assert.isNull(millis(text), JSON.stringify(text))
    for (const value of [5, null, undefined, new Date(), {}]) assert.isTrue(Exit.isFailure(decode(value)))
  })

  it("takes a lower-case t and z", () => {
    assert.strictEqual(millis("2026-11-21t01:33:14.640z"), DateTime.toEpochMillis(NOW))
  })

  it("refuses what would leave the years 1 to 9999 in UTC: it could be given back neither as RFC 3339 nor by PostgreSQL", () => {
    for (const text of ["0000-06-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"])
      assert.isNull(millis(text), text)
    for (const text of ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"]) {
      const exit = decode(text)
      assert.strictEqual(Exit.isSuccess(exit) && encode(exit.value), text)
    }
  })

  it("says what it expected", () => {
    const exit = decode("5")
    assert.include(String(Exit.isFailure(exit) && exit.cause), "RFC 3339")
  })
})

describe("millisBetween", () => {
  it.prop(
    "counts forwards",
    [integer(-5000, 5000), integer(-5000, 5000)],
    ([a, b]) => assert.strictEqual(millisBetween(at(a), at(b)), b - a),
    cases(100, 10_000)
  )
})
