/** The laws of the repositories can fail: each deliberate fault in a store breaks one of them. */
import { assert, describe, it } from "@effect/vitest"
import { layer as memoryStore } from "@greenroom/adapters/memory"
import {
  isStreamEvent,
  Leases,
  type LoggedEvent,
  type Repositories,
  replacePorts,
  type StorePorts
} from "@greenroom/core"
import { BackDoor, type LawSuite, registerLaws, repositoriesLaws, type StoreWorld } from "@greenroom/testing"
import { Effect, Exit, Layer, Option } from "effect"
import { TestClock } from "effect/testing"

const backDoor = Layer.succeed(BackDoor, {
  age: (days) => TestClock.adjust(days * 86_400_000),
  prunedUsage: () => Effect.succeed([])
})

const suitesOver = (store: Layer.Layer<Repositories>) =>
  repositoriesLaws({ name: "a faulty store", layer: Layer.merge(store, backDoor), clock: "test" })

/** The names of the laws that the store breaks. */
const broken = Effect.fnUntraced(function* ({ layer, laws }: LawSuite<StoreWorld>) {
  const names: Array<string> = []
  for (const { name, check } of laws) {
    const exit = yield* Effect.exit(Effect.scoped(Effect.provide(check, layer, { local: true })))
    if (Exit.isFailure(exit)) names.push(name)
  }
  return names
})

/** Reads other events than there are. */
const reading =
  ({ read }: StorePorts["events"], others: (found: ReadonlyArray<LoggedEvent>) => ReadonlyArray<LoggedEvent>) =>
  (...asked: Parameters<typeof read>) =>
    Effect.map(read(...asked), (slice) => ({ ...slice, events: others(slice.events) }))

const foreignLeases = Effect.scoped(Effect.provide(Leases, Layer.fresh(memoryStore)))

const faults: Readonly<
  Record<string, readonly [suite: RegExp, law: RegExp, fault: (ports: StorePorts) => Partial<StorePorts>]>
