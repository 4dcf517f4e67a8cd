/** Simulated time: the order of events, fibers that sleep on it, and processes that do not hear their alarm. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Scheduler } from "effect"
import { makeKernel } from "./Kernel.ts"

describe("simulated time", () => {
  it("lets events happen in the order of their times, those of one moment in the order in which they were planned", () => {
    const kernel = makeKernel(1_000)
    const happened: Array<string> = []
    const plan = (millis: number, name: string) =>
      kernel.after(millis, () => happened.push(`${name} at ${kernel.now() - 1_000}`))
    for (const [index, millis] of [30, 10, 20, 10, 0, 30, 5].entries()) plan(millis, `event ${index}`)
    plan(15, "cancelled").cancel()
    kernel.runTo(1_029)
    assert.deepStrictEqual(happened, [
      "event 4 at 0",
      "event 6 at 5",
      "event 1 at 10",
      "event 3 at 10",
      "event 2 at 20"
    ])
    assert.strictEqual(kernel.now(), 1_029)
    kernel.runTo(2_000)
    assert.deepStrictEqual(happened.slice(5), ["event 0 at 30", "event 5 at 30"])
  })

  it("wakes fibers on it, by a clock that may be off, and stops where it is told to", () => {
    const kernel = makeKernel(0)
    const told: Array<number> = []
    const program = Effect.gen(function* () {
      for (;;) {
        yield* Effect.sleep(100)
        told.push(yield* Clock.currentTimeMillis)
      }
    })
    const clock = kernel.clock(
      () => 30_000,
      (run) => run()
    )
    const context = Context.empty().pipe(
      Context.add(Scheduler.Scheduler, kernel.scheduler),
      Context.add(Clock.Clock, clock)
    )
    Effect.runForkWith(context)(program)
    kernel.runTo(250)
    assert.deepStrictEqual(told, [30_100, 30_200])
    kernel.runTo(10_000, () => told.length === 5)
    assert.deepStrictEqual([told.length, kernel.now()], [5, 500])
  })

  it("keeps the alarms of a process that is frozen until it goes on", () => {
    const kernel = makeKernel(0)
    const kept: Array<() => void> = []
    let woken = false
    const clock = kernel.clock(
      () => 0,
      (run) => kept.push(run)
    )
    const context = Context.empty().pipe(
      Context.add(Scheduler.Scheduler, kernel.scheduler),
      Context.add(Clock.Clock, clock)
    )
    Effect.runForkWith(context)(
      Effect.andThen(
        Effect.sleep(10),
        Effect.sync(() => {
          woken = true
        })
      )
    )
    kernel.runTo(1_000)
    assert.isFalse(woken)
    for (const run of kept) run()
    kernel.settle()
    assert.isTrue(woken)
  })
})
