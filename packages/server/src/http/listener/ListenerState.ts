/** What long answers need to know of the listener that they are given on: when they have to end, and how many there may be. */
import { Context } from "effect"

/** Event streams of one instance, at the most. */
export const EVENT_STREAMS_MAX = 1_000
/** They take no more than this part of a listener's connections. */
const SHARE = 4

/** For a listener with so many connections. */
export const eventStreamsWithin = (connections: number): number =>
  Math.min(EVENT_STREAMS_MAX, Math.max(1, Math.floor(connections / SHARE)))

export class ListenerState extends Context.Reference<{
  /** Fires before the listener waits for its open requests. */
  readonly ending: AbortSignal
  readonly eventStreamsMax: number
}>("greenroom/http/ListenerState", {
  defaultValue: () => ({ ending: new AbortController().signal, eventStreamsMax: EVENT_STREAMS_MAX })
}) {}
