/**
 * What is measured. One client at a time asks floor and service in turn, in short blocks, so that whatever else the machine does
 * hits both; a hundred clients ask as fast as they are answered. A block's sessions are ended before the next: none of them is
 * on the media server, and the reconciler would have to find that out.
 */
import { callsOn } from "./calls.ts"
import { type Figures, figuresOf, median, medianOf, type Rounds } from "./figures.ts"
import { type Call, onNewConnection, type Sample, together } from "./load.ts"
import type { Stage } from "./stage.ts"

const ROUNDS = 9
const BLOCKS = 8
const BLOCK = 50
const CLIENTS = 100

export interface Line {
  readonly what: string
  readonly figures: Rounds
  readonly aim?: number
}

export interface Comparison {
  readonly greenroom: Rounds
  readonly floor: Rounds
  /** Greenroom's figure divided by the floor's, in each round; the median. */
  readonly ratio: { readonly p50: number; readonly p99: number; readonly processor: number }
  /** Processor time a call, ms, of the whole process, whatever else it does meanwhile. */
  readonly processor: { readonly greenroom: number; readonly floor: number }
}

const oneByOne = async (port: number, count: number, next: () => Call): Promise<ReadonlyArray<Sample>> => {
  const samples: Array<Sample> = []
  for (let index = 0; index < count; index++) samples.push(await onNewConnection(port, next()))
  return samples
}

export const besideTheFloor = async (stage: Stage): Promise<Comparison> => {
  const { newcomer } = callsOn(stage)
  const ports = [stage.floor, stage.hooks] as const
  const clocks = [stage.processorTime.floor, stage.processorTime.greenroom] as const
  const used: [number, number] = [0, 0]
  const round = async (blocks: number) => {
    const samples: readonly [Array<Sample>, Array<Sample>] = [[], []]
    for (let block = 0; block < blocks; block++) {
      for (const which of block % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        const before = clocks[which]()
        samples[which].push(...(await oneByOne(ports[which], BLOCK, newcomer)))
        used[which] += clocks[which]() - before
        await stage.store.endConnecting()
      }
    }
    return { floor: figuresOf("floor", samples[0]), greenroom: figuresOf("greenroom", samples[1]) }
  }
  // Long enough for the compiler to have seen all of a service that has been up for a while.
  await round(4 * BLOCKS)
  await stage.store.analyze()
  used.fill(0)
  const rounds: Array<Awaited<ReturnType<typeof round>>> = []
  for (let count = 0; count < ROUNDS; count++) rounds.push(await round(BLOCKS))
  const ratio = (figure: "p50" | "p99") =>
    median(rounds.map(({ greenroom, floor }) => greenroom[figure] / floor[figure]))
  const [byHand, ours] = used.map((millis) => millis / (ROUNDS * BLOCKS * BLOCK)) as [number, number]
  return {
    processor: { floor: byHand, greenroom: ours },
    floor: medianOf(rounds.map(({ floor }) => floor)),
    greenroom: medianOf(rounds.map(({ greenroom }) => greenroom)),
    ratio: { p50: ratio("p50"), p99: ratio("p99"), processor: ours / byHand }
  }
}

export const oneClient = async (stage: Stage): Promise<ReadonlyArray<Line>> => {
  const calls = callsOn(stage)
  const measured = async (what: string, next: () => Call, port = stage.hooks): Promise<Line> => {
    const rounds: Array<Figures> = []
    await oneByOne(port, 100, next)
    for (let round = 0; round < 3; round++) {
      rounds.push(figuresOf(what, await oneByOne(port, 300, next)))
      await stage.store.endConnecting()
    }
    return { what, figures: medianOf(rounds) }
  }
  return [
    await measured("`POST /auth`, the same connection again", calls.again),
    await measured("`POST /auth`, unknown key", calls.unknown),
    await measured("`POST /auth`, key in use", calls.inUse),
    await measured("`POST /auth`, the same connection again, on the API's port", calls.again, stage.greenroom)
  ]
}

export const hundredClients = async (stage: Stage): Promise<ReadonlyArray<Line>> => {
  const calls = callsOn(stage)
  const measured = async (what: string, port: number, next: () => Call, aim?: number): Promise<Line> => {
    const rounds: Array<Figures> = []
    await together(port, CLIENTS, 4, next)
    await stage.store.endConnecting()
    for (let round = 0; round < 7; round++) {
      rounds.push(figuresOf(what, await together(port, CLIENTS, 8, next)))
      await stage.store.endConnecting()
    }
    return { what, figures: medianOf(rounds), ...(aim === undefined ? {} : { aim }) }
  }
  return [
    await measured("`POST /auth`, allowed", stage.hooks, calls.newcomer, 50),
    await measured("… by the hand-written server", stage.floor, calls.newcomer),
    await measured("`POST /auth`, the same connection again", stage.hooks, calls.again, 50),
    await measured("`POST /auth`, unknown key", stage.hooks, calls.unknown, 50),
    await measured(`\`GET /streams\`, ${stage.live.length} streams`, stage.greenroom, calls.listStreams, 50),
    await measured("`POST /stream-keys`", stage.greenroom, calls.issueKey, 100),
    await measured("`PATCH /streams/{id}`", stage.greenroom, calls.annotateStream, 100)
  ]
}
