/** Kicks from their first attempt to the end of their connection: what decides the pace of retries, over random passes. */
import { assert, describe, it } from "@effect/vitest"
import type { ListedSource } from "@greenroom/core"
import { Arbitrary } from "effect"
import {
  afterAttempts,
  afterSnapshot,
  countStaying,
  hasRecentKick,
  isFirstAnswer,
  isUnanswered,
  type KickAttempt,
  type KickTracker,
  noKicks,
  OVERDUE_AFTER_MS
} from "../../src/domain/reconciliation/KickTracker.ts"
import { boolean, cases, element } from "../support/arbitraries.ts"

const ids = ["a", "b", "c", "d"] as const
const sourceOf = (id: string): ListedSource => ({
  id,
  protocol: "rtmp",
  state: "publish",
  established: true,
  path: `live/${id}`
})
const attemptOf = (id: string, answered: boolean, at: number): KickAttempt => ({
  listed: sourceOf(id),
  reason: "unauthorized",
  at,
  result: answered ? { _tag: "Answered", answer: "kicked" } : { _tag: "Failed", error: "no answer" }
})

/** One pass: which connections its snapshot lists, and which it kicks, answered or not. */
const turns = Arbitrary.array(
  Arbitrary.all({
    listed: Arbitrary.all({ a: boolean, b: boolean, c: boolean, d: boolean }),
    kicks: Arbitrary.array(Arbitrary.all({ id: element(ids), answered: boolean }), { maxLength: 4 }),
    after: element([50, 250, 1_000, 1_999, 2_000, 2_001])
  }),
  { maxLength: 12 }
)

describe("kicks", () => {
  it.prop(
    "are known for as long as snapshots list their connection, with the first answer and the first failure",
    [turns],
    ([drawn]) => {
      let kicks: KickTracker = noKicks
      let now = 0
      const first = new Map<string, { answeredAt: number | null; failed: boolean; overdue: boolean }>()
      for (const { listed, kicks: attempted, after } of drawn) {
        now += after
        const ofSnapshot = new Set(ids.filter((id) => listed[id]))
        kicks = afterSnapshot(kicks, ofSnapshot, now)
        for (const [id, known] of first) {
          if (!ofSnapshot.has(id as (typeof ids)[number])) first.delete(id)
          else if (known.answeredAt !== null && now - known.answeredAt >= OVERDUE_AFTER_MS) known.overdue = true
        }
        assert.isTrue([...kicks.keys()].every((id) => ofSnapshot.has(id as (typeof ids)[number])))
        const staying = [...first.values()].filter(({ answeredAt }) => answeredAt !== null)
        assert.strictEqual(countStaying(kicks), staying.length)
        const recent = staying.some(({ answeredAt }) => now - (answeredAt ?? 0) < OVERDUE_AFTER_MS)
        assert.strictEqual(hasRecentKick(kicks, now), recent)
        for (const { id, answered } of attempted) {
          const known = first.get(id)
          const attempt = attemptOf(id, answered, now)
          assert.strictEqual(isUnanswered(kicks, id), known !== undefined && known.answeredAt === null)
          assert.strictEqual(isFirstAnswer(kicks, attempt), answered && (known?.answeredAt ?? null) === null)
          kicks = afterAttempts(kicks, [attempt])
          first.set(id, {
            answeredAt: known?.answeredAt ?? (answered ? now : null),
            failed: (known?.failed ?? false) || !answered,
            overdue: known?.overdue ?? false
          })
        }
        for (const [id, { answeredAt, failed, overdue }] of first) {
          const kick = kicks.get(id)!
          assert.deepStrictEqual(
            [kick.answered?.at ?? null, kick.failure !== null, kick.overdue],
            [answeredAt, failed, overdue]
          )
        }
      }
    },
    cases(500)
  )
})
