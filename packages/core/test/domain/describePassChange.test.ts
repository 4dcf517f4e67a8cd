/** What the log and the conditions show of passes: each thing once when it begins and once when it ends, over random sequences of passes. */
import { assert, describe, it } from "@effect/vitest"
import type { ListedSource, StreamId } from "@greenroom/core"
import { Arbitrary } from "effect"
import {
  describePassChange,
  MAY_BE_AWAY_FOR_MS,
  newHistory,
  type PassChange
} from "../../src/domain/reconciliation/describePassChange.ts"
import type { KickProgress } from "../../src/domain/reconciliation/KickTracker.ts"
import {
  type Findings,
  noFindings,
  outcomeOfFailure,
  type PassFailureKind,
  type PassReport
} from "../../src/domain/reconciliation/PassReport.ts"
import { boolean, cases, element, keyValues, oneOf } from "../support/arbitraries.ts"

const ids = ["a", "b", "c"] as const
/** The compiler misses a kind that is not here. */
const everyFailure: { readonly [K in PassFailureKind]: true } = {
  reconciler_store: true,
  media_server_absent: true,
  media_server_unreachable: true,
  media_server_refused: true,
  media_server_nonsense: true,
  lease_lost: true,
  pass_too_long: true,
  reconciler_failed: true
}
const failureKinds = Object.keys(everyFailure) as ReadonlyArray<PassFailureKind>

const sourceOf = (id: string, path = `live/${id}`): ListedSource => ({
  id,
  protocol: "rtmp",
  state: "publish",
  established: true,
  path
})
const pathOf = (id: string) => ({
  name: `live/${id}`,
  ready: true,
  sourceType: "rtmpConn",
  sourceId: id,
  observation: { tracks: [], viewerCount: 0, inboundBytes: 0 }
})
const resetOf = (sourceId: string, error: string | null) => ({ path: `live/${sourceId}`, sourceId, error })

const someIds = Arbitrary.map(Arbitrary.all({ a: boolean, b: boolean, c: boolean }), (has) =>
  ids.filter((id) => has[id])
)

const kicks: Arbitrary.Arbitrary<KickProgress> = Arbitrary.map(
  Arbitrary.all({ id: element(ids), answered: boolean, failed: boolean, overdue: boolean }),
  ({ id, answered, failed, overdue }) => ({
    listed: sourceOf(id),
    reason: "unauthorized",
    answered: answered ? { answer: "kicked", at: 0 } : null,
    failure: failed || !answered ? "no answer" : null,
    overdue: overdue && answered
  })
)

const findings: Arbitrary.Arbitrary<Findings> = Arbitrary.map(
  Arbitrary.all({
    kicks: Arbitrary.array(kicks, { maxLength: 3 }),
    reported: someIds,
    held: element([null, "too_many", "not_asked"] as const),
    unlisted: someIds,
    unwritten: someIds,
    failedResets: someIds
  }),
  (drawn) => ({
    kicks: new Map(drawn.kicks.map((kick) => [kick.listed.id, kick])),
    reported: new Map(drawn.reported.map((id) => [id, sourceOf(id)])),
    held: drawn.held === null ? null : { count: 11, why: drawn.held },
    unlisted: new Map(drawn.unlisted.map((id) => [id, pathOf(id)])),
    unwritten: new Set(drawn.unwritten.map((id) => id as string as StreamId)),
    resets: [],
    failedResets: new Map(drawn.failedResets.map((id) => [id, resetOf(id, "refused")]))
  })
)

type Drawn =
  | { readonly _tag: "Complete"; readonly findings: Findings }
  | { readonly _tag: "NotLeading" }
  | { readonly _tag: "Failed"; readonly kind: PassFailureKind }

const passes: Arbitrary.Arbitrary<Drawn> = oneOf<Drawn>([
  Arbitrary.map(findings, (found): Drawn => ({ _tag: "Complete", findings: found })),
  element<Drawn>([{ _tag: "NotLeading" }]),
  Arbitrary.map(element(failureKinds), (kind): Drawn => ({ _tag: "Failed", kind }))
])
const sequences = Arbitrary.array(passes, { minLength: 1, maxLength: 20 })

