/** Pipelines from their source to their output, under the test clock: when a worker comes and goes, and that there is never a second. */
import { randomUUID } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import {
  Admissions,
  Endpoints,
  endpointsBehind,
  Leases,
  listActive,
  listKeys,
  MediaServer,
  type PipelineId,
  revoke,
  Sessions,
  type StreamId,
  type StreamKeyId,
  stopStream
} from "@greenroom/core"
import { LEASE_TTL_MS } from "@greenroom/core/internal"
import { Effect, Fiber, Option, Redacted, Ref } from "effect"
import { TestClock } from "effect/testing"
import { collector, metered } from "../../../core/test/support/logs.ts"
import { keyIn, type Pipeline, pipeline } from "./pipeline.ts"

const id = "a" as PipelineId
const wait = (millis: number) => TestClock.adjust(millis)
const stateOf = (world: Pipeline, name: string = id) => Effect.map(world.record(name), ({ state }) => state)

/** A pipeline whose source is on the air, and whose worker runs. */
const atWork = Effect.fnUntraced(function* (options: Parameters<typeof pipeline>[0] = {}) {
  const world = yield* pipeline(options)
  const key = yield* world.aKey
  const greenroom = yield* world.instance("one")
  const source = yield* world.source(id, key.value)
  yield* wait(2_000)
  return { world, key, greenroom, source }
})

