/** When admitted publishers that never appear are taken for those of another media server. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import {
  ABSENCES_COUNT_FOR_MS,
  type Appearances,
  doNotAppear,
  forgetOldAbsences,
  noAppearances,
  rememberAppearances
} from "../../src/domain/reconciliation/appearances.ts"
import { at, boolean, cases, element, integer } from "../support/arbitraries.ts"

const step = (before: Appearances, appeared: boolean, millis: number) =>
  rememberAppearances(before, appeared ? { appeared: 1 } : { absent: 1 }, at(millis))

describe("appearances", () => {
  it.prop(
    "are those of the last eight, newest last",
    [Arbitrary.array(boolean, { maxLength: 20 })],
    ([drawn]) => {
      const remembered = drawn.reduce((before, appeared, n) => step(before, appeared, n * 1_000), noAppearances)
      assert.deepStrictEqual(remembered.last, drawn.slice(-8))
      assert.strictEqual(doNotAppear(remembered), drawn.slice(-8).filter((appeared) => !appeared).length >= 3)
    },
    cases(200)
  )

  it.prop(
    "are well again once six have appeared, however many did not",
    [integer(0, 100)],
    ([absent]) => {
      const after = rememberAppearances(rememberAppearances(noAppearances, { absent }, at(0)), { appeared: 6 }, at(1))
      assert.isFalse(doNotAppear(after))
    },
    cases(50)
  )

  const moments = Arbitrary.array(
    Arbitrary.all({ appeared: boolean, after: element([0, 1, 1_000, 599_999, 600_000, 3_600_000]) }),
    { maxLength: 12 }
  )
  it.prop(
    "forget their absences ten minutes after the last of them, and no sooner",
    [moments, element([0, 1, 599_999, 600_000, 600_001])],
    ([drawn, wait]) => {
      let now = 0
      let appearances = noAppearances
      let lastAbsence: number | null = null
      for (const { appeared, after } of drawn) {
        now += after
        appearances = step(appearances, appeared, now)
        if (!appeared) lastAbsence = now
      }
      const later = forgetOldAbsences(appearances, at(now + wait))
      const over = lastAbsence === null || now + wait - lastAbsence >= ABSENCES_COUNT_FOR_MS
      assert.deepStrictEqual(later.last, over ? appearances.last.filter((appeared) => appeared) : appearances.last)
      assert.strictEqual(later.absentAt === null, over)
    },
    cases(300)
  )

  it.prop(
    "end within ten minutes of a clock that goes on, however far it was set back before",
    [element([0, 1_000, 3_600_000, 86_400_000]), integer(3, 8)],
    ([back, absent]) => {
      const found = rememberAppearances(noAppearances, { absent }, at(0))
      const setBack = forgetOldAbsences(found, at(-back))
      assert.isTrue(doNotAppear(setBack))
      assert.isFalse(doNotAppear(forgetOldAbsences(setBack, at(-back + ABSENCES_COUNT_FOR_MS))))
    },
    cases(50)
  )
})
