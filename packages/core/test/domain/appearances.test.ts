/** When admitted publishers that never appear are taken for those of another media server. */
import { assert, describe, it } from "@effect/vitest"
import { type Appearances, doNotAppear, rememberAppearances } from "@greenroom/core"
import { Arbitrary } from "effect"
import { boolean, cases, integer } from "../support/arbitraries.ts"

describe("appearances", () => {
  it.prop(
    "are those of the last eight, newest last",
    [Arbitrary.array(boolean, { maxLength: 20 })],
    ([drawn]) => {
      const remembered = drawn.reduce<Appearances>(
        (before, appeared) => rememberAppearances(before, Number(appeared), Number(!appeared)),
        []
      )
      assert.deepStrictEqual(remembered, drawn.slice(-8))
      assert.strictEqual(doNotAppear(remembered), remembered.filter((appeared) => !appeared).length >= 3)
    },
    cases(200)
  )

  it.prop(
    "are well again once six have appeared, however many did not",
    [integer(0, 100)],
    ([absent]) => {
      const after = rememberAppearances(rememberAppearances([], 0, absent), 6, 0)
      assert.isFalse(doNotAppear(after))
    },
    cases(50)
  )
})
