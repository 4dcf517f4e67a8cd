/**
 * The newest pass, and the newest snapshot that this instance knows of: kept for those that ask, and delivered to those that wait. Only the
 * newest value is kept for each subscriber, so none delays the reconciler and nothing grows.
 */
import { Effect, PubSub, Stream } from "effect"
import type { PassSummary } from "../domain/reconciliation/PassSummary.ts"
import { elapsedAtLeast, elapsedAtMost, type Reading, readClocks } from "../resilience/ProcessClock.ts"
import type { PassOutcome } from "./runPass.ts"

/** A complete snapshot of any instance. It began between `earliest` and `latest`, by this process's clocks. */
export interface SnapshotRecord {
  readonly earliest: Reading
  readonly latest: Reading
  readonly found: PassSummary
  /** Whether this instance took it. */
  readonly own: boolean
}

/** The last complete snapshot that this instance knows of, its own or the leader's. */
export interface KnownSnapshot {
  /** How long ago it began, in milliseconds, at the most; for an answer to be younger than a question. */
  readonly ageMillis: number
  /** The same at the least: for what may only be done when no instance has taken one for a while. A slow store keeps the two apart. */
  readonly leastAgeMillis: number
  readonly found: PassSummary
  readonly own: boolean
}

interface Newest {
  /** How many passes are over. */
  readonly count: number
  /** `null` before the first pass is over. */
  readonly outcome: PassOutcome | null
  readonly snapshot: SnapshotRecord | null
}

export const makeNewestPass = Effect.gen(function* () {
  const changes = yield* PubSub.sliding<Newest>({ capacity: 1, replay: 1 })
  let newest: Newest = { count: 0, outcome: null, snapshot: null }
  const set = (next: Newest) =>
    Effect.suspend(() => {
      newest = next
      return Effect.asVoid(PubSub.publish(changes, next))
    })

  /** Waits until more than `count` passes are over. */
  const next = Effect.suspend(() => {
    const { count } = newest
    return Effect.gen(function* () {
      const subscription = yield* PubSub.subscribe(changes)
      while ((yield* PubSub.take(subscription)).count <= count) {}
    }).pipe(Effect.scoped)
  })

  return {
    setSnapshot: (snapshot: SnapshotRecord) => Effect.suspend(() => set({ ...newest, snapshot })),
    /** `snapshot`: the one of this pass; the one known before stays when it has none. */
    setPass: (outcome: PassOutcome, snapshot: SnapshotRecord | null = null) =>
      Effect.suspend(() => set({ count: newest.count + 1, outcome, snapshot: snapshot ?? newest.snapshot })),
    snapshot: (): SnapshotRecord | null => newest.snapshot,
    knownSnapshot: Effect.map(readClocks, (now): KnownSnapshot | null => {
      if (newest.snapshot === null) return null
      const { earliest, latest, found, own } = newest.snapshot
      return { ageMillis: elapsedAtMost(earliest, now), leastAgeMillis: elapsedAtLeast(latest, now), found, own }
    }),
    /** Waits until the next pass, complete or not, is over. */
    next,
    /** The outcome of the newest pass, and of each after it. */
    outcomes: Stream.fromPubSub(changes).pipe(
      Stream.changesWith((one, other) => one.count === other.count),
      Stream.map(({ outcome }) => outcome),
      Stream.filter((outcome) => outcome !== null)
    )
  }
})
export type NewestPass = Effect.Success<typeof makeNewestPass>