describe("a worker", () => {
  it.effect("comes when its source is on the air, publishes with a key of its own, and is written down", () =>
    Effect.gen(function* () {
      const { world, key } = yield* atWork()
      const [running, ...more] = world.staff.of(id)
      assert.deepStrictEqual(more, [])
      assert.match(
        Redacted.value(running!.order.input),
        /^rtsp:\/\/worker:sk_[^@]{43}@127\.0\.0\.1:8554\/live\/a\/in\?worker=[0-9a-f-]{36}$/
      )
      assert.match(
        Redacted.value(running!.order.output),
        /^rtsp:\/\/worker:sk_[\w-]{43}@127\.0\.0\.1:8554\/live\/a\/out$/
      )
      assert.match(
        Redacted.value(running!.order.rtmpOutput),
        /^rtmp:\/\/127\.0\.0\.1:1935\/live\/a\/out\?user=worker&pass=sk_/
      )
      const record = yield* world.record(id)
      assert.deepInclude(record, { state: "running", attempt: 1, reason: null, mark: running!.mark })

      const page = { limit: null, after: null }
      const live = yield* listActive({ status: ["active"] }, page).pipe(
        Effect.provideService(Endpoints, endpointsBehind("https://media.example.com")),
        Effect.provideService(MediaServer, { enabled: Effect.succeed({}) } as never),
        Effect.provideContext(world.base)
      )
      assert.sameMembers(
        live.items.map(({ stream }) => stream.path),
        ["live/a/in", "live/a/out"]
      )
      const output = live.items.find(({ stream }) => stream.path === "live/a/out")!.stream
      assert.deepStrictEqual([record.outputStreamId, output.broadcaster.id], [output.id, key.key.broadcasterId])
      const keys = yield* Effect.provideContext(listKeys({}, page), world.base)
      assert.deepStrictEqual(
        keys.items.map((each) => each.id as StreamKeyId),
        [key.key.id]
      )
      assert.notInclude(JSON.stringify([...world.store.workers.values()]), Redacted.value(keyIn(running!.order)))
    })
  )

  it.effect("has an output within a quarter of a second of its source", () =>
    Effect.gen(function* () {
      const world = yield* pipeline()
      const key = yield* world.aKey
      yield* world.instance("one")
      yield* wait(1_000)
      yield* world.source(id, key.value)
      yield* wait(300)
      assert.strictEqual((yield* world.publishers(id)).length, 1)
    })
  )

  it.effect("goes when its source goes, and comes again with the next", () =>
    Effect.gen(function* () {
      const { world, key, source } = yield* atWork()
      yield* source.drop
      yield* wait(1_100)
      assert.deepStrictEqual([world.staff.running(), yield* world.publishers(id)], [[], []])
      assert.deepInclude(yield* world.record(id), { state: "stopped", mark: null })
      yield* world.source(id, key.value)
      yield* wait(1_500)
      assert.strictEqual(yield* stateOf(world), "running")
      assert.strictEqual(world.staff.started(), 2)
    })
  )

  it.effect("goes with its source when the source's key is revoked", () =>
    Effect.gen(function* () {
      const { world, key, greenroom, source } = yield* atWork()
      const revoked = yield* Effect.forkChild(Effect.provideContext(revoke(key.key.id), greenroom.context))
      yield* wait(1_000)
      assert.isTrue(Option.getOrThrow(yield* Fiber.join(revoked)).offAir)
      assert.strictEqual(yield* source.closed, "kicked")
      yield* wait(500)
      assert.deepStrictEqual([world.staff.running(), yield* world.publishers(id)], [[], []])
    })
  )

  it.effect("goes when its source pauses, and comes back when it goes on", () =>
    Effect.gen(function* () {
      const { world, source } = yield* atWork()
      yield* source.pause
      yield* wait(1_100)
      assert.deepStrictEqual(world.staff.running(), [])
      assert.strictEqual(yield* stateOf(world), "stopped")
      yield* source.record
      yield* wait(1_500)
      assert.strictEqual(yield* stateOf(world), "running")
    })
  )

  it.effect(
    "is tried again after 1, 2 and 4 seconds, each with its reason, then fails; a new source begins anew",
    () => {
      const log = collector()
      return Effect.gen(function* () {
        const world = yield* pipeline()
        const key = yield* world.aKey
        yield* world.instance("one")
        world.staff.refuse = "exit code 1: 404 Not Found"
        const source = yield* world.source(id, key.value)
        const starts: Array<number> = []
        for (let at = 0; at <= 12_000; at += 50) {
          yield* wait(50)
          while (starts.length < world.staff.started()) starts.push(at)
        }
        assert.strictEqual(starts.length, 4)
        const gaps = starts.slice(1).map((at, n) => at - starts[n]!)
        for (const [n, expected] of [1_000, 2_000, 4_000].entries()) {
          assert.isAtLeast(gaps[n]!, expected)
          assert.isAtMost(gaps[n]!, expected + 150)
        }
        assert.deepInclude(yield* world.record(id), {
          state: "failed",
          attempt: 4,
          reason: "exit code 1: 404 Not Found",
          mark: null
        })
        const said = log.lines.filter(({ annotations }) => annotations.reason === "exit code 1: 404 Not Found")
        assert.deepStrictEqual(
          said.map(({ level, message }) => `${level} ${message}`),
          [
            ...Array.from({ length: 3 }, () => "WARN a worker has ended and is tried again"),
            "ERROR a worker has failed: it is not tried again on this source"
          ]
        )
        yield* wait(60_000)
        assert.strictEqual(world.staff.started(), 4)

        world.staff.refuse = null
        yield* source.drop
        yield* wait(1_100)
        assert.strictEqual(yield* stateOf(world), "failed")
        yield* world.source(id, key.value)
        yield* wait(1_500)
        assert.deepInclude(yield* world.record(id), { state: "running", attempt: 1 })
      }).pipe(Effect.provide(log.layer))
    }
  )

  it.effect("that dies is back after a second; an operator who stops its output gets the same", () =>
    Effect.gen(function* () {
      const { world, greenroom } = yield* atWork()
      world.staff.of(id)[0]!.finish("killed by SIGKILL")
      yield* wait(500)
      assert.deepInclude(yield* world.record(id), { state: "retrying", reason: "killed by SIGKILL", attempt: 1 })
      yield* wait(1_500)
      assert.strictEqual(yield* stateOf(world), "running")
      const output = (yield* world.record(id)).outputStreamId!
      const stopped = yield* Effect.forkChild(
        stopStream(output).pipe(
          Effect.provideService(Endpoints, endpointsBehind("https://media.example.com")),
          Effect.provideContext(greenroom.context)
        )
      )
      yield* wait(500)
      assert.isTrue(Option.getOrThrow(yield* Fiber.join(stopped)).offAir)
      yield* wait(3_000)
      assert.strictEqual((yield* world.publishers(id)).length, 1)
    })
  )

  it.effect("is one, on the newest source, after twenty takeovers of its path", () =>
    Effect.gen(function* () {
      const { world, key } = yield* atWork({ onDuplicate: "takeover" })
      world.staff.stopMillis = 120
      let most = 0
      for (let takeover = 0; takeover < 20; takeover++) {
        yield* world.source(id, key.value)
        for (let step = 0; step < 4; step++) {
          yield* wait(130)
          most = Math.max(most, world.staff.of(id).length)
        }
      }
      yield* wait(3_000)
      assert.strictEqual(most, 1)
      assert.strictEqual(world.staff.of(id).length, 1)
      assert.strictEqual((yield* world.publishers(id)).length, 1)
      const sessions = yield* Effect.provideContext(
        Effect.flatMap(Sessions, ({ open }) => open),
        world.base
      )
      const newest = sessions.open.filter(({ path }) => path === "live/a/in")
      assert.strictEqual(newest.length, 1)
      assert.strictEqual((yield* world.record(id)).inputStreamId, newest[0]!.streamId)
      assert.strictEqual(yield* stateOf(world), "running")
    })
  )
})

