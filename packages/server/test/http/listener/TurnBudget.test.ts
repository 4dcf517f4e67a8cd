/** How requests share the event loop. The loop's own turns are the clock: each `setImmediate` is one. */
import { assert, describe, it } from "@effect/vitest"
import { TurnBudget } from "../../../src/http/listener/TurnBudget.ts"

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Uses the processor for so long. */
const work = (millis: number) => {
  const until = performance.now() + millis
  while (performance.now() < until) {}
}

describe("a turn's budget", () => {
  it("runs a task at once while there is time", () => {
    const budget = new TurnBudget(1_000)
    const done: Array<number> = []
    for (let n = 0; n < 10; n++) budget.run(() => done.push(n))
    assert.deepStrictEqual(done, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it("leaves the rest to later turns, in order, and runs each once", async () => {
    const budget = new TurnBudget(2)
    const done: Array<number> = []
    const doneAfter: Array<number> = []
    for (let n = 0; n < 20; n++) {
      budget.run(() => {
        work(1.5)
        done.push(n)
      })
    }
    for (let turns = 0; turns < 40 && done.length < 20; turns++) {
      doneAfter.push(done.length)
      await turn()
    }
    assert.deepStrictEqual(
      done,
      Array.from({ length: 20 }, (_, n) => n)
    )
    // One or two tasks fit into a turn; on a machine that stands still in between, one.
    for (let n = 1; n < doneAfter.length; n++) assert.isAtMost((doneAfter[n] ?? 0) - (doneAfter[n - 1] ?? 0), 2)
  })

  it("takes tasks from tasks, behind those that wait", async () => {
    const budget = new TurnBudget(0.1)
    const done: Array<string> = []
    budget.run(() => {
      work(1)
      done.push("first")
      budget.run(() => done.push("from the first"))
    })
    budget.run(() => done.push("second"))
    for (let turns = 0; turns < 10 && done.length < 3; turns++) await turn()
    assert.deepStrictEqual(done, ["first", "from the first", "second"])
  })
})
