/**
 * Simulated time. Everything that happens is an event with a time; between events nothing runs. Effect's fibers run on it too: their
 * scheduler is a queue that is emptied after each event, their clock sleeps on the same events, so that a minute takes milliseconds
 * and the same schedule always happens in the same order. No timer, no promise and no macrotask of Node takes part.
 */
import { type Clock, Duration, Effect, type Scheduler } from "effect"

export interface Timer {
  readonly cancel: () => void
}

interface Event {
  readonly at: number
  readonly order: number
  run: (() => void) | null
}

export interface Kernel {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly after: (millis: number, run: () => void) => Timer
  /** Lets everything happen that is due by then, and moves the time there. Stops early when `until` says so. */
  readonly runTo: (time: number, until?: () => boolean) => void
  /** Lets the fibers run as far as they can at this moment. */
  readonly settle: () => void
  readonly scheduler: Scheduler.Scheduler
  /**
   * The clocks of a process: a wall clock that is `ahead` milliseconds off at this moment, and a monotonic one, which nobody sets. Sleepers
   * wake through `deliver`: a frozen process sleeps on.
   */
  readonly clock: (ahead: () => number, deliver: (run: () => void) => void) => Clock.Clock
}

const isBefore = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

/** A binary heap: the next event first. */
const makeHeap = () => {
  const events: Array<Event> = []
  return {
    first: (): Event | undefined => events[0],
    push: (event: Event): void => {
      let index = events.push(event) - 1
      while (index > 0) {
        const parent = (index - 1) >> 1
        if (!isBefore(event, events[parent]!)) break
        events[index] = events[parent]!
        index = parent
      }
      events[index] = event
    },
    pop: (): void => {
      const last = events.pop()!
      if (events.length === 0) return
      let index = 0
      for (;;) {
        let child = 2 * index + 1
        if (child >= events.length) break
        if (child + 1 < events.length && isBefore(events[child + 1]!, events[child]!)) child += 1
        if (!isBefore(events[child]!, last)) break
        events[index] = events[child]!
        index = child
      }
      events[index] = last
    }
  }
}

export const makeKernel = (start: number): Kernel => {
  const heap = makeHeap()
  const tasks: Array<() => void> = []
  const laterTasks: Array<() => void> = []
  let time = start
  let order = 0

  const settle = () => {
    for (;;) {
      for (let index = 0; index < tasks.length; index++) tasks[index]!()
      tasks.length = 0
      const later = laterTasks.shift()
      if (later === undefined) return
      later()
    }
  }
  const after = (millis: number, run: () => void): Timer => {
    const event: Event = { at: time + Math.max(0, Math.ceil(millis)), order: order++, run }
    heap.push(event)
    return {
      cancel: () => {
        event.run = null
      }
    }
  }
  const runTo = (end: number, until?: () => boolean) => {
    settle()
    for (let event = heap.first(); event !== undefined && event.at <= end; event = heap.first()) {
      heap.pop()
      if (event.run === null) continue
      time = event.at
      event.run()
      settle()
      if (until?.()) return
    }
    if (time < end) time = end
  }
  const scheduleTask = (task: () => void, priority: number) => {
    ;(priority > 0 ? laterTasks : tasks).push(task)
  }
  const dispatcher: Scheduler.SchedulerDispatcher = { scheduleTask, flush: settle }

  return {
    now: () => time,
    after,
    runTo,
    settle,
    scheduler: { executionMode: "sync", shouldYield: () => false, makeDispatcher: () => dispatcher },
    clock: (ahead, deliver) => {
      const millis = () => time + ahead()
      const nanos = () => BigInt(millis()) * 1_000_000n
      const monotonic = () => BigInt(time - start) * 1_000_000n
      return {
        currentTimeMillisUnsafe: millis,
        currentTimeMillis: Effect.sync(millis),
        currentTimeNanosUnsafe: nanos,
        currentTimeNanos: Effect.sync(nanos),
        monotonicTimeNanosUnsafe: monotonic,
        monotonicTimeNanos: Effect.sync(monotonic),
        sleep: (duration) =>
          Effect.callback<void>((resume) => {
            const length = Duration.toMillis(duration)
            if (!Number.isFinite(length)) return Effect.void
            const timer = after(length, () => deliver(() => resume(Effect.void)))
            return Effect.sync(timer.cancel)
          })
      }
    }
  }
}
