/** The worker's state machine against random histories: whatever happens in whatever order, these hold. */
import { assert, describe, it } from "@effect/vitest"
import { workerStates } from "@greenroom/core"
import { Arbitrary } from "effect"
import { stepWorker } from "../../src/domain/workers/workerMachine.ts"
import {
  ATTEMPTS,
  CONNECT_WITHIN_MS,
  holdsPlace,
  newWorker,
  OUTPUT_MISSING_MS,
  RETRY_AFTER_MS,
  STEADY_MS,
  stateName,
  type Worker,
  type WorkerEvent,
  type WorkerPhase
} from "../../src/domain/workers/workerState.ts"
import { cases, element, oneOf, streamId } from "../support/arbitraries.ts"

const events: Arbitrary.Arbitrary<WorkerEvent> = oneOf<WorkerEvent>([
  element([{ _tag: "Granted" }, { _tag: "Granted" }, { _tag: "OutputSeen" }, { _tag: "Ended", reason: "exit code 1" }]),
  element([
    { _tag: "SourceSeen", source: streamId(1) },
    { _tag: "SourceSeen", source: streamId(1) },
    { _tag: "SourceSeen", source: streamId(2) },
    { _tag: "SourceGone" }
  ]),
  element([
    { _tag: "OutputMissing" },
    { _tag: "NotStarted", reason: "the store does not answer" },
    { _tag: "Held", why: "full" },
    { _tag: "Held", why: "output_taken" },
    { _tag: "Withdrawn", reason: "another instance leads" }
  ])
])

interface Moment {
  readonly event: WorkerEvent
  /** How long after the one before. */
  readonly after: number
}

const pauses = element([
  0,
  1,
  999,
  1_000,
  2_000,
  4_000,
  OUTPUT_MISSING_MS,
  STEADY_MS - 1,
  STEADY_MS,
  CONNECT_WITHIN_MS + 1
])
const histories = Arbitrary.array(Arbitrary.all({ event: events, after: pauses }), { maxLength: 60 })

interface Step {
  readonly before: Worker
  readonly after: Worker
  readonly event: WorkerEvent
  readonly command: "start" | "stop" | null
  readonly now: number
}

const stepsOf = (history: ReadonlyArray<Moment>): ReadonlyArray<Step> => {
  let worker = newWorker
  let now = 0
  return history.map(({ event, after }) => {
    now += after
    const before = worker
    const step = stepWorker(before, event, now)
    worker = step.worker
    return { before, after: worker, event, command: step.command, now }
  })
}

const sourceOf = (phase: WorkerPhase) => (phase._tag === "Stopped" ? null : phase.source)
const holds = (name: string, law: (steps: ReadonlyArray<Step>) => void) =>
  it.prop(name, [histories], ([history]) => law(stepsOf(history)), cases(2_000))