/** The changes of the passes, one second apart; `from`: when the first is over, after the reconciler began. */
const play = (sequence: ReadonlyArray<Drawn>, from = MAY_BE_AWAY_FOR_MS) => {
  let history = newHistory(0)
  let before: Findings | null = null
  return sequence.map((pass, index): PassChange & { readonly found: Findings | null } => {
    const found: Findings | null = pass._tag === "Complete" ? pass.findings : pass._tag === "Failed" ? before : null
    const report: PassReport = {
      outcome:
        pass._tag === "Complete"
          ? "complete"
          : pass._tag === "NotLeading"
            ? "not_leading"
            : outcomeOfFailure(pass.kind),
      failure: pass._tag === "Failed" ? { kind: pass.kind, message: "why" } : null,
      at: from + index * 1_000,
      findings: found
    }
    const change = describePassChange(history, before, report)
    history = change.history
    before = found
    return { ...change, found }
  })
}
const messages = (changes: ReadonlyArray<PassChange>) =>
  changes.flatMap(({ lines }) => lines.map((line) => line.message))

describe("findings of one leader", () => {
  const leaderOnly = Arbitrary.array(findings, { minLength: 1, maxLength: 15 })
  const pairs = [
    { begins: /^unauthorized publisher: /, ends: "unauthorized publisher is gone", of: "reported" },
    {
      begins: /^a publisher on a path is in no list/,
      ends: "a publisher that no list showed is listed now, or has left",
      of: "unlisted"
    },
    {
      begins: /^a path could not be reset/,
      ends: "the publisher has left a path that could not be reset",
      of: "failedResets"
    }
  ] as const
  it.prop(
    "begin once and end once, each: what has begun and not ended is what the last pass found",
    [leaderOnly],
    ([sequence]) => {
      const changes = play(sequence.map((found) => ({ _tag: "Complete", findings: found })))
      for (const { begins, ends, of } of pairs) {
        const open = new Map<unknown, number>()
        for (const { message, annotations } of changes.flatMap(({ lines }) => lines)) {
          const id = annotations.source_id
          if (begins.test(message)) open.set(id, (open.get(id) ?? 0) + 1)
          if (message === ends) open.set(id, (open.get(id) ?? 0) - 1)
          assert.include([0, 1, undefined], open.get(id))
        }
        const lasting = [...open].filter(([, count]) => count === 1).map(([id]) => id)
        assert.sameMembers(lasting, [...sequence.at(-1)![of].keys()])
      }
    },
    cases(300)
  )

  it.prop(
    "are not logged again by a pass that finds the same",
    [findings],
    ([found]) => {
      const [first, second] = play([
        { _tag: "Complete", findings: found },
        { _tag: "Complete", findings: found }
      ])
      assert.deepStrictEqual(second!.lines, [])
      assert.strictEqual(
        first!.lines.some(({ level }) => level === "Error"),
        found.held !== null || found.unwritten.size > 0
      )
    },
    cases(200)
  )

  it.prop(
    "name each kick: the first answer, the first failure, and that the publisher stayed; and its end only after the latter two",
    [kicks],
    ([kick]) => {
      const kicked = { ...noFindings, kicks: new Map([[kick.listed.id, kick]]) }
      const [begins, ends] = play([
        { _tag: "Complete", findings: kicked },
        { _tag: "Complete", findings: noFindings }
      ])
      assert.sameMembers(messages([begins!]), [
        ...(kick.answered === null ? [] : ["publisher kicked"]),
        ...(kick.failure === null ? [] : ["a kick was not answered; the next pass tries again"]),
        ...(kick.overdue ? ["a kicked publisher is still listed; every pass kicks it again"] : [])
      ])
      const troublesome = kick.failure !== null || kick.overdue
      assert.deepStrictEqual(messages([ends!]), troublesome ? ["a publisher that stayed after a kick has left"] : [])
    },
    cases(100)
  )

  it.prop(
    "show no key that a client put into a path",
    [keyValues],
    ([key]) => {
      const listed = sourceOf("a", `live/${key}`)
      const path = { ...pathOf("b"), name: `live/${key}` }
      const reset = { path: `live/${key}`, sourceId: "c", error: `PATCH live/${key}: refused` }
      const all: Findings = {
        kicks: new Map([
          ["a", { listed, reason: "unauthorized", answered: null, failure: `kick ${key}`, overdue: true }]
        ]),
        reported: new Map([["a", listed]]),
        held: null,
        unlisted: new Map([["b", path]]),
        unwritten: new Set(),
        resets: [{ ...reset, error: null }],
        failedResets: new Map([["c", reset]])
      }
      const changes = play([
        { _tag: "Complete", findings: all },
        { _tag: "Complete", findings: noFindings }
      ])
      assert.notInclude(JSON.stringify(changes.flatMap(({ lines }) => lines)), key)
    },
    cases(100)
  )

  it("of a path that is reset at last have one line for it, not two", () => {
    const failed = { ...noFindings, failedResets: new Map([["a", resetOf("a", "refused")]]) }
    const done = { ...noFindings, resets: [resetOf("a", null)] }
    const [, second] = play([
      { _tag: "Complete", findings: failed },
      { _tag: "Complete", findings: done }
    ])
    assert.deepStrictEqual(messages([second!]), ["the path of a publisher that no list shows was reset"])
  })
})

