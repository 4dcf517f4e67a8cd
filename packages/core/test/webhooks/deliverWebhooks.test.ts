/** Deliveries over a store in memory, by receivers that fail in every way, instances that are killed or frozen, and a store that is away. */
import { assert, describe, it } from "@effect/vitest"
import { MemoryStore } from "@greenroom/adapters/memory"
import { Events, type SendOutcome, WebhookEndpoints } from "@greenroom/core"
import { Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import { answered, noAnswer, OK } from "../support/deliveries.ts"
import { metered } from "../support/logs.ts"
import {
  change,
  createEndpoint,
  type InWorld,
  kill,
  makeWorld,
  type Received,
  run,
  secretOf,
  subjects,
  urlOf
} from "./deliveryWorld.ts"

type World = ReturnType<typeof makeWorld>

const inWorld = (name: string, test: (world: World) => InWorld<unknown>) =>
  it.effect(
    name,
    () =>
      Effect.suspend(() => {
        const world = makeWorld()
        return Effect.provide(Effect.scoped(test(world)), world.layer)
      }),
    30_000
  )

const A = urlOf("a")
const B = urlOf("b")

/** The events as each subject has them; a repetition of one that was accepted counts once. */
const bySubject = (requests: ReadonlyArray<Received>) => {
  const seen = new Map<string, Array<string>>()
  for (const { id, subject } of requests) {
    const ids = seen.get(subject) ?? []
    if (!ids.includes(id)) seen.set(subject, [...ids, id])
  }
  return seen
}

/** Every event of the log was accepted, in order within its subject. */
const isComplete = (world: World, url = A, from = 0) =>
  Effect.gen(function* () {
    const { events } = yield* (yield* Events).read(from, {}, 5_000)
    const expected = new Map<string, Array<string>>()
    for (const { id, subject } of events) expected.set(subject, [...(expected.get(subject) ?? []), id])
    const accepted = bySubject(world.receiver.accepted(url))
    for (const [subject, ids] of expected) assert.deepStrictEqual(accepted.get(subject), ids, subject)
  })

const endpoint = (id: Parameters<WebhookEndpoints["Service"]["find"]>[0]) =>
  Effect.flatMap(WebhookEndpoints, (endpoints) => Effect.map(endpoints.find(id), Option.getOrThrow))

describe("deliveries", () => {
  inWorld("each wanted event is sent once, signed, soon, and the position follows", (world) =>
    Effect.gen(function* () {
      const id = yield* createEndpoint("a")
      yield* createEndpoint("b", { types: ["broadcaster.deleted"] })
      yield* run("one")
      yield* TestClock.adjust("1 second")
      const ids = yield* subjects(5)
      yield* TestClock.adjust("30 millis")
      assert.strictEqual(world.receiver.of(A).length, 5, "within 30 ms")
      for (let n = 0; n < 20; n++) yield* change(ids[n % 5]!)
      yield* TestClock.adjust("10 seconds")
      yield* isComplete(world)
      assert.strictEqual(world.receiver.of(A).length, 25)
      assert.strictEqual(world.receiver.of(B).length, 0)
      assert.deepStrictEqual(world.receiver.requests[0]!.secretTexts, ["whsec_a"])
      assert.strictEqual((yield* endpoint(id)).position, 25)
      const listed = yield* (yield* WebhookEndpoints).list
      assert.deepStrictEqual(
        listed.map(({ position }) => position),
        [25, 25]
      )
      const { items } = yield* (yield* WebhookEndpoints).deliveries(id, { limit: null, after: null })
      assert.strictEqual(items.filter(({ outcome }) => outcome === "delivered").length, 25)
    })
  )

  inWorld(
    "an event that fails holds its subject alone, is tried again after 5 s, and its subject follows in order",
    (world) =>
      Effect.gen(function* () {
        const id = yield* createEndpoint("a")
        yield* run("one")
        const [bad, ...good] = yield* subjects(4)
        world.receiver.respond = ({ subject }, earlier) =>
          Effect.succeed(subject.endsWith(bad!) && !earlier.some((one) => one.subject === subject) ? answered(500) : OK)
        yield* TestClock.adjust("1 second")
        for (let n = 0; n < 12; n++) yield* change(n % 2 === 0 ? bad! : good[n % 3]!)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(world.receiver.accepted(A).length, 3 + 6)
        assert.strictEqual((yield* endpoint(id)).position, 16, "nothing waits at the position")
        assert.strictEqual((yield* (yield* WebhookEndpoints).held(id)).length, 1)
        yield* TestClock.adjust("6 seconds")
        yield* isComplete(world)
        assert.deepStrictEqual(yield* (yield* WebhookEndpoints).held(id), [])
        assert.strictEqual(world.receiver.of(A).length, 17)
      })
  )

  inWorld("a refused connection stops the endpoint, is seen, and ends with the first success", (world) =>
    Effect.gen(function* () {
      const id = yield* createEndpoint("a")
      yield* createEndpoint("b")
      world.receiver.respond = ({ url }) => Effect.succeed(url === A ? noAnswer("refused") : OK)
      const { counts } = yield* metered(
        Effect.gen(function* () {
          yield* run("one")
          yield* TestClock.adjust("1 second")
          const ids = yield* subjects(40)
          yield* TestClock.adjust("1 second")
          const atOnce = world.receiver.of(A).length
          assert.isAtMost(atOnce, 32)
          yield* isComplete(world, B)
          for (const one of ids) yield* change(one)
          yield* TestClock.adjust("3 minutes")
          assert.strictEqual(world.receiver.of(A).length, atOnce + 1, "one probe after 5 s")
          assert.isNotNull((yield* endpoint(id)).nextAttemptAt)
          assert.isNotNull((yield* endpoint(id)).failingSince)
          yield* isComplete(world, B)
        })
      )
      assert.strictEqual(counts["greenroom_degraded kind=webhook_endpoint_failing"], 1)
      assert.isAbove(counts["greenroom_webhook_attempts_total outcome=retrying"] ?? 0, 0)
      world.receiver.respond = () => Effect.succeed(OK)
      yield* TestClock.adjust("4 minutes")
      yield* isComplete(world)
      assert.deepInclude(yield* endpoint(id), { nextAttemptAt: null, failingSince: null, position: 80 })
      assert.deepStrictEqual(
        world.log.said().filter((line) => /webhook/.test(line)),
        [
          "WARN a webhook endpoint fails: its events wait, one attempt at a time is made",
          "INFO a webhook endpoint gets events again"
        ]
      )
    })
  )

  inWorld("a receiver that hangs holds up no other endpoint, and has at most 32 requests", (world) =>
    Effect.gen(function* () {
      yield* createEndpoint("a")
      yield* createEndpoint("b")
      world.receiver.respond = ({ url }) =>
        url === A ? Effect.delay(Effect.succeed(noAnswer("timeout")), "15 seconds") : Effect.succeed(OK)
      yield* run("one")
      yield* TestClock.adjust("1 second")
      yield* subjects(200)
      yield* TestClock.adjust("2 seconds")
      yield* isComplete(world, B)
      assert.strictEqual(world.receiver.mostOpen, 33)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(world.receiver.of(A).filter(({ outcome }) => outcome === null).length, 1, "the probe")
      world.receiver.respond = () => Effect.succeed(OK)
      yield* TestClock.adjust("6 minutes")
      yield* isComplete(world)
    })
  )

  inWorld("429 with Retry-After waits so long; 410 disables, with an event and a condition", (world) =>
    Effect.gen(function* () {
      const a = yield* createEndpoint("a")
      const b = yield* createEndpoint("b")
      world.receiver.respond = ({ url }, earlier) =>
        Effect.succeed(url === B ? answered(410) : earlier.some((one) => one.url === A) ? OK : answered(429, 60_000))
      const { counts } = yield* metered(
        Effect.gen(function* () {
          yield* run("one")
          yield* TestClock.adjust("1 second")
          yield* subjects(1)
          yield* TestClock.adjust("50 seconds")
          assert.strictEqual(world.receiver.of(A).length, 1)
          yield* TestClock.adjust("15 seconds")
          assert.deepInclude(yield* endpoint(b), { enabled: false, disabledReason: "gone" })
          assert.strictEqual(world.receiver.of(B).length, 1)
        })
      )
      assert.strictEqual(counts["greenroom_degraded kind=webhook_endpoints_disabled"], 1)
      assert.deepStrictEqual(
        world.log.lines
          .filter(({ message }) => /disabled$/.test(String(message)))
          .map(({ annotations }) => annotations),
        [{ webhook_endpoint: b, reason: "gone" }]
      )
      const types = world.receiver.accepted(A).map(({ body }) => JSON.parse(body).type)
      assert.sameMembers(types, ["broadcaster.created", "webhook_endpoint.disabled"])
      assert.isTrue((yield* endpoint(a)).enabled)
      yield* (yield* WebhookEndpoints).change(b, { enabled: true })
      world.receiver.respond = () => Effect.succeed(OK)
      yield* TestClock.adjust("10 seconds")
      yield* isComplete(world, B)
    })
  )

  inWorld("after a rotation both secrets sign, and a change of the URL applies to what is sent next", (world) =>
    Effect.gen(function* () {
      const id = yield* createEndpoint("a")
      yield* run("one")
      yield* TestClock.adjust("1 second")
      const endpoints = yield* WebhookEndpoints
      yield* endpoints.rotateSecret(id, secretOf("whsec_new"))
      yield* TestClock.adjust("2 seconds")
      yield* subjects(1)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(
        world.receiver.of(A).map(({ secretTexts }) => secretTexts),
        [["whsec_new", "whsec_a"]]
      )
      yield* endpoints.change(id, { url: B })
      yield* TestClock.adjust("2 seconds")
      yield* subjects(1)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([world.receiver.of(A).length, world.receiver.of(B).length], [1, 1])
      yield* endpoints.remove(id)
      yield* TestClock.adjust("2 seconds")
      yield* subjects(1)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([world.receiver.of(A).length, world.receiver.of(B).length], [1, 1])
    })
  )

  inWorld("an endpoint whose secret cannot be read waits, is seen once, and goes on with another secret", (world) =>
    Effect.gen(function* () {
      const id = yield* createEndpoint("a")
      yield* createEndpoint("b")
      const endpoints = yield* WebhookEndpoints
      yield* endpoints.rotateSecret(id, secretOf("broken"))
      yield* endpoints.rotateSecret(id, secretOf("broken too"))
      const { counts } = yield* metered(
        Effect.gen(function* () {
          yield* run("one")
          yield* TestClock.adjust("1 second")
          yield* subjects(3)
          yield* TestClock.adjust("10 seconds")
        })
      )
      yield* isComplete(world, B)
      assert.strictEqual(world.receiver.of(A).length, 0)
      assert.strictEqual(counts["greenroom_degraded kind=webhook_endpoint_failing"], 1)
      const lines = world.log.lines.filter(({ message }) => /secret/.test(String(message)))
      assert.deepStrictEqual(
        lines.map(({ annotations }) => annotations.webhook_endpoint),
        [id]
      )
      yield* endpoints.rotateSecret(id, secretOf("whsec_new"))
      yield* TestClock.adjust("2 seconds")
      yield* isComplete(world)
      assert.deepStrictEqual(world.receiver.of(A)[0]!.secretTexts, ["whsec_new"])
    })
  )

  inWorld("a change while events come repeats none, and lets open requests end", (world) =>
    Effect.gen(function* () {
      const id = yield* createEndpoint("a")
      yield* run("one")
      yield* TestClock.adjust("1 second")
      world.receiver.respond = () => Effect.delay(Effect.succeed(OK), "100 millis")
      const ids = yield* subjects(20)
      for (let n = 0; n < 100; n++) {
        yield* change(ids[n % 20]!)
        yield* TestClock.adjust("50 millis")
        if (n % 20 === 10) yield* (yield* WebhookEndpoints).change(id, { description: `${n}` })
      }
      yield* TestClock.adjust("5 seconds")
      yield* isComplete(world)
      assert.strictEqual(world.receiver.of(A).length, 120)
    })
  )

  inWorld("an endpoint far behind is caught up from the store, whatever it wants of it", (world) =>
    Effect.gen(function* () {
      yield* subjects(700)
      yield* (yield* Events).place(1_000)
      const id = yield* createEndpoint("a", { enabled: false })
      yield* (yield* WebhookEndpoints).change(id, { enabled: true, from: 100 })
      yield* run("one")
      yield* TestClock.adjust("30 seconds")
      yield* isComplete(world, A, 100)
      assert.strictEqual(world.receiver.of(A).length, 600)
      assert.strictEqual((yield* endpoint(id)).position, 700)
    })
  )

  inWorld("what waits for a dead endpoint is not read", (world) =>
    Effect.gen(function* () {
      yield* createEndpoint("a")
      world.receiver.respond = () => Effect.succeed(noAnswer("refused"))
      yield* run("one")
      yield* TestClock.adjust("1 second")
      yield* subjects(3_000)
      yield* TestClock.adjust("5 seconds")
      const { reads } = world.faults
      yield* TestClock.adjust("2 minutes")
      assert.isAtMost(world.faults.reads - reads, 5)
    })
  )
})

describe("instances", () => {
  inWorld("an endpoint has one; when it is stopped another goes on at once, and nothing is sent twice", (world) =>
    Effect.gen(function* () {
      yield* createEndpoint("a")
      const one = yield* run("one")
      yield* TestClock.adjust("1 second")
      yield* run("two")
      const ids = yield* subjects(10)
      yield* TestClock.adjust("2 seconds")
      for (const id of ids) yield* change(id)
      yield* TestClock.adjust("30 millis")
      assert.strictEqual(world.receiver.accepted(A).length, 20)
      world.receiver.respond = () => Effect.delay(Effect.succeed(OK), "500 millis")
      for (const id of ids) yield* change(id)
      yield* TestClock.adjust("30 millis")
      const stopped = yield* Effect.forkScoped(Fiber.interrupt(one))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(stopped)
      for (const id of ids) yield* change(id)
      yield* TestClock.adjust("4 seconds")
      yield* isComplete(world)
      assert.strictEqual(world.receiver.of(A).length, 40)
    })
  )

  inWorld("one that is killed loses nothing: another sends what was open again, with the same id", (world) =>
    Effect.gen(function* () {
      yield* createEndpoint("a")
      const one = yield* run("one")
      yield* TestClock.adjust("1 second")
      world.receiver.respond = (_, earlier) =>
        earlier.length < 5 ? Effect.succeed(OK) : Effect.delay(Effect.succeed(OK), "5 seconds")
      yield* subjects(20)
      yield* TestClock.adjust("100 millis")
      yield* kill(world.faults, "one", one)
      world.receiver.respond = () => Effect.succeed(OK)
      yield* run("two")
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(world.receiver.accepted(A).length, 5, "the lease of the killed one still lasts")
      yield* TestClock.adjust("15 seconds")
      yield* isComplete(world)
      assert.strictEqual(world.receiver.together, 1)
    })
  )

  inWorld(
    "one that is cut off from the store starts no request after its lease, and the next repeats at most what is open",
    (world) =>
      Effect.gen(function* () {
        yield* createEndpoint("a")
        yield* run("one")
        yield* TestClock.adjust("1 second")
        const ids = yield* subjects(3)
        yield* TestClock.adjust("1 second")
        // One request stays open for longer than the lease.
        world.receiver.respond = ({ subject }, earlier) =>
          subject.endsWith(ids[0]!) && earlier.filter((one) => one.subject === subject).length === 1
            ? Effect.delay(Effect.succeed(OK), "60 seconds")
            : Effect.succeed(OK)
        yield* change(ids[0]!)
        yield* TestClock.adjust("1 second")
        world.faults.down.add("one")
        yield* run("two")
        yield* TestClock.adjust("40 seconds")
        const openAtTakeover = world.receiver.of(A).length
        for (const id of ids) yield* change(id)
        yield* TestClock.adjust("60 seconds")
        yield* isComplete(world)
        assert.isAbove(openAtTakeover, 4)
        const ids5 = world.receiver.of(A).map(({ id }) => id)
        assert.strictEqual(ids5.length - new Set(ids5).size, 1, "the one that was open")
      })
  )

  inWorld("after a restore to an earlier state, what is written then is delivered, from where the store is", (world) =>
    Effect.gen(function* () {
      const store = yield* MemoryStore.MemoryStore
      yield* createEndpoint("a")
      const ids = yield* subjects(3)
      yield* run("one")
      yield* TestClock.adjust("6 seconds")
      const earlier = { placed: [...store.eventLog.placed], endpoints: new Map(store.webhookEndpoints) }
      for (let n = 0; n < 4; n++) yield* change(ids[0]!)
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(world.receiver.of(A).length, 7)
      // Before the last deliveries are written down: the store has lost the four events. It has another log as soon as it places one.
      store.eventLog.placed = earlier.placed
      for (const [id, endpoint] of earlier.endpoints) store.webhookEndpoints.set(id, endpoint)
      yield* TestClock.adjust("2 seconds")
      store.eventLog.id = "f".repeat(16)
      const sent = world.receiver.of(A).length
      yield* change(ids[1]!)
      yield* change(ids[2]!)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(world.receiver.of(A).length, sent + 2)
      assert.strictEqual((yield* endpoint([...earlier.endpoints.keys()][0]!)).position, 5)
    })
  )

  inWorld("one that was frozen while another held the endpoint begins with what the store has", (world) =>
    Effect.gen(function* () {
      yield* createEndpoint("a")
      const ids = yield* subjects(2)
      yield* run("one")
      yield* TestClock.adjust("2 seconds")
      // As if frozen: the other one leases, delivers and ends in between.
      world.faults.down.add("one")
      const sent = world.receiver.of(A).length
      yield* TestClock.adjust("31 seconds")
      const two = yield* run("two")
      yield* TestClock.adjust("1 second")
      for (const id of ids) yield* change(id)
      yield* TestClock.adjust("2 seconds")
      const stopped = yield* Effect.forkScoped(Fiber.interrupt(two))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(stopped)
      world.faults.down.delete("one")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(world.receiver.of(A).length, sent + 2, "nothing is sent twice")
      yield* isComplete(world)
    })
  )

  inWorld("while the store is away deliveries wait, which is a condition, and go on after it", (world) =>
    Effect.gen(function* () {
      yield* createEndpoint("a")
      const { counts } = yield* metered(
        Effect.gen(function* () {
          yield* run("one")
          yield* TestClock.adjust("1 second")
          world.faults.all = true
          yield* subjects(200)
          yield* TestClock.adjust("10 seconds")
          assert.isAtMost(world.receiver.of(A).length, 64)
        })
      )
      assert.strictEqual(counts["greenroom_degraded kind=webhooks_late"], 1)
      world.faults.all = false
      yield* TestClock.adjust("45 seconds")
      yield* isComplete(world)
      const lines = world.log.said().filter((line) => /webhooks are/.test(line))
      assert.deepStrictEqual(lines, [
        "WARN webhooks are late: the store does not answer their deliveries",
        "INFO webhooks are delivered again"
      ])
    })
  )

  inWorld(
    "whatever a receiver does while instances are killed: nothing is missing, and the order within a subject is kept",
    (world) =>
      Effect.gen(function* () {
        yield* createEndpoint("a")
        let state = 7
        const random = (n: number) => {
          state = (state * 1_103_515_245 + 12_345) % 2 ** 31
          return Math.floor((state / 2 ** 31) * n)
        }
        const outcomes: ReadonlyArray<SendOutcome> = [
          answered(500),
          noAnswer("reset"),
          answered(302),
          answered(429),
          OK,
          OK,
          OK,
          OK,
          OK
        ]
        world.receiver.respond = () => Effect.delay(Effect.succeed(outcomes[random(outcomes.length)]!), random(400))
        let instance = 0
        let fiber = yield* run(`instance-${instance}`)
        const ids = yield* subjects(8)
        for (let turn = 0; turn < 150; turn++) {
          for (let n = 0; n < 4; n++) yield* change(ids[random(8)]!)
          yield* TestClock.adjust(random(300))
          if (turn % 15 !== 14) continue
          yield* kill(world.faults, `instance-${instance}`, fiber)
          fiber = yield* run(`instance-${++instance}`)
          yield* TestClock.adjust("31 seconds")
        }
        world.receiver.respond = () => Effect.succeed(OK)
        yield* TestClock.adjust("3 hours")
        yield* isComplete(world)
        assert.strictEqual(world.receiver.together, 1)
      })
  )
})