describe("a worker", () => {
  holds("has a name for every state that it is in", (steps) => {
    for (const { after } of steps) assert.include(workerStates, stateName(after.phase))
  })

  holds("starts a process only when it has none, and stops only one that is up", (steps) => {
    for (const { before, after, command } of steps) {
      if (command === "start") assert.deepStrictEqual([before.process, after.process], ["none", "up"])
      if (command === "stop") assert.deepStrictEqual([before.process, after.process], ["up", "ending"])
      if (command === null) {
        assert.isFalse(before.process === "none" && after.process !== "none")
        assert.isFalse(after.process === "ending" && before.process !== "ending")
      }
    }
  })

  holds("connects and runs with a process that is up, and with that alone", (steps) => {
    for (const { after } of steps) {
      const atWork = after.phase._tag === "Connecting" || after.phase._tag === "Running"
      assert.strictEqual(atWork, after.process === "up")
    }
  })

  holds("starts when it is granted, with a source, not before its time", (steps) => {
    for (const { before, event, command, now } of steps) {
      if (command !== "start") continue
      assert.strictEqual(event._tag, "Granted")
      assert.isNotNull(sourceOf(before.phase))
      if (before.phase._tag === "Retrying") assert.isAtLeast(now, before.phase.due)
      else assert.strictEqual(before.phase._tag, "Idle")
    }
  })

  holds("makes one attempt and three retries between two steady runs of one source, never more", (steps) => {
    let starts = 0
    for (const { before, after, event, command, now } of steps) {
      const steady = before.phase._tag === "Running" && now - before.phase.since >= STEADY_MS
      // A run that lasted is the first attempt of what comes after it.
      if (steady && after.phase._tag === "Retrying") starts = 1
      if (sourceOf(after.phase) !== sourceOf(before.phase) || after.phase._tag === "Idle") starts = 0
      if (event._tag === "NotStarted" && before.process === "up") starts = Math.max(0, starts - 1)
      if (command === "start") starts += 1
      assert.isAtMost(starts, ATTEMPTS)
    }
  })

  holds("waits 1, 2 and 4 seconds before its retries, and fails after the third", (steps) => {
    for (const { before, after, event, now } of steps) {
      if (event._tag === "NotStarted") continue
      if (after.phase._tag === "Retrying" && before.phase._tag !== "Retrying") {
        assert.strictEqual(after.phase.due - now, RETRY_AFTER_MS[after.phase.attempt - 1])
      }
      if (after.phase._tag === "Failed" && before.phase._tag !== "Failed") {
        assert.strictEqual(after.phase.attempt, ATTEMPTS)
      }
    }
  })

  holds("stays failed, with its reason, until there is another source or the same one comes back", (steps) => {
    for (const { before, after, event, now } of steps) {
      if (before.phase._tag !== "Failed" || event._tag === "Withdrawn") continue
      if (event._tag === "SourceSeen" && event.source !== before.phase.source) {
        assert.deepStrictEqual(after.phase, { _tag: "Idle", source: event.source, why: "new", since: now })
      } else {
        assert.strictEqual(after.phase._tag, "Failed")
        if (after.phase._tag === "Failed") assert.strictEqual(after.phase.reason, before.phase.reason)
      }
    }
  })

  holds("begins anew with every new source, and is not disturbed by the one that it has", (steps) => {
    for (const { before, after, event, command, now } of steps) {
      if (event._tag !== "SourceSeen") continue
      if (sourceOf(before.phase) !== event.source) {
        assert.deepStrictEqual(after.phase, {
          _tag: "Idle",
          source: event.source,
          why: "new",
          since: holdsPlace(before) ? 0 : now
        })
        assert.strictEqual(command, before.process === "up" ? "stop" : null)
      } else if (before.phase._tag !== "Connecting") assert.deepStrictEqual(after, before)
    }
  })

  holds("has nothing up once its source has gone or it was withdrawn", (steps) => {
    for (const { after, event } of steps) {
      if (event._tag !== "SourceGone" && event._tag !== "Withdrawn") continue
      assert.notStrictEqual(after.process, "up")
      assert.isTrue(after.phase._tag === "Stopped" || (after.phase._tag === "Failed" && after.phase.source === null))
    }
  })

  holds("holds a place while it has a process or the promise of one, and only then", (steps) => {
    for (const { after } of steps) {
      assert.strictEqual(holdsPlace(after), after.process !== "none" || after.phase._tag === "Retrying")
    }
  })
})

