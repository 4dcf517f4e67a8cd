/** The faults of the line to the store: what was executed, and what its caller was told. */
import { assert, describe, it } from "@effect/vitest"
import { Database } from "@greenroom/adapters/postgres"
import type { BroadcasterId } from "@greenroom/core"
import { Clock, Context, Effect, type Exit, Scheduler } from "effect"
import { makeRng } from "../worlds/Rng.ts"
import type { Caller } from "./Caller.ts"
import { makeCounts } from "./Counts.ts"
import { makeKernel } from "./Kernel.ts"
import { uuidOf } from "./Scenario.ts"
import { makeSimulatedStore } from "./SimulatedStore.ts"

const makeStage = () => {
  const kernel = makeKernel(0)
  const store = makeSimulatedStore({ kernel, rng: makeRng(1), counts: makeCounts(), executed: () => {} })
  const caller: Caller = { name: "somebody", mayCall: () => true, deliver: (run) => run() }
  const context = Context.empty().pipe(
    Context.add(Scheduler.Scheduler, kernel.scheduler),
    Context.add(
      Clock.Clock,
      kernel.clock(
        () => 0,
        (run) => run()
      )
    )
  )
  const fields = { displayName: "Studio", contact: null, metadata: {} }
  /** Creates a broadcaster over the line. */
  const create = (n: number) => {
    const call = store.services.broadcasters.create(uuidOf(0xb, n) as BroadcasterId, fields)
    const told: { exit: Exit.Exit<unknown, unknown> | null; at: number } = { exit: null, at: 0 }
    const fiber = Effect.runForkWith(context)(store.line(caller, "Broadcasters.create", call))
    fiber.addObserver((exit) => {
      told.exit = exit
      told.at = kernel.now()
    })
    return told
  }
  return { kernel, store, create, rows: () => store.state.broadcasters.size }
}

describe("the line to the store", () => {
  it("brings the answer of what was executed some milliseconds ago", () => {
    const { kernel, create, rows } = makeStage()
    const told = create(1)
    kernel.runTo(10)
    assert.deepStrictEqual([told.exit?._tag, rows()], ["Success", 1])
  })

  it("fails before the commit: nothing was executed", () => {
    const { kernel, store, create, rows } = makeStage()
    store.failCommits(1)
    const told = create(1)
    kernel.runTo(10)
    assert.deepStrictEqual([told.exit?._tag, rows()], ["Failure", 0])
  })

  it("loses the answer of a commit, at once or in silence until the deadline: it was executed", () => {
    for (const silent of [false, true]) {
      const { kernel, store, create, rows } = makeStage()
      store.loseAnswers(1, silent)
      const told = create(1)
      kernel.runTo(10)
      assert.deepStrictEqual([told.exit?._tag, rows()], [silent ? undefined : "Failure", 1])
      kernel.runTo(5_000)
      assert.deepStrictEqual(
        [told.exit?._tag, silent ? told.at : null],
        ["Failure", silent ? Database.limits.general.answerMillis : null]
      )
    }
  })

  it("is down for a while, and refuses at once", () => {
    const { kernel, store, create, rows } = makeStage()
    store.stop(100)
    const told = create(1)
    kernel.runTo(10)
    assert.deepStrictEqual([told.exit?._tag, rows()], ["Failure", 0])
    kernel.runTo(100)
    create(2)
    kernel.runTo(110)
    assert.strictEqual(rows(), 1)
  })

  it("is frozen: callers wait for their deadline, and what they asked for may still be executed after it", () => {
    const { kernel, store, create, rows } = makeStage()
    store.freeze(6_000)
    const told = Array.from({ length: 20 }, (_, index) => create(index))
    kernel.runTo(5_999)
    for (const { exit, at } of told)
      assert.deepStrictEqual([exit?._tag, at], ["Failure", Database.limits.general.answerMillis])
    assert.strictEqual(rows(), 0)
    kernel.runTo(7_000)
    assert.isTrue(rows() > 0 && rows() < 20, `${rows()}`)
  })
})
