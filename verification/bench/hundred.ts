/** A hundred clients at once, each on a connection that it keeps, each asking its next call when the last one is answered. */
import { callsOn } from "./calls.ts"
import { type Figures, figuresOf, median, medianOf } from "./figures.ts"
import { type Call, together } from "./load.ts"
import type { Line, Measured } from "./parts.ts"
import type { Stage } from "./stage.ts"

export const CLIENTS = 100
const ROUNDS = 9
const CALLS_EACH = 10
/** Long enough for the compiler, also when this part runs alone. */
const WARM_UP_ROUNDS = 4
/** Beyond this many times the hand-written server's p99, a round counts as an outlier. */
const OUTLIER = 2

export interface Burst {
  readonly figures: Figures
  readonly perSecond: number
}

export const burst = async (what: string, port: number, callsEach: number, next: () => Call): Promise<Burst> => {
  const { samples, seconds } = await together(port, CLIENTS, callsEach, next)
  return { figures: figuresOf(what, samples), perSecond: samples.length / seconds }
}

/** One of each in turn; which of them begins changes from round to round. */
export const alternately = async <A>(
  rounds: number,
  first: () => Promise<A>,
  second: () => Promise<A>
): Promise<ReadonlyArray<readonly [A, A]>> => {
  const taken: Array<readonly [A, A]> = []
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) taken.push([await first(), await second()])
    else {
      const after = await second()
      taken.push([await first(), after])
    }
  }
  return taken
}

export const lineOf = (what: string, bursts: ReadonlyArray<Burst>): Line => ({
  what,
  figures: medianOf(bursts.map(({ figures }) => figures)),
  perSecond: median(bursts.map(({ perSecond }) => perSecond))
})

export const hundred = async (stage: Stage): Promise<Measured> => {
  const { newcomer } = callsOn(stage)
  const round = (what: string, port: number) => async () => {
    const taken = await burst(what, port, CALLS_EACH, newcomer)
    await stage.store.endConnecting()
    return taken
  }
  const [ours, byHand] = [round("allowed", stage.hooks), round("by hand", stage.floor)]
  await alternately(1, ours, byHand)
  await stage.store.analyze()
  await alternately(WARM_UP_ROUNDS, ours, byHand)
  const rounds = await alternately(ROUNDS, ours, byHand)
  const lines = [
    lineOf(
      "allowed",
      rounds.map(([greenroom]) => greenroom)
    ),
    lineOf(
      "allowed, by hand, the same statement",
      rounds.map(([, floor]) => floor)
    )
  ] as const
  const ratio = (of: (burst: Burst) => number) => median(rounds.map(([greenroom, floor]) => of(greenroom) / of(floor)))
  const outliers = rounds.filter(([{ figures: ours }, { figures: theirs }]) => ours.p99 > OUTLIER * theirs.p99).length
  const [greenroom, floor] = lines
  return {
    part: "hundred",
    title: `\`POST /auth\`, ${CLIENTS} clients that keep their connections and do not pause`,
    findings: [
      {
        aim: 2,
        what: `${CLIENTS} clients, \`/auth\` allowed, calls a second`,
        greenroom: greenroom.perSecond!.toFixed(0),
        beside: `by hand ${floor.perSecond!.toFixed(0)}`,
        value: ratio(({ perSecond }) => perSecond),
        bound: { atLeast: 0.95 }
      },
      {
        aim: 2,
        what: `${CLIENTS} clients, \`/auth\` allowed, p95`,
        greenroom: `${greenroom.figures.p95.toFixed(0)} ms`,
        beside: `by hand ${floor.figures.p95.toFixed(0)} ms`,
        value: ratio(({ figures }) => figures.p95),
        bound: { atMost: 1.05 }
      },
      {
        aim: 2,
        what: `${CLIENTS} clients, rounds with a p99 beyond ${OUTLIER} times the one by hand`,
        greenroom: `${outliers} of ${ROUNDS}`,
        beside: "",
        value: outliers,
        bound: { atMost: 0 }
      }
    ],
    lines,
    notes: [
      `p99 of Greenroom divided by p99 by hand, round by round: ${rounds
        .map(([{ figures: ours }, { figures: theirs }]) => (ours.p99 / theirs.p99).toFixed(2))
        .join(", ")}.`
    ]
  }
}
