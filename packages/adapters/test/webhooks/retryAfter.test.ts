import { expect, it } from "@effect/vitest"
import { retryAfterMillis } from "../../src/webhooks/retryAfter.ts"

const now = Date.parse("2026-11-21T01:31:00Z")

it.each([
  ["120", 120_000],
  ["0", 0],
  [" 5 ", 5_000],
  ["99999999999999999999", 604_800_000],
  ["Sat, 21 Nov 2026 01:32:00 GMT", 60_000],
  ["Sat, 21 Nov 2026 01:30:00 GMT", 0],
  ["Sun, 21 Nov 2100 01:30:00 GMT", 604_800_000],
  ["-5", null],
  ["1.5", null],
  ["soon", null],
  ["2026-11-21T01:32:00Z", null],
  ["", null],
  [undefined, null],
  [["7", "9"], 7_000]
])("Retry-After: %s asks for %s ms", (header, millis) => expect(retryAfterMillis(header, now)).toBe(millis))
