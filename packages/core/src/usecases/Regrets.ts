/**
 * Admissions whose answer was lost. The client was told no, so the session must not stay, should it have come to be: it is ended by its id
 * as soon as the store answers, and again for a while, because the admission may still be on its way. Whoever asks again for a
 * regretted session gets it no more.
 */
import { Clock, Effect, Metric } from "effect"
import type { StreamId } from "../domain/Ids.ts"
import { Admissions } from "../ports/Admissions.ts"
import * as Telemetry from "../Telemetry.ts"
import { showTrouble } from "./Troubles.ts"

const MAX_REGRETS = 10_000
/** A lost admission may still be on its way to the store after the first end was written: it is ended again for this long. */
const REGRET_FOR_MS = 5_000
/** Longer than a look may wait for them: those that are left come with the next pass. */
const AT_ONCE = 100

export const makeRegrets = () => {
  /** Until when each is ended again; `null` while it was not ended once. */
  const regrets = new Map<StreamId, number | null>()
  let said = false

  const show = Effect.gen(function* () {
    let pending = 0
    for (const until of regrets.values()) if (until === null) pending++
    yield* Metric.update(Telemetry.regretsPending, pending)
    if (pending > 0 === said) return
    said = pending > 0
    yield* showTrouble("regrets_pending", said)
    yield* said
      ? Effect.logWarning("the answer of an admission was lost: its session ends as soon as the store says so")
      : Effect.logInfo("every admission whose answer was lost has ended")
  })

  const endSome = Effect.fnUntraced(function* () {
    const admissions = yield* Admissions
    const now = yield* Clock.currentTimeMillis
    for (const [streamId, until] of [...regrets].slice(0, AT_ONCE)) {
      yield* admissions.endGone(streamId)
      const last = until ?? now + REGRET_FOR_MS
      regrets.delete(streamId)
      if (last > now) regrets.set(streamId, last)
    }
  })

  return {
    add: (streamId: StreamId) =>
      Effect.suspend(() => {
        if (regrets.size < MAX_REGRETS) regrets.set(streamId, null)
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

export type Regrets = ReturnType<typeof makeRegrets>