describe("failures of passes", () => {
  it.prop(
    "are logged once each until a pass has none, which is logged once",
    [sequences],
    ([sequence]) => {
      const logged = new Set<unknown>()
      play(sequence).forEach(({ lines }, index) => {
        const pass = sequence[index]!
        const failing = lines.filter(({ annotations }) => "outcome" in annotations)
        const recovered = lines.filter(
          ({ message }) => message.startsWith("the reconciler ") && !message.includes("cannot")
        )
        if (pass._tag === "Failed") {
          assert.lengthOf(failing, logged.has(pass.kind) ? 0 : 1)
          assert.lengthOf(recovered, 0)
          logged.add(pass.kind)
        } else {
          assert.lengthOf(failing, 0)
          assert.lengthOf(recovered, logged.size > 0 ? 1 : 0)
          logged.clear()
        }
      })
    },
    cases(300)
  )

  it.prop(
    "are active conditions, the present one and no other; a hold is one while the leader has it",
    [sequences],
    ([sequence]) => {
      const active = new Set<string>()
      play(sequence).forEach(({ conditions, found }, index) => {
        for (const condition of conditions) {
          if (condition.active) active.add(condition.kind)
          else active.delete(condition.kind)
        }
        const pass = sequence[index]!
        const failing = failureKinds.filter((kind) => active.has(kind))
        assert.deepStrictEqual(failing, pass._tag === "Failed" ? [pass.kind] : [])
        if (pass._tag !== "Failed") {
          assert.strictEqual(active.has("mass_kick_held_back"), found?.held?.why === "too_many")
          assert.strictEqual(active.has("changes_not_written"), (found?.unwritten.size ?? 0) > 0)
        }
      })
    },
    cases(300)
  )

  it.prop(
    "that a media server which starts beside the reconciler explains are not logged within five seconds",
    [element(failureKinds), element([0, 1, 4_999, 5_000, 5_001])],
    ([kind, at]) => {
      const expected =
        (kind === "media_server_absent" || kind === "media_server_unreachable") && at < MAY_BE_AWAY_FOR_MS
      assert.lengthOf(messages(play([{ _tag: "Failed", kind }], at)), expected ? 0 : 1)
      const afterSuccess = play(
        [
          { _tag: "Complete", findings: noFindings },
          { _tag: "Failed", kind }
        ],
        at - 1_000
      )
      assert.lengthOf(messages(afterSuccess), 1, "one that was there has gone")
    },
    cases(100)
  )
})

describe("the change of leader", () => {
  it.prop(
    "is logged each time, in turn, and not at the beginning",
    [sequences],
    ([sequence]) => {
      const changes = messages(play(sequence)).filter((message) => /^this instance /.test(message))
      const gains = changes.map((message) => message === "this instance reconciles now")
      for (let index = 1; index < gains.length; index++) assert.notStrictEqual(gains[index], gains[index - 1])
      const first = sequence.find(({ _tag }) => _tag !== "Failed")
      if (first !== undefined && gains.length > 0 && sequence.every(({ _tag }) => _tag !== "Failed")) {
        assert.strictEqual(gains[0], first._tag === "NotLeading")
      }
    },
    cases(300)
  )

  it("leaves what lasts to the new leader: nothing of it is logged as ended", () => {
    const lasting = {
      ...noFindings,
      reported: new Map([["a", sourceOf("a")]]),
      held: { count: 11, why: "too_many" } as const
    }
    const [, lost] = play([{ _tag: "Complete", findings: lasting }, { _tag: "NotLeading" }])
    assert.deepStrictEqual(messages([lost!]), ["this instance has lost the lease: another one may reconcile now"])
  })
})
