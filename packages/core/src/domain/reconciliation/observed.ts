/**
 * Which observations a pass writes down: those that differ from what was written last, and each at least every ten seconds, because the time of
 * the last one shows how fresh a stream's row is. Pure.
 */
import type { Observation } from "../streams/LiveStream.ts"
import type { StreamId } from "../values/Ids.ts"

/** What was written of a session, and when, in milliseconds of the monotonic clock. */
export interface Observed {
  readonly observation: Observation
  readonly at: number
}

export type Observations = ReadonlyMap<StreamId, Observed>

interface Seen {
  readonly streamId: StreamId
  readonly observation: Observation
}

/** An observation that stays the same is written again after this. */
const CONFIRM_EVERY_MS = 10_000

const areSame = (one: Observation, other: Observation): boolean =>
  one === other ||
  (one.viewerCount === other.viewerCount &&
    one.inboundBytes === other.inboundBytes &&
    (one.tracks === other.tracks || JSON.stringify(one.tracks) === JSON.stringify(other.tracks)))

/** `due`: those to be written at `now`. `next`: what has been written once they are, of the sessions that were observed. */
export const dueObservations = (
  before: Observations,
  observations: ReadonlyArray<Seen>,
  now: number
): { readonly due: ReadonlyArray<Seen>; readonly next: Observations } => {
  const due: Array<Seen> = []
  const next = new Map<StreamId, Observed>()
  for (const one of observations) {
    const { streamId, observation } = one
    const last = before.get(streamId)
    const stays = last !== undefined && now - last.at < CONFIRM_EVERY_MS && areSame(last.observation, observation)
    if (!stays) due.push(one)
    next.set(streamId, stays ? last : { observation, at: now })
  }
  return { due, next }
}
