/**
 * What happens to streams, as this process finds it in the store: `FIND_EVERY_MS` late at most, in the order of each stream, by whichever
 * process it was written. It looks while somebody listens. An event that comes while nobody does is not delivered later.
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

export type Listener = (event: StreamEvent) => void

export interface Finder {
  readonly add: (listener: Listener) => () => void
  readonly stop: () => Promise<void>
}

interface Seen {
  /** The number of the last event that was delivered, of each stream that has not ended. */
  readonly open: ReadonlyMap<string, number>
  /** Streams that began before this are known, or of no interest. */
  readonly since: DateTime.Utc
  readonly version: Core.StoreVersion
}

const openStreams = Effect.suspend(() =>
  Core.listActive({ status: ["connecting", "active"] }, { limit: null, after: null })
)

const eventsOf = (id: Core.StreamId, after: number) =>
  Effect.map(Core.streamEvents(id, after, EVENTS_MAX), (found) => Option.getOrElse(found, () => []))

const begin = Effect.gen(function* () {
  const streams = yield* Core.Streams
  const { version } = yield* streams.version
  const { items, now } = yield* openStreams
  const open = new Map<string, number>()
  for (const { stream } of items) open.set(stream.id, (yield* eventsOf(stream.id, 0)).at(-1)?.seq ?? 0)
  return { open, since: now, version } satisfies Seen as Seen
})

/** Streams that began since and have ended already. */
const endedSince = Effect.fnUntraced(function* (since: DateTime.Utc) {
  const ended: Array<Core.StreamId> = []
  let after: Core.Position | null = null
  while (true) {
    const page: Effect.Success<typeof openStreams> = yield* Core.listActive(
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

const find = Effect.fnUntraced(function* (seen: Seen) {
  const streams = yield* Core.Streams
  const { version } = yield* streams.version
  if (version === seen.version) return { seen, events: [] }
  const { items, now } = yield* openStreams
  const isOpen = new Set(items.map(({ stream }) => stream.id))
  const ids = new Set<Core.StreamId>([...isOpen, ...(yield* endedSince(seen.since))])
  for (const id of seen.open.keys()) ids.add(id as Core.StreamId)
  const open = new Map<string, number>()
  const events: Array<StreamEvent> = []
  for (const id of ids) {
    const from = seen.open.get(id) ?? 0
    const found = yield* eventsOf(id, from)
    const view = found.length === 0 ? Option.none() : yield* Core.describeStream(id)
    if (Option.isSome(view)) {
      const stream = streamShape(view.value)
      events.push(...found.map((event) => eventShape(event, stream)))
    }
    if (isOpen.has(id)) open.set(id, found.at(-1)?.seq ?? from)
  }
  events.sort((one, other) => one.at.getTime() - other.at.getTime() || one.seq - other.seq)
  return { seen: { open, since: now, version } satisfies Seen as Seen, events }
})

/** `onFault`: a listener threw. */
export const finderOf = (run: Run, onFault: (error: unknown) => void): Finder => {
  const listeners = new Set<Listener>()
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
        listener(event)
      } catch (error) {
        onFault(error)
      }
    }
  }

  const loop = async (): Promise<void> => {
    let seen: Seen | null = null
    while (listeners.size > 0 && !ended.signal.aborted) {
      try {
        if (seen === null) seen = await run(begin)
        else {
          const found: { readonly seen: Seen; readonly events: ReadonlyArray<StreamEvent> } = await run(find(seen))
          seen = found.seen
          found.events.forEach(deliver)
        }
      } catch (error) {
        // The store is away: what happened meanwhile is found when it answers again.
        if (!ended.signal.aborted) onFault(error)
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
  const onEnd = () => wake()
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
