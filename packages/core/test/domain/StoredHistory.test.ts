/** The comparison of a stored session with the fold of its events: what is legal passes, and nothing that was touched does. */
import { assert, describe, it } from "@effect/vitest"
import {
  applyEvent,
  columnsOf,
  compareWithFold,
  EndReason,
  readEvent,
  type SessionChange,
  type SessionState,
  StopReason,
  type StoredEvent,
  type StoredRow,
  type StreamEvent,
  storedEvent
} from "@greenroom/core"
import { Arbitrary, type DateTime, Result } from "effect"
import { at, cases, element, integer, oneOf } from "../support/arbitraries.ts"

const happenings: Arbitrary.Arbitrary<SessionChange> = oneOf<SessionChange>([
  element<SessionChange>([
    { type: "ready", sourceType: "rtmpConn" },
    { type: "ready", sourceType: "srtConn" },
    { type: "kicked" }
  ]),
  Arbitrary.map(element(StopReason.literals), (reason): SessionChange => ({ type: "stop_requested", reason })),
  Arbitrary.map(element(EndReason.literals), (reason): SessionChange => ({ type: "ended", reason }))
])

interface Legal {
  readonly row: StoredRow
  readonly events: ReadonlyArray<StoredEvent>
}

/** What the state machine lets happen of what is tried, a second apart. */
const legal: Arbitrary.Arbitrary<Legal> = Arbitrary.map(Arbitrary.array(happenings, { maxLength: 12 }), (tried) => {
  const events: Array<StreamEvent> = [{ type: "admitted", seq: 1, at: at(0) }]
  let state: SessionState = Result.getOrThrow(applyEvent(null, events[0]!))
  for (const happening of tried) {
    const event = { ...happening, seq: events.length + 1, at: at(events.length * 1_000) }
    const next = applyEvent(state, event)
    if (Result.isFailure(next)) continue
    state = next.success
    events.push(event)
  }
  return { row: { ...columnsOf(state), lastSeq: events.length }, events: events.map(storedEvent) }
})

const elsewhere = at(-77_777)
const otherTime = (time: DateTime.Utc | null) => (time === null ? elsewhere : null)
const otherText = (text: string | null) => (text === null ? "stopped" : text === "stopped" ? null : "stopped")
const touches: { readonly [C in keyof StoredRow]: (row: StoredRow) => Partial<StoredRow> } = {
  startedAt: () => ({ startedAt: elsewhere }),
  readyAt: ({ readyAt }) => ({ readyAt: otherTime(readyAt) }),
  sourceType: ({ sourceType }) => ({ sourceType: otherText(sourceType) }),
  stopReason: ({ stopReason }) => ({ stopReason: otherText(stopReason) }),
  stopRequestedAt: ({ stopRequestedAt }) => ({ stopRequestedAt: otherTime(stopRequestedAt) }),
  kickedAt: ({ kickedAt }) => ({ kickedAt: otherTime(kickedAt) }),
  endedAt: ({ endedAt }) => ({ endedAt: otherTime(endedAt) }),
  endReason: ({ endReason }) => ({ endReason: otherText(endReason) }),
  lastSeq: ({ lastSeq }) => ({ lastSeq: lastSeq + 1 })
}
const columns = Object.keys(touches) as ReadonlyArray<keyof StoredRow>

const wrongEvents: ReadonlyArray<(event: StoredEvent) => StoredEvent> = [
  (event) => ({ ...event, at: elsewhere }),
  (event) => ({ ...event, seq: event.seq + 1 }),
  (event) => ({ ...event, type: event.type === "ready" ? "kicked" : "ready" }),
  (event) => ({ ...event, type: "resurrected" }),
  (event) =>
    event.type === "admitted" || event.type === "kicked" ? { ...event, at: elsewhere } : { ...event, data: {} },
  (event) => ({ ...event, type: "ended", data: { reason: "boredom" } })
]

describe("a stored session and its events", () => {
  it.prop(
    "any legal history passes",
    [legal],
    ([{ row, events }]) => {
      assert.deepStrictEqual(compareWithFold({ row, events }), [])
    },
    cases()
  )

  it.prop(
    "an event is read as it was written",
    [legal],
    ([{ events }]) => {
      for (const event of events) assert.deepStrictEqual(storedEvent(Result.getOrThrow(readEvent(event))), event)
    },
    cases()
  )

  it.prop(
    "a column that was touched is reported, whichever it is",
    [legal],
    ([{ row, events }]) => {
      for (const column of columns) {
        const problems = compareWithFold({ row: { ...row, ...touches[column](row) }, events })
        assert.strictEqual(problems.length, 1, column)
      }
    },
    cases()
  )

  it.prop(
    "an event that was touched, lost, doubled or moved is reported, whichever it is",
    [legal, integer(0, 4), integer(0, wrongEvents.length - 1)],
    ([{ row, events }, position, wrong]) => {
      const index = position % events.length
      const touched = wrongEvents[wrong]!(events[index]!)
      const reported = (changed: ReadonlyArray<StoredEvent>) =>
        assert.isNotEmpty(compareWithFold({ row, events: changed }), JSON.stringify({ row, changed }))
      reported(events.with(index, touched))
      reported(events.toSpliced(index, 1))
      reported(events.toSpliced(index, 0, events[index]!))
      if (events.length > 1) reported([...events.slice(1), events[0]!])
    },
    cases()
  )

  it("events of a stream that is not there are reported, and a row without events", () => {
    const events: ReadonlyArray<StoredEvent> = [{ seq: 1, at: at(0), type: "admitted", data: {} }]
    assert.deepStrictEqual(compareWithFold({ row: null, events }), ["the stream is not there, events of it are: 1"])
    const row = { ...columnsOf({ _tag: "Connecting", startedAt: at(0), ending: null }), lastSeq: 1 }
    assert.deepStrictEqual(compareWithFold({ row, events: [] }), [
      "last_seq is 1, events there are: 0",
      "its events are no history: no events"
    ])
  })
})
