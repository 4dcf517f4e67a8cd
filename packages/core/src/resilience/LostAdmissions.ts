/**
 * Admissions whose answer was lost. The client was told no, so the session must not stay, should it have come to be: it is ended by its id
 * as soon as the store answers, and again for a while, because the admission may still be on its way. Whoever asks again for a
 * regretted session gets it no more.
 */
import { Effect, Metric } from "effect"
import type { StreamId } from "../domain/values/Ids.ts"
import * as Metrics from "../Metrics.ts"
import { Admissions } from "../ports/Admissions.ts"
import { setCondition } from "./Conditions.ts"
import { elapsedAtLeast, type Reading, readClocks } from "./ProcessClock.ts"

/** Sessions beyond these end, too, but only when a look shows that nobody of theirs is on the media server. */
const MAX_REGRETS = 10_000
/** A lost admission may still be on its way to the store after the first end was written: it is ended again for this long. */
const REGRET_FOR_MS = 5_000
/** Longer than a look may wait for them: those that are left come with the next pass. */
const AT_ONCE = 100

export const makeLostAdmissions = () => {
  /** When each was first ended; `null` while it was not ended once. */
  const regrets = new Map<StreamId, Reading | null>()
  let said = false
  let saidFull = false

  const show = Effect.gen(function* () {
    let pending = 0
    for (const endedAt of regrets.values()) if (endedAt === null) pending++
    if (pending === 0) saidFull = false
    yield* Metric.update(Metrics.regretsPending, pending)
    if (pending > 0 === said) return
    said = pending > 0
    yield* setCondition("regrets_pending", said)
    yield* said
      ? Effect.logWarning("the answer of an admission was lost: its session ends as soon as the store says so")
      : Effect.logInfo("every admission whose answer was lost has ended")
  })

  const endSome = Effect.fnUntraced(function* () {
    const admissions = yield* Admissions
    const now = yield* readClocks
    for (const [streamId, before] of [...regrets].slice(0, AT_ONCE)) {
      yield* admissions.endGone(streamId)
      const endedAt = before ?? now
      regrets.delete(streamId)
      if (elapsedAtLeast(endedAt, now) < REGRET_FOR_MS) regrets.set(streamId, endedAt)
    }
  })

  const drop = Effect.gen(function* () {
    yield* Metric.update(Metrics.regretsDropped, 1)
    if (saidFull) return
    saidFull = true
    yield* Effect.logWarning(
      `the answers of more than ${MAX_REGRETS} admissions were lost: the sessions of the others end when a look does not find them`
    )
  })

  return {
    add: (streamId: StreamId) =>
      Effect.suspend(() => {
        if (regrets.size >= MAX_REGRETS && !regrets.has(streamId)) return drop
        regrets.set(streamId, null)
        return show
      }),
    has: (streamId: StreamId): boolean => regrets.has(streamId),
    /** One that cannot be ended now is tried again by the next pass; when that is because the store is down, the pass says so. */
    end: Effect.suspend(() =>
      regrets.size === 0 ? Effect.void : Effect.andThen(Effect.ignoreCause(endSome(), { log: "Debug" }), show)
    ),
    areMany: (): boolean => regrets.size > AT_ONCE
  }
}

export type LostAdmissions = ReturnType<typeof makeLostAdmissions>