describe("workers together", () => {
  it.effect("are at most so many; who is over it waits, says so, and starts when one ends", () =>
    Effect.gen(function* () {
      const world = yield* pipeline({ max: 2 })
      yield* world.instance("one")
      const sources = yield* Effect.forEach(["a", "b", "c", "d"], (name) =>
        Effect.gen(function* () {
          const source = yield* world.source(name, (yield* world.aKey).value)
          yield* wait(1_500)
          return source
        })
      )
      assert.strictEqual(world.staff.running().length, 2)
      for (const name of ["c", "d"]) {
        assert.deepInclude(yield* world.record(name), {
          state: "idle",
          reason: "waiting for a place: 2 workers are there already (MAX_WORKERS)"
        })
      }
      yield* sources[0]!.drop
      yield* wait(2_000)
      assert.deepStrictEqual(yield* Effect.forEach(["a", "b", "c", "d"], (name) => stateOf(world, name)), [
        "stopped",
        "running",
        "running",
        "idle"
      ])
    })
  )

  it.effect("are counted, by state, and their starts, retries and failures", () =>
    Effect.gen(function* () {
      const { counts } = yield* metered(
        Effect.gen(function* () {
          const { world } = yield* atWork()
          world.staff.refuse = "exit code 1"
          world.staff.of(id)[0]!.finish("exit code 1")
          yield* wait(12_000)
        })
      )
      assert.deepInclude(counts, {
        "greenroom_workers state=failed": 1,
        "greenroom_workers state=running": 0,
        greenroom_worker_starts_total: 4,
        greenroom_worker_retries_total: 3,
        greenroom_worker_failures_total: 1
      })
    })
  )

  it.effect("leave no key that nobody came with", () =>
    Effect.gen(function* () {
      const world = yield* pipeline()
      world.staff.refuse = "exit code 1"
      const key = yield* world.aKey
      yield* world.instance("one")
      yield* world.source(id, key.value)
      yield* wait(20_000)
      assert.strictEqual(yield* stateOf(world), "failed")
      const workerKeys = () => [...world.store.keys.values()].filter(({ admitsUntil }) => admitsUntil !== undefined)
      assert.strictEqual(workerKeys().length, 4)
      for (let seconds = 0; seconds < 150; seconds++) yield* wait(1_000)
      assert.deepStrictEqual(workerKeys(), [])
    })
  )

  it.effect("all stop when Greenroom ends, at once, and it is written down", () =>
    Effect.gen(function* () {
      const world = yield* pipeline()
      const greenroom = yield* world.instance("one")
      for (const name of ["a", "b", "c", "d", "e"]) yield* world.source(name, (yield* world.aKey).value)
      yield* wait(2_000)
      assert.strictEqual(world.staff.running().length, 5)
      world.staff.stopMillis = 4_000
      const closing = yield* Effect.forkChild(greenroom.close)
      yield* wait(4_100)
      yield* Fiber.join(closing)
      assert.deepStrictEqual(world.staff.running(), [])
      assert.deepInclude(yield* world.record("e"), { state: "stopped", reason: "Greenroom has ended", mark: null })
    })
  )
})

