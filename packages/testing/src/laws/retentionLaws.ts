/** The laws of `Retention`: what is pruned, what is not, and what is left of it. */

import {
  Admissions,
  addUsage,
  Leases,
  type PipelineId,
  pipelinePath,
  Retention,
  Sessions,
  type StreamId,
  type StreamKeyId,
  StreamKeys,
  Streams,
  type Usage,
  usageDay,
  usageOf,
  Workers
} from "@greenroom/core"
import { Effect, Exit, Option } from "effect"
import * as assert from "../assert.ts"
import { aBroadcaster, admit, aKey, anAsk, aSession, details, eventsOf, type Key, newId } from "../fixtures.ts"
import { BackDoor, contract, elapse, Passing, plain, type StoreUnderTest } from "./contract.ts"

const KEEP = 400
const ALL = 100_000

/** A stream that is pruned leaves no event; those that are not are looked at after the law, as always. */
const prune = Effect.fnUntraced(function* (limit = ALL, keepDays = KEEP) {
  const outcome = yield* Effect.flatMap(Retention, (retention) => retention.prune(keepDays, limit))
  const { admitted } = yield* Passing
  for (const id of admitted) {
    if (yield* isThere(id)) continue
    assert.deepStrictEqual(yield* eventsOf(id), [])
    admitted.delete(id)
  }
  return outcome._tag === "Pruned" ? outcome : assert.fail("another pruned at the same time")
})

const end = (id: StreamId) => Effect.flatMap(Sessions, (sessions) => sessions.end([id], "left", null))

/** A session that has ended: on the air for a moment, with some bytes, and with a pause in which the count began anew. */
const anEnded = Effect.fnUntraced(function* (key?: Key) {
  const session = yield* aSession({}, key)
  const sessions = yield* Sessions
  yield* sessions.markReady([{ streamId: session.id, sourceType: "rtspSession" }], null)
  for (const inboundBytes of [500, 1_000, 0, 30]) {
    yield* sessions.observe([{ streamId: session.id, observation: { tracks: [], viewerCount: 0, inboundBytes } }], null)
  }
  yield* elapse(3)
  yield* end(session.id)
  return session
})

const BYTES = 1_030

const isThere = (id: StreamId) => Effect.flatMap(Streams, (streams) => Effect.map(streams.find(id), Option.isSome))
const keyOf = (id: StreamKeyId) => Effect.flatMap(StreamKeys, (keys) => keys.find(id))

