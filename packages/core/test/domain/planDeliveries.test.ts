/** The planner of webhook deliveries against random logs, receivers and crashes: order within a subject, nothing lost, and no subject held up by others. */
import { assert, describe, it } from "@effect/vitest"
import type { SendOutcome } from "@greenroom/core"
import { Arbitrary } from "effect"
import { HELD_SUBJECTS_MAX } from "../../src/domain/webhooks/DeliveryState.ts"
import { nextSends } from "../../src/domain/webhooks/planDeliveries.ts"
import { ATTEMPTS_MAX, FAILING_AT_MOST_MS } from "../../src/domain/webhooks/retrySchedule.ts"
import { cases, element, integer, oneOf } from "../support/arbitraries.ts"
import {
  answered,
  append,
  crash,
  type DeliveryWorld,
  finish,
  heal,
  look,
  newWorld,
  noAnswer,
  OK,
  read,
  send,
  settle
} from "../support/deliveries.ts"

type Step = (world: DeliveryWorld) => void

const outcomes = element<SendOutcome>([
  OK,
  OK,
  answered(500),
  answered(503, 60_000),
  answered(301),
  answered(429),
  answered(429, 3_600_000),
  noAnswer("refused"),
  noAnswer("timeout"),
  noAnswer("reset"),
  noAnswer("name")
])

const steps: Arbitrary.Arbitrary<Step> = oneOf<Step>([
  Arbitrary.map(integer(0, 5), (subject) => (world) => append(world, `s${subject}`)),
  Arbitrary.map(integer(0, 40), (subject) => (world) => {
    for (let n = 0; n < 20; n++) append(world, `s${(subject + n * 7) % 40}`)
  }),
  element<Step>([look, send, settle, read, (world) => read(world, 2), crash]),
  element<Step>([look, send]),
  Arbitrary.map(Arbitrary.all({ which: integer(0, 31), outcome: outcomes }), ({ which, outcome }) => (world) => {
    finish(world, which, outcome)
  }),
  Arbitrary.map(Arbitrary.all({ which: integer(0, 31), outcome: outcomes }), ({ which, outcome }) => (world) => {
    finish(world, which, outcome)
  }),
  Arbitrary.map(element([1, 250, 6_000, 400_000, 7_200_000]), (millis) => (world) => {
    world.now += millis
  })
])

/** `n` subjects that have failed once, and are held. */
const holding = (world: DeliveryWorld, n: number): void => {
  for (let subject = 0; subject < n; subject++) {
    append(world, `held${subject}`)
    append(world, "fine")
    look(world)
    // A success in between, so that failures in a row do not stop the endpoint.
    send(world)
    while (world.state.inFlight.size > 0)
      finish(world, 0, [...world.state.inFlight.values()][0]!.event.subject === "fine" ? OK : answered(500))
    settle(world)
  }
}

