/**
 * Readers of the event log that outlast the instances they read from: each keeps its cursor, follows the log through any instance, and goes on
 * through another one when that dies. Every event must come to each of them once, in order.
 */
import { type EventCursor, followEvents, type LoggedEvent } from "@greenroom/core"
import { Effect, Stream } from "effect"
import type { Rng } from "../worlds/Rng.ts"
import type { Counts } from "./Counts.ts"
import type { Instance } from "./Instance.ts"
import type { Invariants } from "./Invariants.ts"
import type { Kernel } from "./Kernel.ts"
import type { SimulatedStore } from "./SimulatedStore.ts"

export interface EventReadersOptions {
  readonly kernel: Kernel
  readonly rng: Rng
  readonly counts: Counts
  readonly store: SimulatedStore
  readonly invariants: Invariants
  readonly instance: () => Instance | undefined
}

const READERS = 2
const CONNECT_AGAIN_MS = 500

const startReader = (name: string, options: EventReadersOptions) => {
  const { kernel, rng, counts, store, invariants, instance } = options
  const log = store.state.eventLog.id
  let read = 0
  const lastSeq = new Map<string, number>()

  const takes = (event: LoggedEvent): void => {
    if (event.position !== read + 1)
      invariants.fails("events", `${name} read position ${event.position} after ${read}: ${event.type}`)
    read = event.position
    counts.note("events that a reader has seen")
    if (event.streamSeq === null) return
    const before = lastSeq.get(event.subject) ?? 0
    if (event.streamSeq !== before + 1)
      invariants.fails("events", `${name} read transition ${event.streamSeq} of ${event.subject} after ${before}`)
    lastSeq.set(event.subject, event.streamSeq)
  }

  const connect = (): void => {
    const from = instance()
    if (from === undefined) return void kernel.after(CONNECT_AGAIN_MS, connect)
    const cursor: EventCursor = { log, position: read }
    let isOver = false
    // A connection that ends: the reader hears no more of it, and begins where it is.
    const over = () => {
      if (isOver) return
      isOver = true
      hangUp()
      kernel.after(rng.below(CONNECT_AGAIN_MS), connect)
    }
    const following = Stream.runForEach(followEvents(cursor, {}), (event) =>
      Effect.sync(() => {
        if (!isOver) takes(event)
      })
    )
    const hangUp = from.run(following, (exit) => {
      if (!isOver && exit._tag === "Failure") counts.note("an event stream ended by itself")
      over()
    })
    // It is lost at some time, or its instance is gone or hangs, which the reader notices.
    const watch = () => {
      if (isOver) return
      if (!from.isWell() || rng.chance(0.05)) {
        counts.fault("event reader connected again")
        return over()
      }
      kernel.after(1_000, watch)
    }
    kernel.after(1_000, watch)
  }
  connect()
  return { read: () => read, name }
}

export const makeEventReaders = (options: EventReadersOptions) => {
  const { store } = options
  const readers = Array.from({ length: READERS }, (_, index) => startReader(`reader ${index + 1}`, options))
  return {
    /** What is left to read or to place, a sentence each. */
    behind: (): ReadonlyArray<string> => {
      const { placed, oldest, unplaced } = store.state.eventLog
      const newest = oldest + placed.length - 1
      return [
        ...(unplaced.length > 0 ? [`${unplaced.length} events have no position`] : []),
        ...readers.filter(({ read }) => read() < newest).map(({ name, read }) => `${name} is at ${read()} of ${newest}`)
      ]
    }
  }
}

export type EventReaders = ReturnType<typeof makeEventReaders>
