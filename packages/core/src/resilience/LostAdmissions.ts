/**
 * Admissions whose answer was lost. The client was refused, so the session must not stay, should it have come to be: it is ended by its id
 * as soon as the store answers, and again for a while, because the admission may still be on its way. A client that asks again for
 * such a session does not get it.
 */
import { Context, Effect, Layer, Metric } from "effect"
import type { StreamId } from "../domain/values/Ids.ts"
import * as Metrics from "../Metrics.ts"
import { Admissions } from "../ports/Admissions.ts"
import type { Repositories } from "../ports/Repositories.ts"
import { makeConditions } from "./Conditions.ts"
import { elapsedAtLeast, type Reading, readClocks } from "./ProcessClock.ts"

/** Sessions beyond these end, too, but only when a snapshot does not show their publishers. */
const MAX_LOST = 10_000
/** A lost admission may still be on its way to the store after the first end was written: it is ended again for this long. */
const END_AGAIN_FOR_MS = 5_000
/** More would delay the snapshot that waits for them: those that are left come with the next pass. */
const AT_ONCE = 100

/** A pass must not wait longer for them. */
const DEADLINE_MS = 5_000

const PENDING = "the answer of an admission was lost: its session is ended as soon as the store answers"
const NONE_PENDING = "the sessions of all lost admissions have ended"
const TOO_MANY = `the answers of more than ${MAX_LOST} admissions were lost: the sessions of the others end when a snapshot does not list them`

export class LostAdmissions extends Context.Service<
  LostAdmissions,
  {
    readonly add: (streamId: StreamId) => Effect.Effect<void>
    readonly has: (streamId: StreamId) => Effect.Effect<boolean>
    /** Ends those that wait, as far as the store answers; the others are tried again with the next call. Never fails. */
    readonly end: Effect.Effect<void>
    /** One call of `end` does not do. */
    readonly areMany: Effect.Effect<boolean>
  }
>()("greenroom/LostAdmissions") {
  static readonly layer: Layer.Layer<LostAdmissions, never, Repositories> = Layer.effect(
    LostAdmissions,
    Effect.map(Admissions, (admissions) => LostAdmissions.of(makeLostAdmissions(admissions)))
  )
}

const makeLostAdmissions = (admissions: Admissions["Service"]): LostAdmissions["Service"] => {
  /** When each was first ended; `null` before that. */
  const lost = new Map<StreamId, Reading | null>()
  const conditions = makeConditions()
  let reportedTooMany = false

  const show = Effect.suspend(() => {
    let pending = 0
    for (const endedAt of lost.values()) if (endedAt === null) pending++
    if (pending === 0) reportedTooMany = false
    return Effect.andThen(
      Metric.update(Metrics.regretsPending, pending),
      conditions.set("regrets_pending", pending > 0, pending > 0 ? PENDING : NONE_PENDING)
    )
  })

  const endSome = Effect.gen(function* () {
    const now = yield* readClocks
    for (const [streamId, before] of [...lost].slice(0, AT_ONCE)) {
      yield* admissions.endGone(streamId)
      const endedAt = before ?? now
      lost.delete(streamId)
      if (elapsedAtLeast(endedAt, now) < END_AGAIN_FOR_MS) lost.set(streamId, endedAt)
    }
  })

  const drop = Effect.suspend(() => {
    const count = Metric.update(Metrics.regretsDropped, 1)
    if (reportedTooMany) return count
    reportedTooMany = true
    return Effect.andThen(count, Effect.logWarning(TOO_MANY))
  })

  return {
    add: (streamId) =>
      Effect.suspend(() => {
        if (lost.size >= MAX_LOST && !lost.has(streamId)) return drop
        lost.set(streamId, null)
        return show
      }),
    has: (streamId) => Effect.sync(() => lost.has(streamId)),
    end: Effect.suspend(() =>
      lost.size === 0
        ? Effect.void
        : Effect.andThen(Effect.ignoreCause(Effect.timeout(endSome, DEADLINE_MS), { log: "Debug" }), show)
    ),
    areMany: Effect.sync(() => lost.size > AT_ONCE)
  }
}
