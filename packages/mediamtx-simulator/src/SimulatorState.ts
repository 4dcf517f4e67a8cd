/**
 * A `World` held in one place and moved by Effect's clock: under a test clock it stands still until the test moves it. It can be changed,
 * watched, and waited for; who connects to it, and who is asked about them, is left to `Simulator`.
 */
import { Clock, Effect } from "effect"
import * as World from "./World.ts"

export type Step = (world: World.World, now: number) => World.World

export const makeSimulatorState = Effect.fnUntraced(function* (options: World.WorldOptions) {
  let world = World.begin(yield* Clock.currentTimeMillis, options)
  const waiting = new Set<() => void>()
  const observers: Array<(happening: World.Happening) => void> = []

  let wakes = 0
  const wake = () => {
    wakes += 1
    for (const resume of [...waiting]) resume()
  }

  /** Lets pass what is due, then does the step. */
  const change = (step: Step) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      const before = world
      const after = step(World.advance(world, now), now)
      world = after.happened.length === 0 ? after : { ...after, happened: [] }
      for (const happening of after.happened) for (const observer of observers) observer(happening)
      if (after !== before) wake()
      return world
    })
  const current = change((same) => same)

  /** `since`: the number of wakes that the caller knows of. */
  const changed = (since: number) =>
    Effect.callback<void>((resume) => {
      if (wakes !== since) return resume(Effect.void)
      const done = () => {
        waiting.delete(done)
        resume(Effect.void)
      }
      waiting.add(done)
      return Effect.sync(() => waiting.delete(done))
    })

  /** Waits, along with the world's own times, until the check gives something. */
  const until = Effect.fnUntraced(function* <A>(check: (world: World.World) => A | undefined) {
    for (;;) {
      const now = yield* current
      const since = wakes
      const found = check(now)
      if (found !== undefined) return found
      const due = World.nextDue(now)
      const left = due === null ? null : Math.max(due - (yield* Clock.currentTimeMillis), 0)
      yield* left === null ? changed(since) : Effect.raceFirst(changed(since), Effect.sleep(left))
    }
  })

  return {
    /** As it is now. */
    current,
    /** As it was when it was last touched. */
    peek: () => world,
    change,
    until,
    /** Makes everybody who waits look again: something beside the world has changed. */
    wake,
    /** Reports every event, in order. */
    observe: (observer: (happening: World.Happening) => void) => void observers.push(observer)
  }
})

export type SimulatorState = Effect.Success<ReturnType<typeof makeSimulatorState>>
