/** Events as they are stored: what was written is read again, and what no event can hold is refused. */
import { assert, describe, it } from "@effect/vitest"
import { EndReason, eventData, readEvent, type SessionChange, StopReason, type StreamEvent } from "@greenroom/core"
import { Arbitrary, Result } from "effect"
import type { StoredEvent } from "../../src/domain/streams/StreamEvent.ts"
import { at, cases, element, oneOf } from "../support/arbitraries.ts"

/** One generator for each type: the compiler misses one that is not here. */
const changesOf: { readonly [T in SessionChange["type"]]: Arbitrary.Arbitrary<SessionChange> } = {
  admitted: element<SessionChange>([{ type: "admitted" }]),
  ready: element<SessionChange>([{ type: "ready", sourceType: "srtConn" }]),
  stop_requested: Arbitrary.map(
    element(StopReason.literals),
    (reason): SessionChange => ({ type: "stop_requested", reason })
  ),
  kicked: element<SessionChange>([{ type: "kicked" }]),
  ended: Arbitrary.map(element(EndReason.literals), (reason): SessionChange => ({ type: "ended", reason }))
}
const changes: Arbitrary.Arbitrary<SessionChange> = oneOf<SessionChange>(Object.values(changesOf))

describe("a stored event", () => {
  it.prop(
    "is read as it was written",
    [changes],
    ([change]) => {
      const event: StreamEvent = { ...change, seq: 3, at: at(0) }
      const stored: StoredEvent = { seq: event.seq, at: event.at, type: event.type, data: eventData(event) }
      assert.deepStrictEqual(Result.getOrThrow(readEvent(stored)), event)
    },
    cases()
  )

  it("is refused when its type is unknown or its data is that of no such event", () => {
    const wrong: ReadonlyArray<readonly [string, unknown]> = [
      ["resurrected", {}],
      ["ready", {}],
      ["ready", []],
      ["stop_requested", { reason: "disconnected" }],
      ["ended", { reason: "boredom" }],
      ["ended", null]
    ]
    for (const [type, data] of wrong) {
      const read = readEvent({ seq: 2, at: at(0), type, data })
      assert.match(Result.isFailure(read) ? read.failure : "read", /^event 2 /, `${type} ${JSON.stringify(data)}`)
    }
  })
})
