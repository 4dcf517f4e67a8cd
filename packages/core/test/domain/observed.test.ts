/** Which observations are written: whatever differs from what was written last, and nothing twice within ten seconds. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import { dueObservations, type Observations } from "../../src/domain/reconciliation/observed.ts"
import type { Observation } from "../../src/domain/streams/LiveStream.ts"
import type { StreamId } from "../../src/domain/values/Ids.ts"
import { cases, element, streamId } from "../support/arbitraries.ts"

const observations: Arbitrary.Arbitrary<Observation> = Arbitrary.all({
  tracks: element([[], [{ codec: "H264" }], [{ codec: "H264", width: 1920 }], [{ codec: "Opus" }]]),
  viewerCount: element([0, 1]),
  inboundBytes: element([0, 7])
})
const passes = Arbitrary.array(
  Arbitrary.all({
    after: element([0, 1_000, 9_999, 10_000]),
    seen: Arbitrary.array(Arbitrary.all({ streamId: element([1, 2, 3].map(streamId)), observation: observations }), {
      maxLength: 3
    })
  }),
  { maxLength: 8 }
)

/** A copy, as each snapshot makes its values anew. */
const copy = <A>(value: A): A => structuredClone(value)

describe("observations", () => {
  it.prop(
    "leave the store with what was seen last, never older than ten seconds, in as few writes as that takes",
    [passes],
    ([passes]) => {
      let state: Observations = new Map()
      let now = 0
      const stored = new Map<StreamId, { readonly observation: Observation; readonly at: number }>()
      for (const { after, seen } of passes) {
        now += after
        const once = [...new Map(seen.map((one) => [one.streamId, copy(one)])).values()]
        const { due, next } = dueObservations(state, once, now)
        const known = state
        state = next
        for (const { streamId: id, observation } of due) {
          const before = known.get(id)
          const changes = JSON.stringify(before?.observation) !== JSON.stringify(observation)
          assert.isTrue(before === undefined || changes || now - before.at >= 10_000, "not needed")
          stored.set(id, { observation, at: now })
        }
        for (const { streamId: id, observation } of once) {
          assert.deepStrictEqual(stored.get(id)?.observation, observation)
          assert.isBelow(now - stored.get(id)!.at, 10_000)
        }
        assert.deepStrictEqual(new Set(next.keys()), new Set(once.map((one) => one.streamId)))
      }
    },
    cases(500)
  )
})
