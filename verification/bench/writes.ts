/**
 * Calls of the API that write, beside one bare insert or update by the hand-written server. The aim is for one client. A hundred
 * without a pause show how much two cores can do, and how long a call then waits for its turn behind the media server's calls.
 */
import { callsOn } from "./calls.ts"
import { figuresOf, median, medianOf } from "./figures.ts"
import { alternately, type Burst, burst, CLIENTS, lineOf } from "./hundred.ts"
import { type Call, type Sample, together } from "./load.ts"
import type { Finding, Line, Measured } from "./parts.ts"
import type { Stage } from "./stage.ts"

const ROUNDS = 7
const BLOCKS = 4
const BLOCK = 50
const WARM_UP_BLOCKS = 8
const HUNDRED_ROUNDS = 3
const CALLS_EACH = 5

type Alternated = ReadonlyArray<readonly [Burst, Burst]>

interface Kind {
  readonly what: string
  readonly bare: string
  readonly next: () => Call
}

/** Processor time used in the rounds, ms, by Greenroom and by hand. */
type Used = [number, number]

const oneClient = async (stage: Stage, { what, next }: Kind, used: Used): Promise<Alternated> => {
  const ports = [stage.greenroom, stage.floor] as const
  const clocks = [stage.processorTime.greenroom, stage.processorTime.floor] as const
  const block = (side: 0 | 1) => async () => {
    const before = clocks[side]()
    const { samples } = await together(ports[side], 1, BLOCK, next)
    used[side] += clocks[side]() - before
    return samples
  }
  const burstOf = (blocks: ReadonlyArray<ReadonlyArray<Sample>>): Burst => ({
    figures: figuresOf(what, blocks.flat()),
    perSecond: Number.NaN
  })
  const round = async (blocks: number) => {
    const pairs = await alternately(blocks, block(0), block(1))
    return [burstOf(pairs.map(([ours]) => ours)), burstOf(pairs.map(([, bare]) => bare))] as const
  }
  await round(WARM_UP_BLOCKS)
  await stage.store.analyze()
  used.fill(0)
  const rounds: Array<readonly [Burst, Burst]> = []
  for (let count = 0; count < ROUNDS; count++) rounds.push(await round(BLOCKS))
  return rounds
}

const hundredClients = async (stage: Stage, { what, next }: Kind): Promise<Alternated> => {
  const round = (port: number) => () => burst(what, port, CALLS_EACH, next)
  await alternately(1, round(stage.greenroom), round(stage.floor))
  return alternately(HUNDRED_ROUNDS, round(stage.greenroom), round(stage.floor))
}

const ratio = (rounds: Alternated) => median(rounds.map(([ours, bare]) => ours.figures.p95 / bare.figures.p95))

const finding = ({ what, bare }: Kind, rounds: Alternated): Finding => {
  const p95 = (which: 0 | 1) => `${median(rounds.map((round) => round[which].figures.p95)).toFixed(2)} ms`
  return {
    aim: 5,
    what: `${what}, p95`,
    greenroom: p95(0),
    beside: `${bare} ${p95(1)}`,
    value: ratio(rounds),
    bound: { atMost: 1.5 }
  }
}

export const writes = async (stage: Stage): Promise<Measured> => {
  const calls = callsOn(stage)
  const kinds: ReadonlyArray<Kind> = [
    { what: "`POST /stream-keys`", bare: "bare insert", next: calls.issueKey },
    { what: "`PATCH /streams/{id}`", bare: "bare update", next: calls.annotateStream }
  ]
  const findings: Array<Finding> = []
  const lines: Array<Line> = []
  for (const kind of kinds) {
    const used: Used = [0, 0]
    const one = await oneClient(stage, kind, used)
    const many = await hundredClients(stage, kind)
    findings.push(finding(kind, one))
    for (const [which, name] of [kind.what, `${kind.bare}, by hand`].entries()) {
      const side = which as 0 | 1
      lines.push(
        {
          what: `${name}, one client`,
          figures: medianOf(one.map((round) => round[side].figures)),
          processor: used[side] / (ROUNDS * BLOCKS * BLOCK)
        },
        lineOf(
          `${name}, ${CLIENTS} clients`,
          many.map((round) => round[side])
        )
      )
    }
  }
  return { part: "writes", title: "Writes through the API, on connections that are kept", findings, lines, notes: [] }
}
