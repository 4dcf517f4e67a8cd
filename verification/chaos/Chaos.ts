/** Kills and freezes, one after the other, with quiet in between: each of the three, in both ways, again and again. */
import { Effect } from "effect"
import type { Rng } from "../worlds/Rng.ts"
import { now, type Window } from "./Windows.ts"

export interface Victim {
  readonly name: "MediaMTX" | "PostgreSQL" | "Greenroom"
  readonly kill: Effect.Effect<void>
  /** Returns when it is ready. */
  readonly start: Effect.Effect<void>
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
}

export interface Blow extends Window {
  readonly victim: Victim["name"]
  readonly how: "killed" | "frozen"
}

const AWAY_MS = { least: 500, most: 4_000 }
/** Some longer than the 5 s in which everything has to be in order again. */
const QUIET_MS = { least: 2_000, most: 9_000 }

const strike = Effect.fnUntraced(function* (victim: Victim, how: Blow["how"], away: number, blows: Array<Blow>) {
  const blow: Blow = { victim: victim.name, how, from: now(), to: Number.POSITIVE_INFINITY }
  blows.push(blow)
  const [begin, end] = how === "killed" ? [victim.kill, victim.start] : [victim.freeze, victim.thaw]
  yield* begin
  yield* Effect.sleep(away)
  yield* end
  blow.to = now()
}, Effect.uninterruptible)

/**
 * In every round each victim is killed and frozen once, in an order of its own. The last blow comes when the time is up, and so many
 * rounds are complete: on a busy machine what was killed takes its time to be back.
 */
export const rage = Effect.fnUntraced(function* (
  victims: ReadonlyArray<Victim>,
  rng: Rng,
  { until, rounds: least }: { readonly until: number; readonly rounds: number },
  blows: Array<Blow>
) {
  const round = (): Array<readonly [Victim, Blow["how"]]> => {
    const all = victims.flatMap((victim) => [[victim, "killed"] as const, [victim, "frozen"] as const])
    return all
      .map((one) => ({ one, order: rng.next() }))
      .sort((a, b) => a.order - b.order)
      .map(({ one }) => one)
  }
  const isOver = () => now() >= until && blows.length >= least * victims.length * 2
  while (true) {
    for (const [victim, how] of round()) {
      const quiet = rng.between(QUIET_MS.least, QUIET_MS.most)
      yield* Effect.sleep(now() < until ? Math.min(quiet, until - now()) : quiet)
      yield* strike(victim, how, rng.between(AWAY_MS.least, AWAY_MS.most), blows)
      if (isOver()) return
    }
  }
})
