/**
 * `/auth` on a new connection each time, as MediaMTX asks: allowed, beside the hand-written server, and refused, beside allowed. All
 * of them take turns in short blocks, so that whatever else the machine does hits each. A block's sessions are ended before the
 * next: none of them is on the media server, and the reconciler would have to find that out.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { callsOn } from "./calls.ts"
import { type Figures, figuresOf, median, medianOf } from "./figures.ts"
import { type Call, onNewConnection, type Sample } from "./load.ts"
import type { Finding, Line, Measured } from "./parts.ts"
import type { Stage } from "./stage.ts"

const ROUNDS = 7
const BLOCKS = 8
/** Long enough for the compiler to have seen all of a service that has been up for a while. */
const WARM_UP_BLOCKS = 24
/** After a block: what its admissions have woken (a pass of the reconciler) counts as processor time of that block, not of the next. */
const SETTLE_MS = 30

const sides = ["byHand", "allowed", "unknown", "revoked", "inUse"] as const
type Side = (typeof sides)[number]
type BySide<A> = { readonly [S in Side]: A }

interface Asked {
  readonly what: string
  readonly port: number
  readonly next: () => Call
  readonly clock: () => number
  /** Calls in a block. */
  readonly block: number
}

const asked = (stage: Stage): BySide<Asked> => {
  const calls = callsOn(stage)
  const ours = { port: stage.hooks, clock: stage.processorTime.greenroom }
  const byHand = { port: stage.floor, clock: stage.processorTime.floor }
  return {
    byHand: { what: "allowed, by hand, the same statement", next: calls.newcomer, block: 50, ...byHand },
    allowed: { what: "allowed", next: calls.newcomer, block: 50, ...ours },
    unknown: { what: "unknown key", next: calls.unknown, block: 50, ...ours },
    revoked: { what: "revoked key", next: calls.revoked, block: 50, ...ours },
    inUse: { what: "key in use", next: calls.inUse, block: 20, ...ours }
  }
}

const bySide = <A>(make: (side: Side) => A): BySide<A> =>
  Object.fromEntries(sides.map((side) => [side, make(side)])) as BySide<A>

interface Used {
  millis: number
  seconds: number
  calls: number
}

const measure = async (stage: Stage) => {
  const all = asked(stage)
  const used = bySide((): Used => ({ millis: 0, seconds: 0, calls: 0 }))
  const round = async (blocks: number): Promise<BySide<Figures>> => {
    const samples = bySide((): Array<Sample> => [])
    for (let block = 0; block < blocks; block++) {
      for (const side of block % 2 === 0 ? sides : sides.toReversed()) {
        const { port, next, clock, block: size } = all[side]
        const [before, begun] = [clock(), performance.now()]
        for (let call = 0; call < size; call++) samples[side].push(await onNewConnection(port, next()))
        await sleep(SETTLE_MS)
        used[side].seconds += (performance.now() - begun) / 1_000
        used[side].millis += clock() - before
        used[side].calls += size
        await stage.store.endConnecting()
      }
    }
    return bySide((side) => figuresOf(all[side].what, samples[side]))
  }
  await round(WARM_UP_BLOCKS)
  await stage.store.analyze()
  for (const side of sides) Object.assign(used[side], { millis: 0, seconds: 0, calls: 0 })
  const rounds: Array<BySide<Figures>> = []
  for (let count = 0; count < ROUNDS; count++) rounds.push(await round(BLOCKS))
  return { all, used, rounds }
}

/** Processor time a second that the service uses beside the calls, ms, while sessions connect as they do during the blocks. */
const backgroundOf = async (stage: Stage): Promise<number> => {
  const { newcomer } = callsOn(stage)
  for (let call = 0; call < 25; call++) await onNewConnection(stage.hooks, newcomer())
  const [before, begun] = [stage.processorTime.greenroom(), performance.now()]
  await sleep(3_000)
  const spent = stage.processorTime.greenroom() - before
  const seconds = (performance.now() - begun) / 1_000
  await stage.store.endConnecting()
  return spent / seconds
}

const ms = (value: number) => `${value.toFixed(2)} ms`

export const auth = async (stage: Stage): Promise<Measured> => {
  const { all, used, rounds } = await measure(stage)
  const background = await backgroundOf(stage)
  const figures = bySide((side) => medianOf(rounds.map((round) => round[side])))
  const processor = bySide((side) => used[side].millis / used[side].calls)
  const compared = (side: Side, beside: Side, what: string, figure: "p50" | "p99", atMost: number): Finding => ({
    aim: 1,
    what: `\`/auth\` ${what}, ${figure}`,
    greenroom: ms(figures[side][figure]),
    beside: `${beside === "byHand" ? "by hand" : "allowed"} ${ms(figures[beside][figure])}`,
    value: median(rounds.map((round) => round[side][figure] / round[beside][figure])),
    bound: { atMost }
  })
  const share = (background * used.allowed.seconds) / used.allowed.millis
  return {
    part: "auth",
    title: "`POST /auth`, one client, each call on a new connection",
    findings: [
      compared("allowed", "byHand", "allowed", "p50", 1.15),
      compared("allowed", "byHand", "allowed", "p99", 1.25),
      {
        aim: 1,
        what: "`/auth` allowed, processor time a call",
        greenroom: ms(processor.allowed),
        beside: `by hand ${ms(processor.byHand)}`,
        value: processor.allowed / processor.byHand,
        bound: { atMost: 1.6 }
      },
      compared("unknown", "allowed", "refused, unknown key", "p50", 1),
      compared("revoked", "allowed", "refused, revoked key", "p50", 1),
      compared("inUse", "allowed", "refused, key in use", "p50", 2.5)
    ],
    lines: sides.map((side): Line => ({ what: all[side].what, figures: figures[side], processor: processor[side] })),
    notes: [
      `While sessions connect the service uses ${background.toFixed(0)} ms of processor time a second without any call (the reconciler): ${(100 * share).toFixed(0)} % of the processor time of the allowed calls.`
    ]
  }
}
