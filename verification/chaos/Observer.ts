/** Looks at the media server itself, past Greenroom, and notes who is on the air. */
import { Effect } from "effect"
import type { OnAir } from "./Agreement.ts"
import { now } from "./Windows.ts"

export interface Sighting {
  readonly path: string
  readonly times: Array<number>
}

const LOOK_EVERY = "200 millis"

/** By source. `look` gives `undefined` when the media server did not answer. */
export const observe = Effect.fnUntraced(function* (look: Effect.Effect<OnAir | undefined>) {
  const sightings = new Map<string, Sighting>()
  let looks = 0
  const once = Effect.gen(function* () {
    const seen = yield* look
    if (seen === undefined) return
    looks += 1
    const at = now()
    for (const [path, source] of seen) {
      const known = sightings.get(source)
      if (known === undefined) sightings.set(source, { path, times: [at] })
      else known.times.push(at)
    }
  })
  yield* once.pipe(Effect.andThen(Effect.sleep(LOOK_EVERY)), Effect.forever, Effect.forkScoped)
  return { sightings, looks: () => looks }
})