describe("deliveries to one endpoint", () => {
  it.prop(
    "whatever a receiver does and however often the holder crashes: order within a subject, nothing lost, all bounds kept",
    [Arbitrary.array(steps, { minLength: 20, maxLength: 200 })],
    ([history]) => {
      const world = newWorld()
      for (const step of history) step(world)
      heal(world)
      assert.strictEqual(world.done.size, world.log.length)
      assert.deepStrictEqual([world.state.held.size, world.state.window.length, world.state.stop], [0, 0, null])
    },
    cases(200, 200)
  )

  it("without a crash and without a failure each event is sent once", () => {
    const world = newWorld()
    for (let n = 0; n < 1_000; n++) append(world, `s${n % 7}`)
    heal(world)
    assert.strictEqual(world.sent.length, 1_000)
  })

  it("a held subject holds no other, and its later events follow in order", () => {
    const world = newWorld()
    holding(world, 1)
    for (let n = 0; n < 50; n++) append(world, n % 2 === 0 ? "held0" : "other")
    for (let turn = 0; turn < 40; turn++) {
      look(world)
      send(world)
      while (world.state.inFlight.size > 0) finish(world, 0, OK)
      settle(world)
    }
    assert.strictEqual(world.state.position, world.log.length)
    assert.deepStrictEqual([...world.state.held.keys()], ["held0"])
    heal(world)
    const positions = world.sent.filter(({ event }) => event.subject === "held0").map(({ event }) => event.position)
    assert.deepStrictEqual(positions, [1, 1, ...Array.from({ length: 25 }, (_, n) => 3 + 2 * n)])
  })

  it("attempts count while an older request of another subject is still open", () => {
    const world = newWorld()
    append(world, "slow")
    append(world, "bad")
    look(world)
    send(world)
    finish(world, 1, answered(500))
    settle(world)
    assert.strictEqual(world.state.position, 0)
    world.now = world.state.held.get("bad")!.dueAt
    read(world)
    send(world)
    finish(world, 1, answered(500))
    assert.strictEqual(world.state.held.get("bad")?.attempt, 2)
    heal(world)
  })

  it("an event is given up after its last attempt, and its subject goes on", () => {
    const world = newWorld()
    append(world, "one")
    append(world, "one")
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      // Another subject succeeds, so that the endpoint is not the one that fails.
      append(world, "fine")
      look(world)
      read(world)
      send(world)
      while (world.state.inFlight.size > 0)
        finish(world, 0, [...world.state.inFlight.values()][0]!.event.subject === "fine" ? OK : answered(500))
      settle(world)
      world.now = world.state.held.get("one")?.dueAt ?? world.now
    }
    const first = world.deliveries.filter(({ position }) => position === 1)
    assert.deepStrictEqual(
      first.map(({ outcome }) => outcome),
      [...Array.from({ length: ATTEMPTS_MAX - 1 }, () => "retrying" as const), "failed"]
    )
    heal(world)
    assert.deepInclude(world.deliveries.find(({ position }) => position === 2)!, { outcome: "delivered", attempt: 1 })
  })

  it.each([["refused"], ["timeout"]] as const)(
    "%s stops the endpoint: one probe at a time, until one succeeds",
    (why) => {
      const world = newWorld()
      for (let n = 0; n < 500; n++) append(world, `s${n % 100}`)
      look(world)
      send(world)
      while (world.state.inFlight.size > 0) finish(world, 0, noAnswer(why))
      settle(world)
      for (let probes = 1; probes <= 5; probes++) {
        assert.strictEqual(world.state.stop?.attempt, probes)
        assert.deepStrictEqual(nextSends(world.state, world.state.stop!.dueAt - 1), [])
        world.now = world.state.stop!.dueAt
        read(world)
        send(world)
        assert.strictEqual(world.state.inFlight.size, 1)
        finish(world, 0, probes < 5 ? noAnswer(why) : OK)
        settle(world)
      }
      assert.isNull(world.state.stop)
      heal(world)
    }
  )

  it("ten failures in a row stop the endpoint", () => {
    const world = newWorld()
    for (let n = 0; n < 10; n++) append(world, `s${n}`)
    look(world)
    send(world)
    for (let n = 0; n < 9; n++) finish(world, 0, answered(500))
    assert.isNull(world.state.stop)
    finish(world, 0, answered(500))
    assert.isNotNull(world.state.stop)
    heal(world)
  })

  it("when no more subjects can be held, the endpoint stops and nothing is lost", () => {
    const world = newWorld()
    holding(world, HELD_SUBJECTS_MAX)
    assert.deepStrictEqual([world.state.held.size, world.state.stop], [HELD_SUBJECTS_MAX, null])
    append(world, "one more")
    look(world)
    send(world)
    finish(world, 0, answered(500))
    settle(world)
    assert.isNotNull(world.state.stop)
    assert.strictEqual(world.state.position, world.log.length - 1)
    heal(world, Number.POSITIVE_INFINITY)
    assert.strictEqual(world.done.size, world.log.length)
  })

  it("410 disables at once, and five days without a success do", () => {
    const gone = newWorld()
    append(gone, "one")
    look(gone)
    send(gone)
    finish(gone, 0, answered(410))
    assert.strictEqual(gone.state.unsettled.disable, "gone")
    settle(gone)
    assert.strictEqual(gone.state.position, 0)

    const failing = newWorld()
    append(failing, "one")
    while (failing.state.unsettled.disable === null) {
      look(failing)
      send(failing)
      finish(failing, 0, noAnswer("refused"))
      if (failing.state.unsettled.disable !== null) break
      settle(failing)
      assert.isBelow(failing.now, FAILING_AT_MOST_MS)
      failing.now = failing.state.stop!.dueAt
    }
    assert.strictEqual(failing.state.unsettled.disable, "failing")
    assert.isAtLeast(failing.now, FAILING_AT_MOST_MS)
    assert.isBelow(failing.now, FAILING_AT_MOST_MS + 27 * 3_600_000)
    assert.deepStrictEqual(nextSends(failing.state, failing.now * 2), [])
  })
})
