/**
 * The kicks that the leader has begun: one entry a connection, from its first kick until a snapshot does not list it any more, so there are
 * never more entries than connections. It decides the pace of retries and which kicks come first; the log is derived from how it changes. Pure.
 */
import type { ListedSource } from "./MediaServerSnapshot.ts"

/** `former`: its session has ended. */
export type KickReason = "stopping" | "unauthorized" | "former"

export interface KickProgress {
  readonly listed: ListedSource
  readonly reason: KickReason
  /** The first answer to a kick: what it was, and when, in milliseconds of the monotonic clock. `null` before that. */
  readonly answered: { readonly answer: "kicked" | "gone"; readonly at: number } | null
  /** Why the first kick without an answer had none; `null` when each was answered. */
  readonly failure: string | null
  /** It was still listed `OVERDUE_AFTER_MS` after the first answered kick. */
  readonly overdue: boolean
}

export type KickTracker = ReadonlyMap<string, KickProgress>

/** One attempt, as it went. */
export interface KickAttempt {
  readonly listed: ListedSource
  readonly reason: KickReason
  readonly at: number
  readonly result:
    | { readonly _tag: "Answered"; readonly answer: "kicked" | "gone" }
    | { readonly _tag: "Failed"; readonly error: string }
}

/** No kicked connection takes longer to end than this, on a media server that is well. */
export const OVERDUE_AFTER_MS = 2_000

export const noKicks: KickTracker = new Map()

/** Before the attempt of this pass: no kick of the connection was answered so far, and one was tried. */
export const isUnanswered = (kicks: KickTracker, id: string): boolean => kicks.get(id)?.answered === null

/** The first kick of this connection that was answered. */
export const isFirstAnswer = (kicks: KickTracker, { listed, result }: KickAttempt): boolean =>
  result._tag === "Answered" && (kicks.get(listed.id)?.answered ?? null) === null

export const afterAttempts = (kicks: KickTracker, attempts: ReadonlyArray<KickAttempt>): KickTracker => {
  const next = new Map(kicks)
  for (const { listed, reason, at, result } of attempts) {
    const before = next.get(listed.id) ?? { listed, reason, answered: null, failure: null, overdue: false }
    next.set(
      listed.id,
      result._tag === "Answered"
        ? { ...before, reason, answered: before.answered ?? { answer: result.answer, at } }
        : { ...before, reason, failure: before.failure ?? result.error }
    )
  }
  return next
}

/** What a snapshot that was complete at `now` shows: connections that it does not list are gone. */
export const afterSnapshot = (kicks: KickTracker, listed: ReadonlySet<string>, now: number): KickTracker =>
  new Map(
    [...kicks]
      .filter(([id]) => listed.has(id))
      .map(([id, kick]): readonly [string, KickProgress] => [
        id,
        { ...kick, overdue: kick.overdue || (kick.answered !== null && now - kick.answered.at >= OVERDUE_AFTER_MS) }
      ])
  )

/** Kicked, and still listed by the last snapshot. */
export const countStaying = (kicks: KickTracker): number =>
  [...kicks.values()].filter(({ answered }) => answered !== null).length

/** Some connection was kicked a moment ago and is still listed: the next snapshot should come soon. */
export const hasRecentKick = (kicks: KickTracker, now: number): boolean =>
  [...kicks.values()].some(({ answered }) => answered !== null && now - answered.at < OVERDUE_AFTER_MS)
