/** The event log in memory: what was written, in order, and how much of it has positions. Appending is one part of an operation's step. */
import {
  type Broadcaster,
  type EventId,
  type EventType,
  type LoggedEvent,
  type LogHead,
  matchesFilter,
  type StreamEvent,
  type StreamKey,
  streamEventName
} from "@greenroom/core"
import type { DateTime } from "effect"
import type { MemoryState, StoredStream } from "./MemoryStore.ts"
import { streamDetails } from "./storedStreams.ts"

/** Its `position` is given by `place`. */
type Unplaced = LoggedEvent extends infer Event
  ? Event extends unknown
    ? Omit<Event, "position" | "id">
    : never
  : never

export interface EventLogState {
  id: string
  /** Positions `oldest`, `oldest + 1`, … */
  placed: Array<LoggedEvent>
  oldest: number
  unplaced: Array<{ readonly id: EventId; readonly event: Unplaced | StreamTransition }>
  written: number
  /** Called when something was written, and when something was placed. */
  readonly onWritten: Set<() => void>
  readonly onPlaced: Set<(head: LogHead) => void>
}

/** Of a stream only what happened is written: its data is taken when it gets its position. */
interface StreamTransition {
  readonly stream: StoredStream
  readonly transition: StreamEvent
}

export const newLogId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("")

export const emptyLog = (): EventLogState => ({
  id: newLogId(),
  placed: [],
  oldest: 1,
  unplaced: [],
  written: 0,
  onWritten: new Set(),
  onPlaced: new Set()
})

export const headOf = ({ id, placed, oldest }: EventLogState): LogHead => ({
  log: id,
  oldest,
  newest: oldest + placed.length - 1
})

/** So many events are kept, whatever their age, and so many may wait for their positions where nothing follows the log. */
const KEPT_AT_MOST = 100_000
const UNPLACED_AT_MOST = 1_000

const append = (store: MemoryState, event: Unplaced | StreamTransition): void => {
  const { eventLog: log } = store
  log.written += 1
  log.unplaced.push({ id: `evt_${log.written}_${newLogId()}` as EventId, event })
  for (const wake of [...log.onWritten]) wake()
  if (log.unplaced.length > UNPLACED_AT_MOST) place(store, UNPLACED_AT_MOST)
}

/** `stream`: as the event has left it. */
export const logTransition = (store: MemoryState, stream: StoredStream, transition: StreamEvent): void =>
  append(store, { stream, transition })

export const logKey = (
  store: MemoryState,
  type: Extract<EventType, `key.${string}`>,
  data: StreamKey,
  at: DateTime.Utc
): void =>
  append(store, { type, at, subject: `key:${data.id}`, broadcasterId: data.broadcasterId, streamSeq: null, data })

export const logBroadcaster = (
  store: MemoryState,
  type: Extract<EventType, `broadcaster.${string}`>,
  data: Broadcaster,
  at: DateTime.Utc
): void => append(store, { type, at, subject: `broadcaster:${data.id}`, broadcasterId: data.id, streamSeq: null, data })

export const logOther = (store: MemoryState, event: Exclude<Unplaced, { readonly streamSeq: number }>): void =>
  append(store, event)

/** The state is that of the event. Title, metadata, broadcaster and what the media server showed are those of this moment. */
const ofStream = (store: MemoryState, { stream, transition }: StreamTransition): Unplaced => {
  const newest = store.streams.get(stream.id) ?? stream
  return {
    type: streamEventName[transition.type],
    at: transition.at,
    subject: `stream:${stream.id}`,
    streamSeq: transition.seq,
    broadcasterId: store.keys.get(stream.streamKeyId)?.broadcasterId ?? null,
    data: streamDetails(store, { ...newest, state: stream.state }, transition.at)
  }
}

export const place = (store: MemoryState, most: number): number => {
  const { eventLog: log } = store
  const due = log.unplaced.splice(0, most)
  for (const { id, event } of due) {
    const position = log.oldest + log.placed.length
    const complete = "transition" in event ? ofStream(store, event) : event
    log.placed.push({ ...complete, id, position } as LoggedEvent)
  }
  const over = Math.max(0, log.placed.length - KEPT_AT_MOST)
  log.placed.splice(0, over)
  log.oldest += over
  if (due.length > 0) for (const notify of [...log.onPlaced]) notify(headOf(log))
  return due.length
}

export const readAfter = (
  { placed, oldest }: EventLogState,
  after: number,
  filter: Parameters<typeof matchesFilter>[1],
  limit: number,
  lookAtMost: number
) => {
  const from = Math.max(0, after - oldest + 1)
  const looked = placed.slice(from, from + lookAtMost)
  const events: Array<LoggedEvent> = []
  for (const event of looked) {
    if (matchesFilter(event, filter)) events.push(event)
    if (events.length === limit) break
  }
  const lookedTo = events.length === limit ? events.at(-1)!.position : (looked.at(-1)?.position ?? after)
  return { events, lookedTo }
}
