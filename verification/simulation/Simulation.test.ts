/** The simulation in the ordinary run: some schedules, that they replay to the byte, and that deliberate bugs do not get through. */
import { assert, describe, it } from "@effect/vitest"
import { bugNamed, bugs } from "./bugs/index.ts"
import { failureText, violationText } from "./Report.ts"
import { drawSchedule } from "./Schedule.ts"
import { shrink } from "./Shrink.ts"
import { play } from "./Simulation.ts"
import type { Schedule } from "./Step.ts"

const seeds = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index)

/** The first seed that breaks an invariant under this bug. */
const caught = (name: string, within: number) => {
  const bug = bugNamed(name)
  for (const seed of seeds(1, within)) {
    const { violation } = play(drawSchedule(seed), { bug })
    if (violation !== null) return { seed, bug, violation }
  }
  return null
}

describe("the simulation", { timeout: 180_000 }, () => {
  it("keeps every invariant in sixty schedules of a minute each", () => {
    for (const seed of seeds(1, 60)) {
      const { violation, steps, simulatedMillis } = play(drawSchedule(seed))
      assert.isNull(violation, `seed ${seed}`)
      assert.isAtLeast(steps, 200)
      assert.isAtLeast(simulatedMillis, 60_000)
    }
  })

  it("replays a schedule to the byte, also when it comes back from its JSON", () => {
    for (const seed of seeds(101, 3)) {
      const schedule = drawSchedule(seed)
      const first = play(schedule, { traced: true }).trace.join("\n")
      const copy: Schedule = JSON.parse(JSON.stringify(schedule))
      assert.strictEqual(play(copy, { traced: true }).trace.join("\n"), first)
      assert.isAbove(first.length, 10_000)
    }
  })

  const known: ReadonlyArray<readonly [bug: string, invariant: string]> = [
    ["no unique index on key and path", "1"],
    ["only active sessions are kicked", "2"],
    ["an event outside its row's statement", "4"],
    ["ended when the kick answered 200", "6"],
    ["paths logged as they came", "7"],
    ["an auth that waits for the store", "time"]
  ]
  for (const [name, invariant] of known) {
    it(`catches this bug by invariant ${invariant}: ${name}`, () => {
      assert.strictEqual(caught(name, 100)?.violation.invariant, invariant)
    })
  }

  it("shrinks what it caught to a few steps that break the same invariant again", () => {
    const found = caught("a hook ends a session", 20)!
    const { schedule, violation } = shrink(drawSchedule(found.seed), found.bug, 300)
    assert.isAtMost(schedule.steps.length, 6)
    assert.deepStrictEqual(play(schedule, { bug: found.bug }).violation, violation)
    assert.strictEqual(violation.invariant, found.violation.invariant)
    assert.isNull(play(schedule).violation, "without the bug nothing breaks")
  })

  it("prints a failure as a command whose schedule replays to the byte", () => {
    const found = caught("ended when the kick answered 200", 20)!
    const shrunk = shrink(drawSchedule(found.seed), found.bug, 300)
    const printed = failureText(found.seed, shrunk, found.bug.name)
    const [, name, json] = /--bug "([^"]+)" --replay '(.+)'$/.exec(printed)!
    const replay = () => play(JSON.parse(json!) as Schedule, { bug: bugNamed(name!), traced: true })
    const { trace, violation } = replay()
    assert.include(printed, violationText(violation!))
    assert.strictEqual(trace.at(-1)!.trimStart().split(" ").slice(1, 3).join(" "), `invariant ${violation!.invariant}:`)
    assert.strictEqual(replay().trace.join("\n"), trace.join("\n"))
    const { trace: first } = play(shrunk.schedule, { bug: found.bug, traced: true })
    assert.strictEqual(trace.join("\n"), first.join("\n"))
  })

  it("names each bug once", () => {
    assert.strictEqual(new Set(bugs.map(({ name }) => name)).size, bugs.length)
    for (const { name, what: _, ...wrong } of bugs) assert.isNotEmpty(wrong, name)
  })
})
