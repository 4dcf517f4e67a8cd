/** Conditions: a line when one begins, a line when it ends, and a gauge in between. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect } from "effect"
import { makeConditions } from "../../src/resilience/Conditions.ts"
import { boolean, cases, element } from "../support/arbitraries.ts"
import { collector, metered } from "../support/logs.ts"

const kinds = ["store", "lease_lost", "regrets_pending"] as const

describe("conditions", () => {
  const settings = Arbitrary.array(Arbitrary.all({ kind: element(kinds), active: boolean }), { maxLength: 20 })
  it.effect.prop(
    "are logged when they change, in turn, and shown as they are, each by itself",
    [settings],
    ([drawn]) =>
      Effect.gen(function* () {
        const log = collector()
        const conditions = makeConditions()
        const { counts } = yield* metered(
          Effect.forEach(drawn, ({ kind, active }) =>
            conditions.set(kind, active, `${kind} ${active ? "begins" : "ends"}`)
          ).pipe(Effect.provide(log.layer))
        )
        for (const kind of kinds) {
          const states = drawn.filter((one) => one.kind === kind).map(({ active }) => active)
          const changes = states.filter((active, index) => active !== (states[index - 1] ?? false))
          assert.deepStrictEqual(
            log.said().filter((line) => line.includes(kind)),
            changes.map((active) => (active ? `WARN ${kind} begins` : `INFO ${kind} ends`))
          )
          const shown = changes.length === 0 ? undefined : Number(changes.at(-1))
          assert.strictEqual(counts[`greenroom_degraded kind=${kind}`], shown)
        }
      }),
    cases(100)
  )

  it.effect("have the level and the annotations of the line at the beginning, and none without a message", () =>
    Effect.gen(function* () {
      const log = collector()
      const conditions = makeConditions()
      const annotations = { stream_id: "one" }
      yield* conditions.set("store", true, "down", { level: "Error", annotations }).pipe(Effect.provide(log.layer))
      yield* conditions.set("lease_lost", true).pipe(Effect.provide(log.layer))
      assert.deepStrictEqual(log.said(), ["ERROR down"])
      assert.deepStrictEqual(log.lines[0]?.annotations, annotations)
    })
  )
})