export const retentionLaws = (store: StoreUnderTest) =>
  contract("Retention", store, (law) => {
    law(
      "a stream goes with its events once it ended long enough ago, and not before; one that has not ended stays",
      Effect.gen(function* () {
        const { age } = yield* BackDoor
        const live = yield* aSession()
        const first = yield* anEnded()
        yield* age(KEEP - 10)
        const second = yield* anEnded()
        yield* age(9)
        yield* prune()
        assert.isTrue(yield* isThere(first.id))
        yield* age(2)
        yield* prune()
        assert.isFalse(yield* isThere(first.id))
        assert.deepStrictEqual(yield* eventsOf(first.id), [])
        for (const { id } of [live, second]) {
          assert.isTrue(yield* isThere(id))
          assert.isNotEmpty(yield* eventsOf(id))
        }
        assert.isFalse((yield* details(live.id)).stream.state._tag === "Inactive")
        // Its path and its key are as free as after the end, and a connection with its id would be a new one.
        yield* aSession({ path: first.ask.path, sourceId: first.ask.sourceId }, first.key)
      })
    )

    law(
      "a batch has those that started first, and no more than it may",
      Effect.gen(function* () {
        const { age } = yield* BackDoor
        yield* age(KEEP + 1)
        yield* prune()
        const sessions: Array<StreamId> = []
        for (let index = 0; index < 7; index++) {
          sessions.push((yield* anEnded()).id)
          yield* elapse(2)
        }
        yield* age(KEEP + 1)
        const left = () => Effect.filter(sessions, isThere)
        for (const [limit, gone] of [
          [3, 3],
          [3, 6],
          [3, 7],
          [3, 7]
        ] as const) {
          yield* prune(limit)
          assert.deepStrictEqual(yield* left(), sessions.slice(gone))
        }
      })
    )

    law(
      "the usage of what was pruned is the sum of it, by broadcaster and day, once",
      Effect.gen(function* () {
        const { age, prunedUsage } = yield* BackDoor
        const owners = [yield* aBroadcaster(), yield* aBroadcaster()]
        const expected = new Map<string, Usage>()
        for (const [rounds, days] of [
          [3, 1],
          [2, 2],
          [2, KEEP]
        ] as const) {
          for (let round = 0; round < rounds; round++)
            for (const { id: broadcasterId } of owners) {
              const never = yield* aSession({}, yield* aKey({ broadcasterId }))
              yield* end(never.id)
              yield* anEnded(yield* aKey({ broadcasterId }))
            }
          yield* age(days)
        }
        yield* age(10)
        const streams = yield* Streams
        for (const { id: broadcasterId } of owners) {
          const page = yield* streams.list({ status: ["inactive"], broadcasterId }, { limit: null, after: null })
          assert.strictEqual(page.items.length, 14)
          for (const { state } of page.items) {
            if (state._tag !== "Inactive") return assert.fail(state._tag)
            const where = `${broadcasterId} ${usageDay(state)}`
            const usage = usageOf(state, state.readyAt === null ? 0 : BYTES)
            const before = expected.get(where)
            expected.set(where, before === undefined ? usage : addUsage(before, usage))
          }
        }
        // In several batches, so that a day has more than one.
        while ((yield* prune(5)).streams === 5);
        yield* prune()
        let days = 0
        for (const { id: broadcasterId } of owners) {
          for (const { day, byWorker, ...usage } of yield* prunedUsage(broadcasterId)) {
            const sum = expected.get(`${broadcasterId} ${day}`)
            assert.isFalse(byWorker)
            assert.isDefined(sum)
            assert.deepStrictEqual(
              { ...usage, seconds: Math.round(usage.seconds * 1000) },
              { ...sum!, seconds: Math.round(sum!.seconds * 1000) }
            )
            assert.isAbove(usage.seconds, 0)
            days++
          }
        }
        assert.strictEqual(days, expected.size)
        assert.isAtLeast(days, 6)
      })
    )

    law(
      "a key remembers when it was used last, and stays as long as it is not revoked",
      Effect.gen(function* () {
        const { age } = yield* BackDoor
        const keys = yield* StreamKeys
        const [used, unused, again] = [yield* aKey(), yield* aKey(), yield* aKey()]
        yield* anEnded(used)
        const first = yield* anEnded(again)
        yield* age(KEEP + 1)
        const lastUsed = (key: Key) =>
          Effect.map(keys.find(key.id), (found) => plain(Option.getOrThrow(found).key.lastUsedAt))
        const before = [yield* lastUsed(used), yield* lastUsed(unused)]
        const second = yield* anEnded(again)
        yield* prune()
        assert.deepStrictEqual([yield* isThere(first.id), yield* isThere(second.id)], [false, true])
        assert.deepStrictEqual([yield* lastUsed(used), yield* lastUsed(unused)], before)
        assert.isNotNull(before[0])
        const { stream } = yield* details(second.id)
        assert.deepStrictEqual(yield* lastUsed(again), plain(stream.state.startedAt))
      })
    )

    law(
      "a revoked key goes when it was revoked long ago and no stream of it is left",
      Effect.gen(function* () {
        const { age } = yield* BackDoor
        const keys = yield* StreamKeys
        const [early, late, used] = [yield* aKey(), yield* aKey(), yield* aKey()]
        const session = yield* aSession({}, used)
        for (const { id } of [early, used]) yield* keys.revoke(id)
        yield* age(KEEP - 1)
        yield* end(session.id)
        yield* keys.revoke(late.id)
        yield* age(2)
        yield* prune()
        const are = () => Effect.forEach([early, late, used], ({ id }) => Effect.map(keyOf(id), Option.isSome))
        assert.deepStrictEqual(yield* are(), [false, true, true])
        yield* age(KEEP)
        const gone = yield* prune()
        assert.isAtLeast(gone.keys, 2)
        assert.deepStrictEqual(yield* are(), [false, false, false])
        assert.isTrue(Option.isNone(yield* admit(anAsk(early))))
      })
    )

    law(
      "a worker's key goes after its stream, whose usage is counted apart",
      Effect.gen(function* () {
        const { age, prunedUsage } = yield* BackDoor
        const [workers, leases] = [yield* Workers, yield* Leases]
        const pipeline = "pruned" as PipelineId
        const input = yield* aSession({ path: pipelinePath(pipeline, "in") })
        const issue = Effect.fnUntraced(function* () {
          const hash = crypto.getRandomValues(new Uint8Array(32))
          const order = {
            keyId: newId<StreamKeyId>(),
            hash,
            keyPrefix: "sk_work",
            label: "worker",
            path: pipelinePath(pipeline, "out"),
            source: input.id,
            inputPath: pipelinePath(pipeline, "in"),
            admitWithinMillis: 60_000
          }
          yield* Effect.repeat(leases.acquire("pruner", 60_000), { until: ({ held }) => held })
          assert.isTrue(yield* workers.issueKey(order, "pruner"))
          return order
        })
        const order = yield* issue()
        yield* issue()
        const output = anAsk(order, { path: order.path, reserved: true })
        assert.isTrue(Option.isSome(yield* admit(output)))
        yield* end(output.streamId)
        yield* leases.release("pruner")
        yield* age(KEEP + 1)
        while ((yield* prune()).keys > 0);
        assert.isFalse(yield* isThere(output.streamId))
        const usage = yield* prunedUsage(input.key.key.broadcasterId)
        assert.deepStrictEqual(
          usage.map(({ byWorker, streams }) => ({ byWorker, streams })),
          [{ byWorker: true, streams: 1 }]
        )
        const again = anAsk(order, { path: order.path, reserved: true })
        const facts = yield* Effect.flatMap(Admissions, (admissions) => admissions.facts(again))
        assert.isNull(facts.key)
      })
    )

    law(
      "less than a day is not kept",
      Effect.gen(function* () {
        const session = yield* anEnded()
        yield* elapse(5)
        const retention = yield* Retention
        for (const keepDays of [0, -1]) assert.isTrue(Exit.isFailure(yield* Effect.exit(retention.prune(keepDays, 1))))
        yield* prune(ALL, 1)
        assert.isTrue(yield* isThere(session.id))
      })
    )
  })
