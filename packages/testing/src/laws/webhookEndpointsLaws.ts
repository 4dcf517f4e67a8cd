/** The laws of `WebhookEndpoints`: what operators do to endpoints, which instance delivers to them, and how far it is. */
import { randomBytes, randomUUID } from "node:crypto"
import {
  type BroadcasterId,
  type EventId,
  Events,
  FAILURES_KEPT,
  type HeldSubject,
  type LeasedEndpoint,
  type NewDelivery,
  type Repositories,
  type Settlement,
  SUCCESSES_KEPT,
  WEBHOOK_ENDPOINTS_MAX,
  type WebhookDelivery,
  type WebhookEndpoint,
  type WebhookEndpointFields,
  type WebhookEndpointId,
  WebhookEndpoints,
  WebhookUrl
} from "@greenroom/core"
import { Effect, Option, Schema } from "effect"
import * as assert from "../assert.ts"
import { aBroadcaster, newId } from "../fixtures.ts"
import { BackDoor, contract, elapse, plain, type StoreUnderTest } from "./contract.ts"

const url = Schema.decodeSync(WebhookUrl)("https://example.com/hooks")
const newSecret = () => new Uint8Array(randomBytes(60))
const newHolder = () => `instance-${randomUUID()}`

const someFields: WebhookEndpointFields = { url, types: null, broadcasterId: null, description: null, enabled: true }

const anEndpoint = Effect.fnUntraced(function* (fields: Partial<WebhookEndpointFields> = {}, secret = newSecret()) {
  const endpoints = yield* WebhookEndpoints
  const created = yield* endpoints.create(newId<WebhookEndpointId>(), { ...someFields, ...fields }, secret)
  return created._tag === "Created" ? created.endpoint : assert.fail("too many endpoints")
})

/** Removes all that there are: a law leases every endpoint of the store. */
const alone = Effect.gen(function* () {
  const endpoints = yield* WebhookEndpoints
  for (const { id } of yield* endpoints.list) yield* endpoints.remove(id)
})

const LEASE = { ttlMillis: 60_000, renewMillis: 40_000, most: WEBHOOK_ENDPOINTS_MAX }

/** What is to run out, and must not have when it is looked at: a busy machine takes its time between the two. */
const SHORT_MS = 2_000

const leaseOf = Effect.fnUntraced(function* (holder: string, id: WebhookEndpointId, lease = LEASE) {
  const endpoints = yield* WebhookEndpoints
  return (yield* endpoints.lease(holder, lease)).find(({ endpoint }) => endpoint.id === id) ?? null
})

const held = Effect.fnUntraced(function* (holder: string, { id }: WebhookEndpoint) {
  return (yield* leaseOf(holder, id)) ?? assert.fail("not leased")
})

const aSettlement = (settlement: Partial<Settlement> = {}): Settlement => ({
  position: 0,
  held: [],
  released: [],
  stop: null,
  failingForMillis: null,
  deliveries: [],
  disable: null,
  ...settlement
})

const settle = Effect.fnUntraced(function* (
  { endpoint, generation, lease }: LeasedEndpoint,
  holder: string,
  settlement: Partial<Settlement> = {},
  log?: string
) {
  const endpoints = yield* WebhookEndpoints
  const by = { holder, generation, lease, log: log ?? (yield* (yield* Events).head).log }
  return yield* endpoints.settle(endpoint.id, by, aSettlement({ position: endpoint.position, ...settlement }))
})

/** Makes the log longer by so many positions. */
const someEvents = Effect.fnUntraced(function* (count: number) {
  for (let n = 0; n < count; n++) yield* aBroadcaster()
  return yield* placeAll
})

const aDelivery = (delivery: Partial<NewDelivery> = {}): NewDelivery => ({
  eventId: `evt_${randomUUID()}` as EventId,
  type: "stream.active",
  position: 7,
  subject: `stream:${randomUUID()}`,
  attempt: 1,
  outcome: "delivered",
  responseStatus: 204,
  durationMillis: 12.5,
  retryInMillis: null,
  answer: "",
  ...delivery
})

