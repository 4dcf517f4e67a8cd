/**
 * Whether a long history slows anything: two stages side by side, one with a thousand keys and past streams, one with a million of
 * each. Both are asked in turn, so that their ratio does not depend on what else the machine does.
 */
import { type CallsOn, callsOn } from "./calls.ts"
import { figuresOf, median, medianOf } from "./figures.ts"
import { alternately } from "./hundred.ts"
import { type Call, onNewConnection, type Sample } from "./load.ts"
import type { Finding, Line, Measured } from "./parts.ts"
import type { Run } from "./processes.ts"
import { type Stage, setStage } from "./stage.ts"

const ROUNDS = 9
const BLOCKS = 6
const BLOCK = 40
const WARM_UP_BLOCKS = 16
const FEW = 1_000
const MANY = 1_000_000

interface Kind {
  readonly what: string
  readonly port: (stage: Stage) => number
  readonly next: (side: Side) => Call
}

const api = ({ greenroom }: Stage) => greenroom
const kinds: ReadonlyArray<Kind> = [
  { what: "`/auth` allowed", port: ({ hooks }) => hooks, next: ({ calls }) => calls.newcomer() },
  { what: "`GET /stream-keys`", port: api, next: ({ calls }) => calls.listKeys() },
  { what: "`GET /streams?status=inactive`", port: api, next: ({ calls }) => calls.listPast() },
  { what: "`GET /events`, a hundred of them", port: api, next: ({ calls, head }) => calls.readEvents(head) }
]

interface Side {
  readonly stage: Stage
  readonly calls: CallsOn
  readonly head: Awaited<ReturnType<Stage["store"]["eventHead"]>>
}

const measure = async ({ what, port, next }: Kind, few: Side, many: Side) => {
  const block = (side: Side) => async () => {
    const { stage } = side
    const samples: Array<Sample> = []
    for (let call = 0; call < BLOCK; call++) samples.push(await onNewConnection(port(stage), next(side)))
    await stage.store.endConnecting()
    return samples
  }
  const round = async (blocks: number) => {
    const pairs = await alternately(blocks, block(few), block(many))
    const figures = (side: 0 | 1) =>
      figuresOf(
        what,
        pairs.flatMap((pair) => pair[side])
      )
    return [figures(0), figures(1)] as const
  }
  await round(WARM_UP_BLOCKS)
  const rounds: Array<Awaited<ReturnType<typeof round>>> = []
  for (let count = 0; count < ROUNDS; count++) rounds.push(await round(BLOCKS))
  return rounds
}

export const million = async (run: Run): Promise<Measured> => {
  const sideOf = async (name: string, rows: number): Promise<Side> => {
    const stage = await setStage(run, { name, live: 5, keys: 200, history: rows })
    return { stage, calls: callsOn(stage), head: await stage.store.eventHead() }
  }
  const [few, many] = [await sideOf("few", FEW), await sideOf("many", MANY)]
  const findings: Array<Finding> = []
  const lines: Array<Line> = []
  for (const kind of kinds) {
    const rounds = await measure(kind, few, many)
    const [atFew, atMany] = [medianOf(rounds.map(([first]) => first)), medianOf(rounds.map(([, second]) => second))]
    findings.push({
      aim: 6,
      what: `${kind.what} with a million keys, past streams and events, p50`,
      greenroom: `${atMany.p50.toFixed(2)} ms`,
      beside: `with a thousand ${atFew.p50.toFixed(2)} ms`,
      value: median(rounds.map(([first, second]) => second.p50 / first.p50)),
      bound: { atMost: 1.1 }
    })
    lines.push(
      { what: `${kind.what}, a thousand`, figures: atFew },
      { what: `${kind.what}, a million`, figures: atMany }
    )
  }
  for (const { stage } of [few, many]) await stage.end()
  return {
    part: "million",
    title: "A long history, one client, each call on a new connection",
    findings,
    lines,
    notes: []
  }
}
