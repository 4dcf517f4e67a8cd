/**
 * What happens to streams, as this process finds it in the store: `FIND_EVERY_MS` late at most, in the order of each stream, by whichever
 * process it was written. It looks while there is a listener. An event that comes while there is none is not delivered later.
 */
import * as Core from "@greenroom/core"
import { DateTime, Effect, Option } from "effect"
import type { Run } from "./run.ts"
import { eventShape, type StreamEvent, streamShape } from "./shapes.ts"

const FIND_EVERY_MS = 250
/** Events of one stream: a session has five kinds, each at most once. */
const EVENTS_MAX = 16
/** Ended streams that are read at a time. */
const PAGE = 100

export type Listener = (event: StreamEvent) => unknown

export interface Finder {
  readonly add: (listener: Listener) => () => void
  readonly stop: () => Promise<void>
}

/**
 * A stream begins when its transaction does, and is seen when that commits: longer than any admission. Without this margin a stream that
 * has ended by the next look would be missed.
 */
const COMMITTED_WITHIN_MS = 10_000

interface Seen {
  /** The number of the last event that was delivered, of each stream that has not ended, and of those that began after `since`. */
  readonly known: ReadonlyMap<string, number>
  /** Streams that began before this are known, or of no interest. */
  readonly since: DateTime.Utc
  readonly version: Core.StoreVersion
}

const sinceOf = (now: DateTime.Utc): DateTime.Utc => DateTime.subtract(now, { milliseconds: COMMITTED_WITHIN_MS })

/** Each event of a stream moves its row: a stream that comes without its content has no new event. */
const openStreams = (since: Core.StoreVersion | null) =>
  Effect.flatMap(Core.Streams, (streams) =>
    streams.listSince({ status: ["connecting", "active"] }, { limit: null, after: null }, since)
  )

const eventsOf = (id: Core.StreamId, after: number) =>
  Effect.map(Core.streamEvents(id, after, EVENTS_MAX), (found) => Option.getOrElse(found, () => []))

/** Streams that began since and have ended already. */
const endedSince = Effect.fnUntraced(function* (since: DateTime.Utc) {
  const ended: Array<Core.StreamId> = []
  let after: Core.Position | null = null
  while (true) {
    const page: Effect.Success<ReturnType<typeof Core.listActive>> = yield* Core.listActive(
      { status: ["inactive"] },
      { limit: PAGE, after }
    )
    for (const { stream } of page.items)
      if (DateTime.isGreaterThan(stream.state.startedAt, since)) ended.push(stream.id)
    const last = page.items.at(-1)
    if (page.next === null || last === undefined || !DateTime.isGreaterThan(last.stream.state.startedAt, since))
      return ended
    after = page.next
  }
})

const begin = Effect.gen(function* () {
  const streams = yield* Core.Streams
  const { version } = yield* streams.version
  const { items, now } = yield* openStreams(null)
  const since = sinceOf(now)
  const known = new Map<string, number>()
  for (const id of [...items.map((item) => item.id), ...(yield* endedSince(since))])
    known.set(id, (yield* eventsOf(id, 0)).at(-1)?.seq ?? 0)
  return { known, since, version } satisfies Seen as Seen
})

/** By time, and those of one stream in their order, whatever the clocks of the processes that wrote them. */
export const inOrder = (streams: ReadonlyArray<ReadonlyArray<StreamEvent>>): ReadonlyArray<StreamEvent> =>
  streams
    .flatMap((events) => {
      let latest = 0
      return events.map((event) => {
        latest = Math.max(latest, event.at.getTime())
        return { event, at: latest }
      })
    })
    .sort((one, other) => one.at - other.at)
    .map(({ event }) => event)