describe("a worker that is at it", () => {
  const source = streamId(1)
  const after = (moments: ReadonlyArray<readonly [number, WorkerEvent]>) =>
    moments.reduce((worker, [now, event]) => stepWorker(worker, event, now).worker, newWorker)
  const seen = { _tag: "SourceSeen", source } as const

  it("gives up a connection without output after 15 s, and a run without output after 3 s", () => {
    const connecting = after([
      [0, seen],
      [0, { _tag: "Granted" }]
    ])
    assert.strictEqual(stepWorker(connecting, seen, CONNECT_WITHIN_MS).command, null)
    assert.strictEqual(stepWorker(connecting, seen, CONNECT_WITHIN_MS + 1).command, "stop")

    const running = stepWorker(connecting, { _tag: "OutputSeen" }, 500).worker
    const missing = stepWorker(running, { _tag: "OutputMissing" }, 5_000).worker
    assert.strictEqual(stepWorker(missing, { _tag: "OutputMissing" }, 7_999).command, null)
    const lost = stepWorker(missing, { _tag: "OutputMissing" }, 8_000)
    assert.strictEqual(lost.command, "stop")
    assert.deepStrictEqual(lost.worker.phase, {
      _tag: "Retrying",
      source,
      attempt: 1,
      due: 9_000,
      reason: "its output has left the media server"
    })
    const back = stepWorker(missing, { _tag: "OutputSeen" }, 7_000).worker
    assert.strictEqual(stepWorker(back, { _tag: "OutputMissing" }, 8_000).command, null)
  })

  it("fails at the fourth attempt, and starts from one after a steady run", () => {
    let worker = after([[0, seen]])
    let now = 0
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      worker = stepWorker(worker, { _tag: "Granted" }, now).worker
      worker = stepWorker(worker, { _tag: "Ended", reason: "exit code 1" }, now).worker
      now += RETRY_AFTER_MS[attempt - 1] ?? 0
    }
    assert.deepStrictEqual(worker.phase, { _tag: "Failed", source, attempt: 4, reason: "exit code 1" })

    const gone = stepWorker(worker, { _tag: "SourceGone" }, now).worker
    assert.deepStrictEqual(gone.phase, { _tag: "Failed", source: null, attempt: 4, reason: "exit code 1" })
    assert.deepStrictEqual(stepWorker(worker, seen, now).worker, worker)
    assert.deepStrictEqual(stepWorker(gone, seen, now).worker.phase, { _tag: "Idle", source, why: "new", since: now })

    const third = after([
      [0, seen],
      [0, { _tag: "Granted" }],
      [0, { _tag: "Ended", reason: "" }],
      [1_000, { _tag: "Granted" }],
      [1_000, { _tag: "Ended", reason: "" }],
      [3_000, { _tag: "Granted" }],
      [3_100, { _tag: "OutputSeen" }]
    ])
    const soon = stepWorker(third, { _tag: "Ended", reason: "" }, 3_100 + STEADY_MS - 1).worker.phase
    const late = stepWorker(third, { _tag: "Ended", reason: "" }, 3_100 + STEADY_MS).worker.phase
    assert.deepInclude(soon, { _tag: "Retrying", attempt: 3 })
    assert.deepInclude(late, { _tag: "Retrying", attempt: 1 })
  })

  it("fails after four attempts that only ever connected, however long each took", () => {
    let worker = after([[0, seen]])
    let now = 0
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      worker = stepWorker(worker, { _tag: "Granted" }, now).worker
      now += CONNECT_WITHIN_MS + 1
      worker = stepWorker(worker, seen, now).worker
      worker = stepWorker(worker, { _tag: "Ended", reason: "it was stopped" }, now).worker
      now += RETRY_AFTER_MS[attempt - 1] ?? 0
    }
    assert.deepStrictEqual(worker.phase, { _tag: "Failed", source, attempt: 4, reason: "no output within 15 s" })
  })

  it("is not charged with an attempt that was none", () => {
    const tried = after([
      [0, seen],
      [0, { _tag: "Granted" }],
      [0, { _tag: "Ended", reason: "exit code 1" }],
      [1_000, { _tag: "Granted" }],
      [1_000, { _tag: "NotStarted", reason: "the store does not answer" }]
    ])
    assert.deepInclude(tried.phase, { _tag: "Retrying", attempt: 1, due: 2_000 })
    assert.deepInclude(stepWorker(tried, { _tag: "Granted" }, 2_000).worker.phase, { _tag: "Connecting", attempt: 2 })
  })
})
