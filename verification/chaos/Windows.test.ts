/** What counts as too long on the air: time outside the windows, and in one piece. */
import { assert, describe, it } from "@effect/vitest"
import { longestOutside } from "./Windows.ts"

const seen = (from: number, to: number) => Array.from({ length: (to - from) / 100 + 1 }, (_, n) => from + n * 100)
const millis = (...args: Parameters<typeof longestOutside>) => longestOutside(...args).millis

describe("the longest time outside the windows", () => {
  it("is all of it when nothing was down", () => {
    assert.strictEqual(millis(seen(1_000, 8_000), 1_000, []), 7_000)
  })
  it("counts from when it was wrong, not from when it was first seen", () => {
    assert.strictEqual(millis([4_000], 1_000, []), 3_000)
  })
  it("begins anew when a window ends, and counts nothing within one", () => {
    assert.strictEqual(millis(seen(1_000, 9_000), 1_000, [{ from: 3_000, to: 6_000 }]), 3_000)
    assert.strictEqual(millis(seen(1_000, 9_000), 1_000, [{ from: 500, to: 8_800 }]), 200)
  })
  it("is nothing while a window lasts", () => {
    assert.strictEqual(millis(seen(1_000, 9_000), 1_000, [{ from: 900, to: Number.POSITIVE_INFINITY }]), 0)
  })
  it("does not mind windows that were over before", () => {
    assert.strictEqual(millis(seen(5_000, 9_000), 5_000, [{ from: 0, to: 4_000 }]), 4_000)
  })
})