const find = Effect.fnUntraced(function* (seen: Seen) {
  const streams = yield* Core.Streams
  const { version } = yield* streams.version
  if (version === seen.version) return { seen, events: [] }
  const { items, now } = yield* openStreams(seen.version)
  const unchanged = new Set<string>(
    items.filter(({ id, stream }) => stream === null && seen.known.has(id)).map(({ id }) => id)
  )
  const kept = new Set<string>([...items.map(({ id }) => id), ...(yield* endedSince(seen.since))])
  const known = new Map<string, number>()
  const events: Array<ReadonlyArray<StreamEvent>> = []
  for (const id of new Set([...kept, ...seen.known.keys()]) as Set<Core.StreamId>) {
    const from = seen.known.get(id) ?? 0
    const found = unchanged.has(id) ? [] : yield* eventsOf(id, from)
    const view = found.length === 0 ? Option.none() : yield* Core.describeStream(id)
    if (Option.isSome(view)) {
      const stream = streamShape(view.value)
      events.push(found.map((event) => eventShape(event, stream)))
    }
    if (kept.has(id)) known.set(id, found.at(-1)?.seq ?? from)
  }
  return { seen: { known, since: sinceOf(now), version } satisfies Seen as Seen, events: inOrder(events) }
})

/** `warn` logs. */
export const finderOf = (run: Run, warn: (message: string, error: unknown) => void): Finder => {
  const listeners = new Set<Listener>()
  const onFault = (error: unknown): void => warn("a listener for events failed", error)
  const ended = new AbortController()
  let finding: Promise<void> | null = null

  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(done, FIND_EVERY_MS)
      function done() {
        clearTimeout(timer)
        ended.signal.removeEventListener("abort", done)
        resolve()
      }
      ended.signal.addEventListener("abort", done)
    })

  const deliver = (event: StreamEvent): void => {
    for (const listener of [...listeners]) {
      try {
        // An async listener that rejects would end the process otherwise.
        Promise.resolve(listener(event)).catch(onFault)
      } catch (error) {
        onFault(error)
      }
    }
  }

  const loop = async (): Promise<void> => {
    let seen: Seen | null = null
    let isAway = false
    while (listeners.size > 0 && !ended.signal.aborted) {
      try {
        if (seen === null) seen = await run(begin)
        else {
          const found: { readonly seen: Seen; readonly events: ReadonlyArray<StreamEvent> } = await run(find(seen))
          seen = found.seen
          found.events.forEach(deliver)
        }
        isAway = false
      } catch (error) {
        // What happened meanwhile is found when the store answers again. One line an outage.
        if (!ended.signal.aborted && !isAway) warn("events are late: the store cannot be read", error)
        isAway = true
      }
      await pause()
    }
  }

  const start = (): void => {
    finding ??= loop().finally(() => {
      finding = null
      if (listeners.size > 0 && !ended.signal.aborted) start()
    })
  }

  return {
    add: (listener) => {
      const own: Listener = (event) => listener(event)
      listeners.add(own)
      start()
      return () => void listeners.delete(own)
    },
    stop: async () => {
      ended.abort()
      listeners.clear()
      await finding
    }
  }
}

/** So many events wait for a consumer that is slower than the streams; then it fails. */
const WAITING_MAX = 10_000

/** Ends when `signal` fires or the finder stops. */
export async function* eventsFrom(
  finder: Finder,
  signal: AbortSignal | undefined,
  closed: AbortSignal
): AsyncGenerator<StreamEvent, void, undefined> {
  const waiting: Array<StreamEvent> = []
  let wake = () => {}
  let isOverrun = false
  const remove = finder.add((event) => {
    if (waiting.length < WAITING_MAX) waiting.push(event)
    else isOverrun = true
    wake()
  })
  const ends = AbortSignal.any(signal === undefined ? [closed] : [signal, closed])
  // A consumer that asks for no further event would keep the listener, and with it the reads of the store.
  const onEnd = () => {
    remove()
    wake()
  }
  ends.addEventListener("abort", onEnd)
  try {
    while (!ends.aborted) {
      if (isOverrun) throw new Error(`More than ${WAITING_MAX} events wait for this consumer`)
      const event = waiting.shift()
      if (event !== undefined) yield event
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  } finally {
    remove()
    ends.removeEventListener("abort", onEnd)
  }
}
