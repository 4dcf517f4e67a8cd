/** Who takes over from whom, over random facts, and the times that part two encoders. */
import { assert, describe, it } from "@effect/vitest"
import { canSupersede, contestedUntil, decideAdmission, decideTakeover, type SessionFacts } from "@greenroom/core"
import { admissionInputs, goodKey, sessionFactsOf, takeovers } from "@greenroom/testing/arbitraries"
import { at, cases, element, keyId, NOW } from "../support/arbitraries.ts"

const ask = { path: "live/a", sourceId: "new" }
const free = {
  now: NOW,
  keySession: null,
  pathSession: null,
  sourceSession: null,
  takeovers: [],
  pathOwnedByOther: false
}

describe("contestedUntil", () => {
  it("is a minute after the newest of three takeovers within ten seconds, both ends included", () => {
    const times = (...millis: ReadonlyArray<number>) => contestedUntil(millis.map(at))
    assert.isNull(times())
    assert.isNull(times(-1, -2))
    assert.deepStrictEqual(times(0, -5_000, -10_000), at(60_000))
    assert.isNull(times(0, -5_000, -10_001))
  })

  it.prop(
    "never parts encoders for more than a minute, or for fewer than three takeovers",
    [takeovers],
    ([times]) => {
      const until = contestedUntil(times)
      if (until === null) return
      assert.strictEqual(times.length, 3)
      assert.strictEqual(until.epochMilliseconds, times[0]!.epochMilliseconds + 60_000)
    },
    cases(200)
  )
})

describe("decideTakeover", () => {
  it.prop(
    "takes over only from the newcomer's own key or the one before it, and from its own only where that is configured and not contested",
    [admissionInputs, element(["refuse", "takeover"] as const)],
    ([[asked, facts], onDuplicate]) => {
      const decision = decideAdmission(asked, facts)
      if (decision._tag !== "InUse") return
      const takeover = decideTakeover(decision, facts, onDuplicate)
      const key = facts.key!
      const isOf = (id: unknown) => (session: SessionFacts) => session.streamKeyId === id
      const isFormer = decision.by.every((session) => isOf(key.rotatedFrom)(session) && !isOf(key.id)(session))
      const isOwn = decision.by.every((session) => isOf(key.id)(session) || isOf(key.rotatedFrom)(session))
      const until = contestedUntil(facts.takeovers)
      const isContested = until !== null && until.epochMilliseconds > facts.now.epochMilliseconds
      const takes = isFormer || (isOwn && onDuplicate === "takeover" && !isContested)
      assert.strictEqual(takeover._tag, takes ? "TakeOver" : "Leave")
      if (takeover._tag === "Leave") {
        const reason = isOwn && onDuplicate === "takeover" ? "stream_key_contested" : decision.refusal.reason
        return assert.strictEqual(takeover.refusal.reason, reason)
      }
      assert.deepStrictEqual(
        [takeover.of, takeover.lastSeen],
        [isFormer ? "former" : "own", facts.takeovers[0] ?? null]
      )
      if (takeover.of === "former") assert.isFalse(decision.by.some(isOf(key.id)))
    },
    cases(2_000)
  )

  it("does not supersede a session that is being stopped", () => {
    const facts = { ...free, key: { ...goodKey, rotatedFrom: keyId(2) } }
    for (const stopping of [false, true])
      for (const [owner, of] of [
        [1, "own"],
        [2, "own"],
        [2, "former"],
        [1, "former"],
        [3, "own"]
      ] as const) {
        const session = sessionFactsOf(1, { streamKeyId: keyId(owner), stopping })
        const expected = !stopping && owner !== 3 && !(owner === 1 && of === "former")
        assert.strictEqual(canSupersede([session], facts, of), expected)
      }
  })

  it("says for how long, and after how many takeovers", () => {
    const facts = {
      ...free,
      key: goodKey,
      keySession: sessionFactsOf(1),
      takeovers: [at(-8_000), at(-9_000), at(-10_000)]
    }
    const decision = decideAdmission(ask, facts)
    if (decision._tag !== "InUse") return assert.fail(decision._tag)
    const takeover = decideTakeover(decision, facts, "takeover")
    assert.isTrue(takeover._tag === "Leave")
    assert.strictEqual(
      takeover._tag === "Leave" && takeover.refusal.detail,
      "Stream key sk_abcd… stays with the encoder on live/a for 52 s more: encoders took it from each other 3 times within 10 s"
    )
  })
})