describe("a worker's output", () => {
  it.effect("is published by nobody else, whatever key they have, also while there is no worker", () =>
    Effect.gen(function* () {
      const { world, key } = yield* atWork()
      const other = yield* world.aKey
      for (const [name, { value }] of [
        ["a", other],
        ["a", key],
        ["z", other]
      ] as const) {
        const intruder = yield* world.media.publishAsked({
          protocol: "rtsp",
          path: `live/${name}/out`,
          user: "any",
          password: Redacted.value(value)
        })
        assert.isFalse(yield* intruder.admitted)
      }
      assert.strictEqual(yield* stateOf(world), "running")
    })
  )

  it.effect("cannot be published with the worker's own key by anybody who reads it", () =>
    Effect.gen(function* () {
      const { world, source } = yield* atWork()
      const password = Redacted.value(keyIn(world.staff.of(id)[0]!.order))
      const thief = () =>
        Effect.flatMap(
          world.media.publishAsked({ protocol: "rtsp", path: "live/a/out", user: "worker", password }),
          ({ admitted }) => admitted
        )
      assert.isFalse(yield* thief())
      yield* source.drop
      yield* wait(2_000)
      assert.isFalse(yield* thief())
    })
  )

  it.effect("is freed of a publisher that was there before workers were on", () =>
    Effect.gen(function* () {
      const world = yield* pipeline()
      const key = yield* world.aKey
      yield* world.instance("one")
      const path = "live/a/out"
      const before = yield* world.media.publishAsked({ protocol: "rtsp", path, unasked: true })
      const { hash } = [...world.store.keys.values()].find(({ id }) => id === key.key.id)!
      const request = { hash, path, sourceId: before.id, protocol: "rtsp", streamId: randomUUID() as StreamId } as const
      const admitted = yield* Effect.provideContext(
        Effect.flatMap(Admissions, ({ admit }) => admit(request)),
        world.base
      )
      assert.isTrue(Option.isSome(admitted))
      yield* wait(1_000)
      yield* world.source(id, (yield* world.aKey).value)
      yield* wait(3_000)
      assert.strictEqual(yield* before.closed, "kicked")
      assert.strictEqual(yield* stateOf(world), "running")
    })
  )
})

describe("instances", () => {
  it.effect("change: the next one ends what the last left, and there is one worker again", () =>
    Effect.gen(function* () {
      const world = yield* pipeline()
      const key = yield* world.aKey
      const one = yield* world.instance("one")
      yield* world.source(id, key.value)
      yield* wait(2_000)
      // It crashes: nothing of it runs any more but its worker, which nobody ends.
      const orphan = world.staff.of(id)[0]!
      yield* one.crash
      yield* wait(100)
      assert.deepStrictEqual(world.staff.of(id), [orphan])
      yield* world.instance("two")
      yield* wait(6_000)
      assert.deepStrictEqual(world.staff.ended, [orphan.mark])
      assert.strictEqual((yield* world.publishers(id)).length, 1)
      assert.strictEqual(world.staff.of(id).length, 1)
      assert.deepInclude(yield* world.record(id), { state: "running", mark: world.staff.of(id)[0]!.mark })
    })
  )

  it.effect(
    "on another machine take the output off the air that was left there: never two, one soon after the lease",
    () =>
      Effect.gen(function* () {
        const world = yield* pipeline()
        const key = yield* world.aKey
        const one = yield* world.instance("one")
        yield* world.source(id, key.value)
        yield* wait(2_000)
        const orphan = world.staff.of(id)[0]!
        yield* one.crash
        world.staff.host = "another machine"
        yield* world.instance("two")
        for (let millis = 0; millis < LEASE_TTL_MS + 400; millis += 50) {
          yield* wait(50)
          assert.isAtMost((yield* world.publishers(id)).length, 1)
        }
        assert.deepStrictEqual(world.staff.ended, [])
        const [now, ...more] = world.staff.of(id)
        assert.deepStrictEqual(more, [])
        assert.notStrictEqual(now, orphan)
        assert.strictEqual((yield* world.publishers(id)).length, 1)
        const record = yield* world.record(id)
        assert.deepInclude(record, { state: "running", mark: now!.mark })
        assert.strictEqual(record.mark!.host, "another machine")
      })
  )

  it.effect("that lose the lease stop their workers; another instance's are the only ones then", () =>
    Effect.gen(function* () {
      const { world } = yield* atWork()
      const lease = world.store.leases.get("main")!
      world.store.leases.set("main", { ...lease, holder: "two", until: lease.until + 60_000 })
      // One pass relies on the lease as the pass before renewed it; the next one reads it anew.
      yield* wait(2_200)
      assert.deepStrictEqual(world.staff.running(), [])
      const leases = yield* Effect.provideContext(Leases, world.base)
      yield* leases.release("two")
      yield* wait(4_000)
      assert.strictEqual(world.staff.of(id).length, 1)
      assert.strictEqual(yield* stateOf(world), "running")
    })
  )

  it.effect("leave running what runs while nothing can be seen, start nothing, and go on when it can", () =>
    Effect.gen(function* () {
      const { world } = yield* atWork()
      yield* Ref.set(world.fault, "refused")
      yield* wait(30_000)
      assert.strictEqual(world.staff.of(id).length, 1)
      world.staff.of(id)[0]!.finish("exit code 1")
      yield* wait(30_000)
      assert.strictEqual(world.staff.started(), 1)
      yield* Ref.set(world.fault, null)
      yield* wait(2_000)
      assert.strictEqual(yield* stateOf(world), "running")
      assert.strictEqual(world.staff.started(), 2)
    })
  )
})
