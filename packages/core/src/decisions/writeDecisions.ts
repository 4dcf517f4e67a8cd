/**
 * The loop that writes the decision log: what has come is written a second later, in batches, and the oldest decisions of the fleet are pruned. It never
 * fails: while the store does not answer, decisions wait. What waits at the end of the process is written then, if the store answers in time.
 */
import { Effect, type Latch, Metric, type Scope } from "effect"
import { DECISIONS_KEPT } from "../domain/access/RecordedDecision.ts"
import * as Metrics from "../Metrics.ts"
import type { AuthDecisionsPort, DecisionWrite } from "../ports/AuthDecisions.ts"
import { makeConditions, setCondition } from "../resilience/Conditions.ts"
import { monotonicMillis } from "../resilience/ProcessClock.ts"
import { type LoopCondition, underCondition } from "../resilience/underCondition.ts"
import type { DecisionGroups, Group } from "./DecisionGroups.ts"

/** How long a decision waits for others before it is written. */
export const WRITE_EVERY_MS = 1_000
/** Of one statement. */
const WRITTEN_AT_ONCE = 500
/** Pruning reads the whole index, so it is not done with each write. */
const PRUNE_EVERY_MS = 10_000
/** A batch that the store itself has refused so often is dropped: something in it cannot be written. */
const REFUSED_MAX = 5
/** How long the end of the process waits for the last write. */
const LAST_WRITE_MS = 1_000

const notWritten: LoopCondition = {
  kind: "decisions_not_written",
  begins: "decisions on auth calls cannot be written to the decision log; they wait",
  over: "decisions on auth calls are written to the decision log again",
  defect: "a defect in the decision log"
}

export interface DecisionWriter {
  readonly port: AuthDecisionsPort
  readonly groups: DecisionGroups
  /** Opened when a decision comes. */
  readonly hasNew: Latch.Latch
  readonly instance: string
  readonly writeEveryMillis: number
}

const rowOf = ({ id, content, first, last, count }: Group, now: number, instance: string): DecisionWrite => ({
  ...content,
  id,
  count,
  ageMillis: Math.max(0, Math.round(now - first)),
  lastAgeMillis: Math.max(0, Math.round(now - last)),
  instance
})

const show = Effect.fnUntraced(function* (groups: DecisionGroups) {
  const dropped = groups.takeDropped()
  if (dropped > 0) yield* Metric.update(Metrics.decisionRecords("dropped"), dropped)
  yield* Metric.update(Metrics.decisionsWaiting, groups.waiting)
})

interface Progress {
  prunedAt: number
  refused: number
}

/** Writes what is due, and prunes when that is due. */
const writeAll = Effect.fnUntraced(function* ({ port, groups, instance }: DecisionWriter, progress: Progress) {
  let wrote = 0
  while (true) {
    const now = yield* monotonicMillis
    const due = groups.due(now, WRITTEN_AT_ONCE)
    if (due.length === 0) break
    const batch = due.map((group) => ({ group, count: group.count }))
    yield* port.append(due.map((group) => rowOf(group, now, instance))).pipe(
      Effect.tapError((error) =>
        Effect.sync(() => {
          progress.refused = error.rolledBack === true ? progress.refused + 1 : 0
          if (progress.refused < REFUSED_MAX) return
          progress.refused = 0
          groups.drop(due)
        })
      )
    )
    groups.written(batch)
    progress.refused = 0
    wrote += due.length
    yield* Metric.update(Metrics.decisionRecords("written"), due.length)
    if (due.length < WRITTEN_AT_ONCE) break
  }
  const now = yield* monotonicMillis
  if (wrote === 0 || now - progress.prunedAt < PRUNE_EVERY_MS) return
  progress.prunedAt = now
  yield* port.prune(DECISIONS_KEPT)
})

/** In the background, until the scope closes; then once more. */
export const writeDecisions = Effect.fnUntraced(function* (
  writer: DecisionWriter
): Effect.fn.Return<void, never, Scope.Scope> {
  const { groups, hasNew } = writer
  const conditions = makeConditions()
  const progress: Progress = { prunedAt: Number.NEGATIVE_INFINITY, refused: 0 }
  yield* setCondition("decisions_not_written", false)

  const attempt = underCondition(Effect.ensuring(writeAll(writer, progress), show(groups)), conditions, notWritten)
  const turn = Effect.gen(function* () {
    yield* hasNew.await
    hasNew.closeUnsafe()
    yield* Effect.sleep(writer.writeEveryMillis)
    yield* attempt
    if (groups.waiting > 0) hasNew.openUnsafe()
  })
  // Before the loop, so that it runs after the loop's end.
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() =>
      groups.waiting === 0
        ? Effect.void
        : Effect.ignore(Effect.timeout(writeAll(writer, progress), LAST_WRITE_MS), { log: "Debug" })
    )
  )
  yield* Effect.forkScoped(Effect.forever(turn))
})
