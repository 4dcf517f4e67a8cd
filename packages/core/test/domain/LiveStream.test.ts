/**
 * The state machine of a publishing session: every transition and every refused one in a table, and what holds for any sequence
 * of events whatever.
 */
import { assert, describe, it } from "@effect/vitest"
import {
  applyEvent,
  type Ending,
  EndReason,
  endReasonOf,
  foldEvents,
  type SessionChange,
  type SessionState,
  StopReason,
  type StreamEvent,
  statusOf
} from "@greenroom/core"
import { Arbitrary, Result } from "effect"
import { streamEventTypes } from "../../src/domain/streams/StreamEvent.ts"
import { at, cases, element, oneOf } from "../support/arbitraries.ts"

const startedAt = at(0)
const stop = (kicked = false): Ending => ({ reason: "revoked", requestedAt: at(2), kickedAt: kicked ? at(3) : null })
const connecting = (ending: Ending | null = null): SessionState => ({ _tag: "Connecting", startedAt, ending })
const active = (ending: Ending | null = null): SessionState => ({
  _tag: "Active",
  startedAt,
  readyAt: at(1),
  sourceType: "rtmpConn",
  ending
})
const inactive = (reason: EndReason, ready: boolean, ending: Ending | null = null): SessionState => ({
  _tag: "Inactive",
  startedAt,
  readyAt: ready ? at(1) : null,
  sourceType: ready ? "rtmpConn" : null,
  ending,
  endedAt: at(9),
  reason
})
const states = {
  nothing: null,
  connecting: connecting(),
  "connecting, stopping": connecting(stop()),
  "connecting, kicked": connecting(stop(true)),
  active: active(),
  "active, stopping": active(stop()),
  "active, kicked": active(stop(true)),
  inactive: inactive("disconnected", true)
} as const
type StateName = keyof typeof states

const happenings: Record<string, SessionChange> = {
  admitted: { type: "admitted" },
  ready: { type: "ready", sourceType: "srtConn" },
  stop: { type: "stop_requested", reason: "stopped" },
  kicked: { type: "kicked" },
  disconnected: { type: "ended", reason: "disconnected" },
  never_ready: { type: "ended", reason: "never_ready" },
  restarted: { type: "ended", reason: "media_server_restarted" },
  revoked: { type: "ended", reason: "revoked" },
  stopped: { type: "ended", reason: "stopped" }
}

it("every type of event is among those that are tried", () => {
  const tried = new Set(Object.values(happenings).map(({ type }) => type))
  assert.deepStrictEqual([...tried].toSorted(), streamEventTypes.toSorted())
})

const when = at(9)
const readyNow = (ending: Ending | null): SessionState => ({
  _tag: "Active",
  startedAt,
  readyAt: when,
  sourceType: "srtConn",
  ending
})
const stopNow: Ending = { reason: "stopped", requestedAt: when, kickedAt: null }
const kickedNow: Ending = { ...stop(), kickedAt: when }

/** Every legal move; all that is not here is refused. */
const legal: { readonly [state in StateName]: { readonly [happening: string]: SessionState } } = {
  nothing: { admitted: { _tag: "Connecting", startedAt: when, ending: null } },
  connecting: {
    ready: readyNow(null),
    stop: connecting(stopNow),
    never_ready: inactive("never_ready", false),
    restarted: inactive("media_server_restarted", false)
  },
  "connecting, stopping": {
    ready: readyNow(stop()),
    kicked: connecting(kickedNow),
    revoked: inactive("revoked", false, stop())
  },
  "connecting, kicked": { ready: readyNow(stop(true)), revoked: inactive("revoked", false, stop(true)) },
  active: {
    stop: active(stopNow),
    disconnected: inactive("disconnected", true),
    restarted: inactive("media_server_restarted", true)
  },
  "active, stopping": { kicked: active(kickedNow), revoked: inactive("revoked", true, stop()) },
  "active, kicked": { revoked: inactive("revoked", true, stop(true)) },
  inactive: {}
}

const rows = (Object.keys(states) as Array<StateName>).flatMap((state) =>
  Object.keys(happenings).map((happening) => ({ state, happening, to: legal[state][happening] }))
)

describe("applyEvent", () => {
  it.each(rows)("$state, $happening", ({ state, happening, to }) => {
    const result = applyEvent(states[state], { ...happenings[happening]!, seq: 7, at: when })
    if (to !== undefined) assert.deepStrictEqual(Result.isSuccess(result) ? result.success : result.failure, to)
    else {
      assert.isTrue(Result.isFailure(result), "not refused")
      if (Result.isFailure(result)) assert.match(result.failure.why, /^[a-z].{5,}/)
    }
  })

  it("has all of its legal moves in the table", () => {
    assert.strictEqual(rows.filter((row) => row.to !== undefined).length, 16)
    assert.strictEqual(rows.length, 72)
  })

  it("says which rule an event breaks", () => {
    const why = (state: SessionState | null, happening: string) => {
      const result = applyEvent(state, { ...happenings[happening]!, seq: 1, at: when })
      return Result.isFailure(result) ? result.failure.why : ""
    }
    assert.strictEqual(why(null, "ready"), "ready before admitted")
    assert.strictEqual(why(active(), "admitted"), "admitted twice")
    assert.strictEqual(why(active(), "ready"), "ready twice")
    assert.strictEqual(why(active(stop()), "stop"), "a second stop: the first reason stays")
    assert.strictEqual(why(active(), "kicked"), "kicked without a stop")
    assert.strictEqual(why(active(stop(true)), "kicked"), "kicked twice")
    assert.strictEqual(why(active(), "never_ready"), "ended as never_ready instead of disconnected")
    assert.strictEqual(why(inactive("disconnected", true), "ready"), "ready after the end")
  })
})