> = {
  "leases of another store": [/^Sessions/, /^moves under a lease/, () => ({ leases: Effect.runSync(foreignLeases) })],
  "an admission that forgets the revocation": [
    /^Admissions,/,
    /wrong with a key/,
    ({ streamKeys }) => ({ streamKeys: { ...streamKeys, revoke: streamKeys.find } })
  ],
  "an end that is written twice": [
    /^Sessions/,
    /./,
    ({ sessions }) => ({ sessions: { ...sessions, end: (ids, ...rest) => Effect.as(sessions.end(ids, ...rest), ids) } })
  ],
  "a list that loses the last of a page": [
    /^StreamKeys/,
    /pages/,
    ({ streamKeys }) => ({
      streamKeys: {
        ...streamKeys,
        list: (filter, page) =>
          Effect.map(streamKeys.list(filter, page), (found) => ({ ...found, items: found.items.slice(0, -1) }))
      }
    })
  ],
  "a rotation without an overlap": [
    /^StreamKeys rotated/,
    /keeps publishing/,
    ({ streamKeys }) => ({
      streamKeys: { ...streamKeys, rotate: (id, key) => streamKeys.rotate(id, { ...key, overlapSeconds: 0 }) }
    })
  ],
  "a block that is forgotten": [
    /^StreamKeys rotated/,
    /a newer block/,
    ({ streamKeys }) => ({ streamKeys: { ...streamKeys, block: () => Effect.succeed(true) } })
  ],
  "a takeover that does not look for a newer one": [
    /^StreamKeys rotated/,
    /last three takeovers/,
    ({ admissions }) => ({
      admissions: {
        ...admissions,
        takeOver: (request, takeover) =>
          Effect.flatMap(admissions.facts(request), ({ takeovers }) =>
            admissions.takeOver(request, { ...takeover, lastSeen: takeovers[0] ?? null })
          )
      }
    })
  ],
  "a pruning of everything": [
    /^Retention/,
    /long enough ago/,
    ({ retention }) => ({ retention: { prune: (_, limit) => retention.prune(1, limit) } })
  ],
  "a broadcaster that is gone once it was found": [
    /^Broadcasters/,
    /as it was created/,
    ({ broadcasters }) => ({ broadcasters: { ...broadcasters, find: () => Effect.succeed(Option.none()) } })
  ],
  "a log that loses an event": [
    /^Events/,
    /every event once/,
    ({ events }) => ({ events: { ...events, read: reading(events, (found) => found.slice(1)) } })
  ],
  "a log that knows no subjects": [
    /^Events/,
    /each filter/,
    ({ events }) => ({
      events: { ...events, read: (after, { subject: _, ...filter }, limit) => events.read(after, filter, limit) }
    })
  ],
  "events that go with their streams": [
    /^Events/,
    /outlast/,
    ({ events, streams }) => {
      const isKept = (event: LoggedEvent) =>
        isStreamEvent(event) ? Effect.map(streams.find(event.data.stream.id), Option.isSome) : Effect.succeed(true)
      return {
        events: {
          ...events,
          read: (...asked) =>
            Effect.flatMap(events.read(...asked), (slice) =>
              Effect.map(Effect.filter(slice.events, isKept), (kept) => ({ ...slice, events: kept }))
            )
        }
      }
    }
  ],
  "a rotation that forgets the previous secret": [
    /^WebhookEndpoints/,
    /rotation/,
    ({ webhookEndpoints }) => ({
      webhookEndpoints: {
        ...webhookEndpoints,
        secrets: (id) =>
          Effect.map(
            webhookEndpoints.secrets(id),
            Option.map((secrets) => secrets.slice(0, 1))
          )
      }
    })
  ],
  "an endpoint that is disabled without its event": [
    /^WebhookEndpoints/,
    /disables/,
    ({ webhookEndpoints }) => ({
      webhookEndpoints: {
        ...webhookEndpoints,
        settle: (id, by, settlement) =>
          settlement.disable === null
            ? webhookEndpoints.settle(id, by, settlement)
            : Effect.as(webhookEndpoints.change(id, { enabled: false }), true)
      }
    })
  ],
  "a settlement by a lease that was lost and taken again": [
    /^WebhookEndpoints/,
    /lease runs out/,
    ({ webhookEndpoints }) => ({
      webhookEndpoints: {
        ...webhookEndpoints,
        settle: (id, by, settlement) =>
          Effect.flatMap(webhookEndpoints.lease(by.holder, { ttlMillis: 1, renewMillis: 0, most: 0 }), (leased) => {
            const lease = leased.find(({ endpoint }) => endpoint.id === id)?.lease ?? 0
            return webhookEndpoints.settle(id, { ...by, lease }, settlement)
          })
      }
    })
  ],
  "a settlement of events of another log": [
    /^WebhookEndpoints/,
    /another log/,
    ({ webhookEndpoints, events }) => ({
      webhookEndpoints: {
        ...webhookEndpoints,
        settle: (id, by, settlement) =>
          Effect.flatMap(events.head, ({ log }) => webhookEndpoints.settle(id, { ...by, log }, settlement))
      }
    })
  ],
  "a settlement of before the endpoint was disabled": [
    /^WebhookEndpoints/,
    /./,
    ({ webhookEndpoints }) => ({
      webhookEndpoints: {
        ...webhookEndpoints,
        settle: (id, by, settlement) =>
          Effect.flatMap(webhookEndpoints.lease(by.holder, { ttlMillis: 1, renewMillis: 0, most: 0 }), (leased) => {
            const generation = leased.find(({ endpoint }) => endpoint.id === id)?.generation ?? 0
            return webhookEndpoints.settle(id, { ...by, generation }, settlement)
          })
      }
    })
  ]
}

describe("the laws of the repositories", () => {
  for (const [what, [suite, law, fault]] of Object.entries(faults)) {
    it.live(`find ${what}`, () =>
      Effect.gen(function* () {
        const store = replacePorts(fault).pipe(Layer.provide(memoryStore))
        const names = yield* broken(suitesOver(store).find(({ name }) => suite.test(name))!)
        assert.isTrue(
          names.some((name) => law.test(name)),
          names.join("\n")
        )
      })
    )
  }

  it.live("find nothing in a store without a fault", () =>
    Effect.gen(function* () {
      const checked = suitesOver(memoryStore).filter(({ name }) =>
        /^(Sessions|Admissions,|StreamKeys|Broadcasters|Events|WebhookEndpoints)/.test(name)
      )
      assert.strictEqual(checked.length, 7)
      for (const suite of checked) assert.deepStrictEqual(yield* broken(suite), [])
    })
  )

  it("have names of their own, and one test each", () => {
    const registered: Array<string> = []
    let suite = ""
    registerLaws(suitesOver(memoryStore), {
      describe: (name, define) => {
        suite = name
        define()
      },
      it: (name) => registered.push(`${suite}: ${name}`),
      afterAll: () => undefined
    })
    assert.strictEqual(new Set(registered).size, registered.length)
    assert.isAbove(registered.length, 120)
  })
})
