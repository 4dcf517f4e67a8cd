/**
 * Store and media server agree in the end, whatever happened, and in the middle of what: passes over random schedules, with what
 * must never happen asserted after every step, and then run until nothing is left to do.
 */
import { assert, describe, it } from "@effect/vitest"
import type { StoredSession } from "@greenroom/core"
import { Arbitrary, DateTime, Effect } from "effect"
import { planReconciliation } from "../../src/domain/reconciliation/planReconciliation.ts"
import { initialState } from "../../src/domain/reconciliation/ReconcileState.ts"
import { cases } from "../support/arbitraries.ts"
import { makePlay, rules, schedules } from "../support/schedules.ts"

describe("any schedule of admissions, departures, stops, restarts and faults", () => {
  it.effect.prop(
    "kicks no innocent, ends nobody who is listed, and comes to rest where store and media server agree",
    [schedules, rules],
    ([schedule, rule]) =>
      Effect.gen(function* () {
        const play = makePlay(rule)
        yield* play.whole(schedule)

        const { stage } = play
        const strangers = play.publishers().filter((one) => play.sessionOf(one.id) === undefined)
        const tolerated = rule.report || (stage.lease.lastLook?.found.heldBack ?? 0) > 0
        if (!tolerated) assert.deepStrictEqual(strangers, [], "strangers are left")
        assert.deepStrictEqual(
          play
            .unended()
            .map((row) => row.source.id)
            .sort(),
          play
            .publishers()
            .filter((one) => !strangers.includes(one))
            .map((one) => one.id)
            .sort(),
          "the live sessions are the listed publishers"
        )
        for (const row of play.unended()) {
          assert.isNull(row.state.ending, "stopped, and still there")
          const connection = stage.connections.get(row.source.id)!
          if (connection.onPath === "ready") assert.strictEqual(row.state._tag, "Active")
        }
        for (const one of stage.connections.values()) {
          if (!tolerated || play.sessionOf(one.id) !== undefined) assert.isTrue(one.listed, "a ghost is left")
        }

        stage.calls.length = 0
        yield* play.onePass
        const quiet = [
          "Leases.acquire",
          "Sessions.requestStopsForInvalidKeys",
          "Sessions.open",
          "MediaServer.snapshot",
          "Sessions.after",
          "Sessions.observe",
          "Leases.recordPass"
        ]
        assert.deepStrictEqual(
          stage.called().filter((name) => !quiet.includes(name)),
          [],
          "something is left to do"
        )
        const now = yield* DateTime.now
        const unended = play.unended().map((row) => ({ ...row, state: row.state as StoredSession["state"] }))
        const sources = [...stage.connections.values()]
        const { commands } = planReconciliation(
          { ...stage.policy, asksUs: true },
          { now, open: unended },
          { started: stage.server.started, sources, paths: [], ownPaths: [] },
          { now, open: unended, formerlyAdmitted: new Set() },
          play.memory() ?? initialState
        )
        assert.deepStrictEqual(
          commands.map(({ _tag }) => _tag).filter((tag) => tag !== "ReportUnauthorized" && tag !== "HoldUnauthorized"),
          []
        )
      }),
    cases(200, 80)
  )

  it.effect("has every end, every kick and every cure among them", () =>
    Effect.gen(function* () {
      const sample = yield* Arbitrary.sampleEffect(schedules, { count: 150, size: 80, seed: "greenroom" })
      const seen = new Set<string>()
      for (const schedule of sample) {
        const play = makePlay({ report: false, massKickLimit: 10, onDuplicate: "takeover" })
        yield* play.whole(schedule)
        for (const name of play.stage.called()) seen.add(name)
        for (const { state } of play.stage.rows.values())
          seen.add(state._tag === "Inactive" ? state.reason : state._tag)
      }
      for (const reason of [
        "never_ready",
        "disconnected",
        "stopped",
        "revoked",
        "superseded",
        "media_server_restarted"
      ]) {
        assert.include([...seen], reason)
      }
      for (const call of ["Admissions.endGone", "MediaServer.kick", "MediaServer.resetPath", "Sessions.markReady"]) {
        assert.include([...seen], call)
      }
    })
  )
})