const anyHappening: Arbitrary.Arbitrary<SessionChange> = oneOf<SessionChange>([
  element([{ type: "admitted" }, { type: "kicked" }, { type: "ready", sourceType: "rtmpConn" }]),
  Arbitrary.map(element(StopReason.literals), (reason): SessionChange => ({ type: "stop_requested", reason })),
  Arbitrary.map(element(EndReason.literals), (reason): SessionChange => ({ type: "ended", reason }))
])
const histories = Arbitrary.map(
  Arbitrary.array(Arbitrary.all([anyHappening, element([0, 1, -5])]), { maxLength: 12 }),
  (happened) =>
    happened.map(([happening, step], index): StreamEvent => ({ ...happening, seq: index + 1, at: at(index + step) }))
)
/** The events that the state machine takes, one after another, numbered anew; and each state on the way. */
const walk = (events: ReadonlyArray<StreamEvent>) => {
  const taken: Array<StreamEvent> = []
  const path: Array<SessionState> = []
  for (const event of events) {
    const result = applyEvent(path.at(-1) ?? null, event)
    if (Result.isFailure(result)) continue
    taken.push({ ...event, seq: taken.length + 1 })
    path.push(result.success)
  }
  return { taken, path }
}
/** Begins with an admission, so that there is a walk. */
const walks = Arbitrary.map(histories, (events) => walk([{ type: "admitted", seq: 1, at: at(0) }, ...events]))

describe("a session's history", () => {
  it.prop(
    "is a state or a reason, whatever happened",
    [histories],
    ([events]) => {
      const result = foldEvents(events)
      if (Result.isFailure(result)) assert.isAbove(result.failure.why.length, 0)
      else assert.include(["connecting", "active", "inactive"], statusOf(result.success))
    },
    cases(1_000)
  )

  it.prop(
    "folds to what its events make one by one",
    [walks],
    ([{ taken, path }]) => {
      for (let length = 1; length <= taken.length; length++)
        assert.deepStrictEqual(foldEvents(taken.slice(0, length)), Result.succeed(path[length - 1]!))
    },
    cases(500)
  )

  it.prop(
    "cannot leave a number out, repeat one or begin with another",
    [walks, element([0, 1, 2, 3, 4, 5]), element([-1, 1, 100])],
    ([{ taken }, where, by]) => {
      const index = where % taken.length
      const wrong = taken.map((event, n) => (n === index ? { ...event, seq: event.seq + by } : event))
      assert.deepStrictEqual(
        foldEvents(wrong),
        Result.fail({ why: `event ${index + 1} has the number ${index + 1 + by}` })
      )
    },
    cases(300)
  )

  it.prop(
    "stays ended, keeps the first reason to stop and the first kick, and never starts or gets ready twice",
    [walks],
    ([{ taken, path }]) => {
      for (const [index, state] of path.entries()) {
        const next = path[index + 1]
        if (state._tag === "Inactive") assert.isUndefined(next)
        if (next === undefined) continue
        assert.deepStrictEqual(next.startedAt, state.startedAt)
        if (state._tag === "Active" && next._tag !== "Connecting")
          assert.deepStrictEqual([next.readyAt, next.sourceType], [state.readyAt, state.sourceType])
        if (state._tag === "Active") assert.notStrictEqual(next._tag, "Connecting")
        if (state.ending === null) continue
        assert.strictEqual(next.ending?.reason, state.ending.reason)
        assert.deepStrictEqual(next.ending?.requestedAt, state.ending.requestedAt)
        if (state.ending.kickedAt !== null) assert.deepStrictEqual(next.ending?.kickedAt, state.ending.kickedAt)
      }
      for (const type of ["admitted", "ready", "stop_requested", "kicked", "ended"])
        assert.isAtMost(taken.filter((event) => event.type === type).length, 1, type)
    },
    cases(500)
  )

  it.prop(
    "can always end with the reason that endReasonOf gives, for either cause, and for a stop with its own",
    [walks, element(["left", "media_server_restarted"])],
    ([{ path }, cause]) => {
      for (const state of path) {
        if (state._tag === "Inactive") continue
        const reason = endReasonOf(state, cause)
        const ended = applyEvent(state, { type: "ended", reason, seq: 1, at: at(0) })
        assert.isTrue(Result.isSuccess(ended))
        if (Result.isSuccess(ended) && ended.success._tag === "Inactive")
          assert.strictEqual(ended.success.reason, reason)
        if (state.ending !== null) assert.strictEqual(reason, state.ending.reason)
        else if (cause === "media_server_restarted") assert.strictEqual(reason, "media_server_restarted")
        else assert.strictEqual(reason, state._tag === "Active" ? "disconnected" : "never_ready")
      }
    },
    cases(300)
  )

  it("does not exist without events", () => {
    assert.deepStrictEqual(foldEvents([]), Result.fail({ why: "no events" }))
  })
})
