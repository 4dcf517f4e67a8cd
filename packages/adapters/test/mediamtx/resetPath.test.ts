/** A publisher that stands on a path, in no list, out of reach of a kick: how a path is rid of it, and what is left behind. */

import { assert, describe, it } from "@effect/vitest"
import { World } from "@greenroom/mediamtx-simulator"
import type { SimulatorStage } from "@greenroom/testing"
import { eventually } from "@greenroom/testing"
import { Clock, Effect, Fiber } from "effect"
import { RESET_MAX_READERS } from "../../src/mediamtx/resetPath.ts"
import { simulatorStage } from "../fixtures/simulatorStage.ts"

const configurations = (stage: SimulatorStage) =>
  Effect.map(stage.simulator.world, (world) => [...world.configurations])

const zombieOn = Effect.fnUntraced(function* (stage: SimulatorStage, path: string) {
  const publisher = yield* stage.simulator.publishAsked({ protocol: "rtsp", path, readyAfter: 2_000, unasked: true })
  assert.strictEqual(yield* stage.mediaServer.kick(publisher), "kicked")
  const look = yield* eventually(stage, stage.mediaServer.snapshot, ({ paths }) =>
    paths.some(({ name }) => name === path)
  )
  assert.isUndefined(look.sources.find(({ id }) => id === publisher.id))
  assert.strictEqual(look.paths.find(({ name }) => name === path)?.sourceId, publisher.id)
  assert.strictEqual(yield* stage.mediaServer.kick(publisher), "gone")
  yield* stage.mediaServer.snapshot
  assert.strictEqual(yield* stage.mediaServer.find(publisher), "present")
  return publisher
})

describe("MediaMtx.resetPath", () => {
  it.live("rids the path of its zombie; the neighbours stay, and so does no configuration", () =>
    Effect.gen(function* () {
      const stage = yield* simulatorStage()
      const neighbour = yield* stage.simulator.publish({ protocol: "rtsp", path: "live/b", unasked: true })
      yield* zombieOn(stage, "live/a")
      yield* stage.mediaServer.resetPath("live/a")
      const look = yield* stage.mediaServer.snapshot
      assert.deepStrictEqual(
        look.paths.map(({ sourceId }) => sourceId),
        [neighbour.id]
      )
      assert.deepStrictEqual(yield* configurations(stage), [])
    })
  )

  it.live("cleans up after a process that died between adding and deleting", () =>
    Effect.gen(function* () {
      const stage = yield* simulatorStage()
      yield* stage.simulator.media.change(
        (world, now) => World.configure(world, now, "live/a", RESET_MAX_READERS) || world
      )
      yield* zombieOn(stage, "live/a")
      yield* stage.mediaServer.resetPath("live/a")
      assert.deepStrictEqual((yield* stage.mediaServer.snapshot).paths, [])
      assert.deepStrictEqual(yield* configurations(stage), [])
    })
  )

  it.live("does not touch a configuration of the operator's", () =>
    Effect.gen(function* () {
      const stage = yield* simulatorStage()
      yield* stage.simulator.media.change((world, now) => World.configure(world, now, "live/a", 3) || world)
      assert.include((yield* Effect.flip(stage.mediaServer.resetPath("live/a"))).detail, "of its own")
      assert.deepStrictEqual(yield* configurations(stage), [["live/a", 3]])
    })
  )

  for (const path of ["all", "all_others", "~^.*$", "~live", "", "/a", "a/", "a/../b", ".", "a b", "a?b"]) {
    it.live(`asks nothing about ${JSON.stringify(path)}, which would not be a configuration of one path`, () =>
      Effect.gen(function* () {
        const { mediaServer, simulator } = yield* simulatorStage()
        assert.strictEqual((yield* Effect.flip(mediaServer.resetPath(path))).reason, "nonsense")
        assert.deepStrictEqual(yield* simulator.requests, [])
      })
    )
  }

  it.live("takes away what it has added also when it is interrupted", () =>
    Effect.gen(function* () {
      const stage = yield* simulatorStage()
      yield* stage.simulator.fault({ _tag: "Slow", by: 100, only: "/add/" })
      const curing = yield* Effect.forkChild(stage.mediaServer.resetPath("live/a"))
      const asked = Effect.map(stage.simulator.requests, (requests) =>
        requests.some(({ url }) => url.includes("/add/"))
      )
      yield* eventually(stage, asked, (yes) => yes)
      yield* Fiber.interrupt(curing)
      const methods = (yield* stage.simulator.requests).map(({ method }) => method)
      assert.deepStrictEqual(methods, ["POST", "DELETE"])
      assert.deepStrictEqual(yield* configurations(stage), [])
    })
  )

  it.live("takes away also what MediaMTX adds after the answer was given up", () =>
    Effect.gen(function* () {
      const stage = yield* simulatorStage({ client: { deadlines: { resetPath: 1_000 } } })
      yield* stage.simulator.fault({ _tag: "Slow", by: 900, only: "/add/" })
      assert.include((yield* Effect.flip(stage.mediaServer.resetPath("live/a"))).operation, "POST")
      yield* stage.mediaServer.snapshot
      yield* eventually(stage, configurations(stage), (all) => all.length === 1)
      yield* stage.mediaServer.snapshot
      assert.deepStrictEqual(yield* configurations(stage), [])
    })
  )

  it.live("when it could not be taken away it says so, and the next looks see to it", () =>
    Effect.gen(function* () {
      const stage = yield* simulatorStage()
      yield* stage.simulator.fault({ _tag: "Status", status: 500, only: "/delete/" })
      assert.include((yield* Effect.flip(stage.mediaServer.resetPath("live/a"))).operation, "DELETE")
      assert.lengthOf(yield* configurations(stage), 1)
      yield* stage.mediaServer.snapshot
      assert.lengthOf(yield* configurations(stage), 1)
      yield* stage.simulator.fault(null)
      yield* stage.mediaServer.snapshot
      assert.deepStrictEqual(yield* configurations(stage), [])
      const before = (yield* stage.simulator.requests).length
      yield* stage.mediaServer.snapshot
      const after = (yield* stage.simulator.requests).slice(before)
      assert.isFalse(after.some(({ method }) => method === "DELETE"))
    })
  )

  it.live("ends at its deadline at a server that does not answer", () =>
    Effect.gen(function* () {
      const stage = yield* simulatorStage({ client: { deadlines: { resetPath: 300 } } })
      yield* stage.freeze
      const begun = yield* Clock.currentTimeMillis
      const failure = yield* Effect.flip(stage.mediaServer.resetPath("live/a"))
      assert.strictEqual(failure.reason, "unreachable")
      assert.isAtLeast((yield* Clock.currentTimeMillis) - begun, 250)
    })
  )
})
