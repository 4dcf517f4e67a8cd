/** The one table of rules: each reason has its rule, each rule its words, and no word is a key. */
import { assert, describe, it } from "@effect/vitest"
import {
  accessChecks,
  admissionRules,
  allowRules,
  faultReasons,
  type RefusalRule,
  refusalReasons,
  remedyOf,
  ruleNames
} from "@greenroom/core"
import { refuse } from "../../src/domain/access/AuthDecision.ts"

const reasons: ReadonlyArray<string> = [...refusalReasons, ...faultReasons]

describe("the rules", () => {
  it.each(reasons.map((reason) => [reason]))(
    "%s has a rule of its name, for where no narrower one is known",
    (reason) => {
      assert.strictEqual(admissionRules[reason as RefusalRule].reason, reason)
    }
  )

  it.each(ruleNames.map((name) => [name]))(
    "%s has a reason, a check, a meaning and one sentence of what to do",
    (name) => {
      const { reason, check, meaning, remedy } = admissionRules[name]
      assert.include(reasons, reason)
      assert.include(accessChecks, check)
      for (const text of [meaning, remedy]) assert.match(text, /^[A-Z][^\n]{10,}\.$/u)
      assert.strictEqual(remedyOf(name), remedy)
    }
  )

  it("a rule by which a client is let in has no remedy, nor has one that this release does not know", () => {
    for (const rule of [...allowRules, "of_a_newer_release", "toString", null]) assert.isNull(remedyOf(rule))
  })

  it("a refusal has the reason of its rule", () => {
    const { reason, rule } = refuse("key_in_path", "Somewhere")
    assert.deepStrictEqual([reason, rule], ["path_not_allowed", "key_in_path"])
  })
})