const find = (id: WebhookEndpointId): Effect.Effect<WebhookEndpoint, unknown, Repositories> =>
  Effect.flatMap(WebhookEndpoints, (endpoints) => Effect.flatMap(endpoints.find(id), Effect.fromOption))

const deliveriesOf = Effect.fnUntraced(function* (id: WebhookEndpointId) {
  const endpoints = yield* WebhookEndpoints
  return (yield* endpoints.deliveries(id, { limit: null, after: null })).items
})

const heldOf = (id: WebhookEndpointId) => Effect.flatMap(WebhookEndpoints, (endpoints) => endpoints.held(id))

const placeAll = Effect.gen(function* () {
  const events = yield* Events
  while (true) {
    const { placed, ...head } = yield* events.place(1_000)
    if (placed === 0) return head
  }
})

const HELD: HeldSubject = { subject: "stream:1", position: 3, attempt: 2, dueInMillis: 60_000 }

export const webhookEndpointsLaws = (store: StoreUnderTest) =>
  contract("WebhookEndpoints", store, (law) => {
    law(
      "an endpoint is what it was created as, begins after the newest event, and is listed until it is removed",
      Effect.gen(function* () {
        yield* aBroadcaster()
        const { newest } = yield* placeAll
        assert.isAbove(newest, 0)
        const endpoints = yield* WebhookEndpoints
        const fields: WebhookEndpointFields = {
          url,
          types: ["stream.active", "key.expired"],
          broadcasterId: newId<BroadcasterId>(),
          description: "Two\nlines",
          enabled: true
        }
        const created = yield* anEndpoint(fields)
        assert.deepInclude(plain(created) as object, plain({ ...fields, position: newest }) as object)
        assert.deepInclude(created, { disabledReason: null, failingSince: null, nextAttemptAt: null })
        assert.deepStrictEqual(plain(created.updatedAt), plain(created.createdAt))
        const other = yield* anEndpoint({ enabled: false })
        assert.deepStrictEqual(plain(yield* find(created.id)), plain(created))
        const listed = (yield* endpoints.list).map(({ id }) => id)
        assert.isTrue(listed.includes(created.id) && listed.includes(other.id))
        assert.isTrue(yield* endpoints.remove(created.id))
        assert.isFalse(yield* endpoints.remove(created.id))
        assert.isTrue(Option.isNone(yield* endpoints.find(created.id)))
        assert.isTrue(Option.isNone(yield* endpoints.secrets(created.id)))
        assert.isTrue(Option.isNone(yield* endpoints.change(created.id, { description: null })))
        assert.isTrue(Option.isNone(yield* endpoints.rotateSecret(created.id, newSecret())))
      })
    )

    law(
      "there are never more than a hundred, however many are created at once",
      Effect.gen(function* () {
        yield* alone
        const endpoints = yield* WebhookEndpoints
        const create = Effect.suspend(() => endpoints.create(newId<WebhookEndpointId>(), someFields, newSecret()))
        const outcomes = yield* Effect.forEach(
          Array.from({ length: WEBHOOK_ENDPOINTS_MAX + 10 }, () => create),
          (one) => one,
          { concurrency: 8 }
        )
        assert.strictEqual(outcomes.filter(({ _tag }) => _tag === "TooMany").length, 10)
        assert.strictEqual((yield* endpoints.list).length, WEBHOOK_ENDPOINTS_MAX)
        yield* alone
        assert.strictEqual((yield* create)._tag, "Created")
      })
    )

    law(
      "a change changes what is given, and gives another revision",
      Effect.gen(function* () {
        yield* alone
        const endpoints = yield* WebhookEndpoints
        const holder = newHolder()
        const created = yield* anEndpoint({ types: ["stream.ended"], description: "first" })
        const first = yield* held(holder, created)
        yield* elapse(20)
        const changed = Option.getOrThrow(yield* endpoints.change(created.id, { description: null }))
        const { updatedAt: _, ...same } = created
        assert.deepInclude(plain(changed) as object, plain({ ...same, description: null }) as object)
        assert.isAbove(changed.updatedAt.epochMilliseconds, created.updatedAt.epochMilliseconds)
        const all = Option.getOrThrow(yield* endpoints.change(created.id, { types: null }))
        assert.isNull(all.types)
        const second = yield* held(holder, created)
        assert.notStrictEqual(second.revision, first.revision)
        yield* endpoints.rotateSecret(created.id, newSecret())
        assert.notStrictEqual((yield* held(holder, created)).revision, second.revision)
        yield* someEvents(5)
        assert.isTrue(yield* settle(first, holder, { position: created.position + 5 }), "what was sent stays sent")
        assert.strictEqual((yield* find(created.id)).position, created.position + 5)
        assert.isTrue(yield* settle(second, holder, { position: created.position }))
        assert.strictEqual((yield* find(created.id)).position, created.position + 5, "a settlement moves nothing back")
      })
    )

    law(
      "one holder at a time; a lease runs out unless it is renewed, and one that was given up is free at once",
      Effect.gen(function* () {
        yield* alone
        const endpoints = yield* WebhookEndpoints
        const [one, other] = [newHolder(), newHolder()]
        const created = yield* anEndpoint()
        const { id } = created
        const short = { ...LEASE, ttlMillis: SHORT_MS, renewMillis: SHORT_MS }
        const mine = (yield* leaseOf(one, id, short)) ?? assert.fail("not leased")
        assert.isNull(yield* leaseOf(other, id))
        assert.isFalse(yield* settle(mine, other))
        assert.isTrue(yield* settle(mine, one))
        yield* elapse(SHORT_MS + 50)
        assert.isFalse(yield* settle(mine, one), "its lease has run out")
        assert.isNotNull(yield* leaseOf(other, id))
        assert.isNull(yield* leaseOf(one, id))
        assert.isFalse(yield* settle(mine, one))
        yield* endpoints.release(one)
        assert.isNull(yield* leaseOf(one, id))
        yield* endpoints.release(other)
        const again = (yield* leaseOf(one, id)) ?? assert.fail("not leased")
        assert.notStrictEqual(again.lease, mine.lease)
        assert.isFalse(yield* settle(mine, one), "another has held it in between")
        assert.isTrue(yield* settle(again, one))
        const renewed = (yield* leaseOf(one, id)) ?? assert.fail("not renewed")
        assert.strictEqual(renewed.lease, again.lease)
      })
    )

    law(
      "a settlement of another log, or beyond the newest position, is not written: the store is another than the one that was read",
      Effect.gen(function* () {
        yield* alone
        const holder = newHolder()
        const created = yield* anEndpoint()
        const { newest } = yield* someEvents(2)
        const mine = yield* held(holder, created)
        assert.isFalse(yield* settle(mine, holder, { position: newest + 1 }))
        assert.isFalse(yield* settle(mine, holder, { position: newest, held: [HELD] }, "0".repeat(16)))
        assert.strictEqual((yield* find(created.id)).position, created.position)
        assert.deepStrictEqual(yield* heldOf(created.id), [])
        assert.isTrue(yield* settle(mine, holder, { position: newest }))
        assert.strictEqual((yield* find(created.id)).position, newest)
      })
    )

    law(
      "a lease is renewed when little of it is left, and not before",
      Effect.gen(function* () {
        yield* alone
        const [one, other] = [newHolder(), newHolder()]
        const { id } = yield* anEndpoint()
        yield* leaseOf(one, id, { ttlMillis: SHORT_MS, renewMillis: 0, most: 10 })
        assert.isNotNull(yield* leaseOf(one, id, { ttlMillis: 60_000, renewMillis: 0, most: 10 }), "held, not renewed")
        yield* elapse(SHORT_MS + 50)
        assert.isNotNull(yield* leaseOf(other, id, { ttlMillis: SHORT_MS, renewMillis: 0, most: 10 }))
        yield* leaseOf(other, id, { ttlMillis: 60_000, renewMillis: SHORT_MS, most: 10 })
        yield* elapse(SHORT_MS + 50)
        assert.isNull(yield* leaseOf(one, id))
      })
    )

    law(
      "a holder takes at most so many, and of several that ask at once each endpoint has one",
      Effect.gen(function* () {
        yield* alone
        const endpoints = yield* WebhookEndpoints
        for (let n = 0; n < 9; n++) yield* anEndpoint()
        yield* anEndpoint({ enabled: false })
        const holders = [newHolder(), newHolder(), newHolder(), newHolder()]
        const taken = yield* Effect.forEach(holders, (holder) => endpoints.lease(holder, { ...LEASE, most: 2 }), {
          concurrency: "unbounded"
        })
        for (const leased of taken) assert.isAtMost(leased.length, 2)
        // Those that asked at once may have chosen the same; they ask again.
        for (const holder of holders) yield* endpoints.lease(holder, { ...LEASE, most: 2 })
        const last = yield* Effect.forEach(holders, (holder) => endpoints.lease(holder, { ...LEASE, most: 2 }))
        assert.deepStrictEqual(
          last.map((leased) => leased.length),
          [2, 2, 2, 2]
        )
        const ids = last.flat().map(({ endpoint }) => endpoint.id)
        assert.strictEqual(new Set(ids).size, 8)
      })
    )

    law(
      "a settlement is all written: held subjects, stop, failures; the next holder finds them",
      Effect.gen(function* () {
        yield* alone
        const endpoints = yield* WebhookEndpoints
        const [one, other] = [newHolder(), newHolder()]
        const created = yield* anEndpoint()
        const mine = yield* held(one, created)
        const second: HeldSubject = { subject: "key:2", position: 1, attempt: 1, dueInMillis: -5_000 }
        const settlement = {
          held: [HELD, second],
          stop: { attempt: 3, dueInMillis: 300_000 },
          failingForMillis: 7_000
        }
        assert.isTrue(yield* settle(mine, one, settlement))
        const found = yield* heldOf(created.id)
        assert.deepStrictEqual(
          found.map(({ dueInMillis: _, ...rest }) => rest),
          [
            { subject: "key:2", position: 1, attempt: 1 },
            { subject: "stream:1", position: 3, attempt: 2 }
          ]
        )
        assert.isAtMost(found[0]!.dueInMillis, -5_000)
        assert.isTrue(found[1]!.dueInMillis <= 60_001 && found[1]!.dueInMillis > 30_000)
        yield* endpoints.release(one)
        const next = yield* held(other, created)
        assert.strictEqual(next.stop?.attempt, 3)
        assert.isTrue(next.stop!.dueInMillis <= 300_001 && next.stop!.dueInMillis > 200_000)
        assert.isTrue(next.failingForMillis! >= 6_999 && next.failingForMillis! < 100_000)
        const shown = yield* find(created.id)
        assert.isNotNull(shown.failingSince)
        assert.isNotNull(shown.nextAttemptAt)

        const moved = { ...HELD, position: 9, attempt: 0, dueInMillis: 0 }
        assert.isTrue(yield* settle(next, other, { held: [moved], released: ["key:2", "not there"] }))
        const left = yield* heldOf(created.id)
        assert.deepStrictEqual(
          left.map(({ subject, position, attempt }) => [subject, position, attempt]),
          [["stream:1", 9, 0]]
        )
        const healthy = yield* held(other, created)
        assert.deepStrictEqual([healthy.stop, healthy.failingForMillis], [null, null])
      })
    )

    law(
      "a thousand subjects are held, and go with their endpoint",
      Effect.gen(function* () {
        yield* alone
        const holder = newHolder()
        const endpoints = yield* WebhookEndpoints
        const created = yield* anEndpoint()
        const mine = yield* held(holder, created)
        const many = Array.from({ length: 1_000 }, (_, n) => ({ ...HELD, subject: `stream:${n}`, position: n + 1 }))
        assert.isTrue(yield* settle(mine, holder, { held: many }))
        assert.deepStrictEqual(
          (yield* heldOf(created.id)).map(({ subject }) => subject),
          many.map(({ subject }) => subject)
        )
        yield* endpoints.remove(created.id)
        assert.deepStrictEqual(yield* heldOf(created.id), [])
        assert.isFalse(yield* settle(mine, holder, { held: many }))
      })
    )

    law(
      "what a holder disables is not leased, writes one event, and shows why until it is enabled again",
      Effect.gen(function* () {
        yield* alone
        const endpoints = yield* WebhookEndpoints
        const holder = newHolder()
        const created = yield* anEndpoint()
        const { newest } = yield* placeAll
        const mine = yield* held(holder, created)
        assert.isTrue(yield* settle(mine, holder, { disable: "gone", held: [HELD] }))
        assert.isFalse(yield* settle(mine, holder, { disable: "gone" }))
        assert.deepInclude(yield* find(created.id), { enabled: false, disabledReason: "gone" })
        assert.isNull(yield* leaseOf(holder, created.id))
        yield* placeAll
        const { events } = yield* (yield* Events).read(newest, {}, 10)
        assert.deepStrictEqual(
          events.map(({ type, subject, data }) => ({ type, subject, data: plain(data) })),
          [
            {
              type: "webhook_endpoint.disabled",
              subject: `webhook_endpoint:${created.id}`,
              data: { id: created.id, url, reason: "gone" }
            }
          ]
        )
        const described = Option.getOrThrow(yield* endpoints.change(created.id, { description: "still off" }))
        assert.deepInclude(described, { enabled: false, disabledReason: "gone" })
        const enabled = Option.getOrThrow(yield* endpoints.change(created.id, { enabled: true }))
        assert.deepInclude(enabled, { enabled: true, disabledReason: null, failingSince: null, nextAttemptAt: null })
        assert.strictEqual((yield* heldOf(created.id)).length, 1)
      })
    )

    law(
      "enabled again it goes on where it stopped, or from where the change puts it; what is enabled does not move",
      Effect.gen(function* () {
        yield* alone
        const endpoints = yield* WebhookEndpoints
        const holder = newHolder()
        const created = yield* anEndpoint()
        const mine = yield* held(holder, created)
        const stop = { attempt: 1, dueInMillis: 60_000 }
        yield* settle(mine, holder, { held: [HELD], stop, failingForMillis: 1_000 })
        yield* endpoints.change(created.id, { enabled: false })
        assert.isNull(yield* leaseOf(holder, created.id))
        assert.isFalse(yield* settle(mine, holder))
        yield* endpoints.change(created.id, { enabled: true })
        assert.isFalse(
          yield* settle(mine, holder, { held: [{ ...HELD, subject: "stream:2" }] }),
          "of before it was disabled"
        )
        const again = yield* held(holder, created)
        assert.deepStrictEqual([again.stop, again.failingForMillis], [null, null])
        assert.strictEqual((yield* heldOf(created.id)).length, 1)

        yield* endpoints.change(created.id, { from: 1 })
        assert.strictEqual((yield* find(created.id)).position, created.position)
        yield* aBroadcaster()
        const { newest } = yield* placeAll
        yield* endpoints.change(created.id, { enabled: false })
        yield* endpoints.change(created.id, { enabled: true, from: "now" })
        assert.strictEqual((yield* find(created.id)).position, newest)
        assert.deepStrictEqual(yield* heldOf(created.id), [])
        yield* endpoints.change(created.id, { enabled: false })
        yield* endpoints.change(created.id, { enabled: true, from: 0 })
        assert.strictEqual((yield* find(created.id)).position, 0)
      })
    )

    law(
      "after a rotation both secrets are given, after a day the new one alone",
      Effect.gen(function* () {
        yield* alone
        const endpoints = yield* WebhookEndpoints
        const [first, second, third] = [newSecret(), newSecret(), newSecret()]
        const { id } = yield* anEndpoint({}, first)
        const secrets = Effect.map(endpoints.secrets(id), (found) =>
          Option.getOrThrow(found).map((secret) => Array.from(secret))
        )
        const written = (...expected: ReadonlyArray<Uint8Array>) => expected.map((secret) => Array.from(secret))
        assert.deepStrictEqual(yield* secrets, written(first))
        yield* endpoints.rotateSecret(id, second)
        assert.deepStrictEqual(yield* secrets, written(second, first))
        yield* endpoints.rotateSecret(id, third)
        assert.deepStrictEqual(yield* secrets, written(third, second))
        const leased = (yield* leaseOf(newHolder(), id)) ?? assert.fail("not leased")
        assert.deepStrictEqual(
          leased.secrets.map((secret) => Array.from(secret)),
          written(third, second)
        )
        yield* (yield* BackDoor).age(1)
        assert.deepStrictEqual(yield* secrets, written(third))
      })
    )

    law(
      "deliveries are listed newest first, in pages; the newest successes and failures are kept",
      Effect.gen(function* () {
        yield* alone
        const endpoints = yield* WebhookEndpoints
        const holder = newHolder()
        const created = yield* anEndpoint()
        const mine = yield* held(holder, created)
        const retried = aDelivery({
          outcome: "retrying",
          responseStatus: null,
          retryInMillis: 5_000,
          answer: "refused: \u0000 \ud800"
        })
        yield* settle(mine, holder, { deliveries: [retried] })
        const [first] = yield* deliveriesOf(created.id)
        const { retryInMillis: _, answer: _a, ...same } = retried
        assert.deepInclude(first!, same)
        assert.isTrue(Math.abs(first!.nextAttemptAt!.epochMilliseconds - first!.at.epochMilliseconds - 5_000) <= 1)

        for (let part = 0; part < 5; part++) {
          const deliveries = Array.from({ length: 300 }, (_, n) =>
            aDelivery({
              position: part * 300 + n,
              outcome: n % 2 === 0 ? "delivered" : "failed",
              answer: "é".repeat(512)
            })
          )
          if (part % 2 === 0) assert.isTrue(yield* settle(mine, holder, { deliveries }))
          else yield* endpoints.record(created.id, deliveries)
          yield* elapse(3)
        }
        for (let part = 0; part < 2; part++)
          yield* endpoints.record(
            created.id,
            Array.from({ length: 600 }, (_, n) => aDelivery({ position: 1_500 + part * 600 + n, outcome: "retrying" }))
          )
        const all = yield* deliveriesOf(created.id)
        const positions = (isOne: (delivery: WebhookDelivery) => boolean) =>
          all.filter(isOne).map(({ position }) => position)
        const successes = positions(({ outcome }) => outcome === "delivered")
        assert.deepStrictEqual(
          successes,
          Array.from({ length: SUCCESSES_KEPT }, (_, n) => 1_498 - 2 * n)
        )
        const failures = positions(({ outcome }) => outcome !== "delivered")
        assert.deepStrictEqual(
          failures,
          Array.from({ length: FAILURES_KEPT }, (_, n) => 2_699 - n)
        )

        const paged: Array<string> = []
        let after: Effect.Success<ReturnType<typeof endpoints.deliveries>>["next"] = null
        do {
          const page: Effect.Success<ReturnType<typeof endpoints.deliveries>> = yield* endpoints.deliveries(
            created.id,
            {
              limit: 500,
              after
            }
          )
          paged.push(...page.items.map(({ id }) => id))
          after = page.next
        } while (after !== null)
        assert.deepStrictEqual(
          paged,
          all.map(({ id }) => id)
        )
        yield* endpoints.remove(created.id)
        assert.deepStrictEqual(yield* deliveriesOf(created.id), [])
        yield* endpoints.record(created.id, [aDelivery()])
        assert.deepStrictEqual(yield* deliveriesOf(created.id), [])
      })
    )
  })
