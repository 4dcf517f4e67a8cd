/**
 * What telemetry costs an auth call: services side by side that export nothing, everything, and the traces of every tenth request, asked in turn. They
 * differ in nothing else, so the ratios do not depend on what else the machine does. The collector is a process of its own.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { callsOn } from "./calls.ts"
import { type Figures, figuresOf, median, medianOf } from "./figures.ts"
import { onNewConnection, type Sample } from "./load.ts"
import type { Finding, Line, Measured } from "./parts.ts"
import { type Run, told } from "./processes.ts"
import { setStage } from "./stage.ts"

const ROUNDS = 7
const BLOCKS = 6
const WARM_UP_BLOCKS = 20
const CALLS = 40
/** After a block: what its admissions have woken counts as processor time of that block. */
const SETTLE_MS = 30

const settings = (endpoint: string) =>
  [
    { name: "off", what: "no exporter", env: {} },
    { name: "on", what: "traces, metrics and logs exported", env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } },
    {
      name: "traces",
      what: "traces alone exported",
      env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${endpoint}/v1/traces` }
    },
    {
      name: "sampled",
      what: "traces alone, of a tenth of the requests",
      env: {
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${endpoint}/v1/traces`,
        OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
        OTEL_TRACES_SAMPLER_ARG: "0.1"
      }
    }
  ] as const

const sidesOf = async (run: Run) => {
  const collector = run.start("collector", "./collector.ts")
  const port = await told<number>(run, "collector", collector)
  const sides = []
  for (const { name, what, env } of settings(`http://127.0.0.1:${port}`)) {
    const stage = await setStage(run, { name: `telemetry-${name}`, live: 5, keys: 400, env })
    sides.push({ what, stage, next: callsOn(stage).newcomer, millis: 0, calls: 0 })
  }
  return { collector, sides }
}

type Side = Awaited<ReturnType<typeof sidesOf>>["sides"][number]

const block = async (side: Side): Promise<ReadonlyArray<Sample>> => {
  const { stage, next } = side
  const samples: Array<Sample> = []
  const before = stage.processorTime.greenroom()
  for (let call = 0; call < CALLS; call++) samples.push(await onNewConnection(stage.hooks, next()))
  await sleep(SETTLE_MS)
  side.millis += stage.processorTime.greenroom() - before
  side.calls += CALLS
  await stage.store.endConnecting()
  return samples
}

const round = async (sides: ReadonlyArray<Side>, blocks: number): Promise<ReadonlyArray<Figures>> => {
  const samples = sides.map((): Array<Sample> => [])
  for (let count = 0; count < blocks; count++) {
    const order = [...sides.entries()]
    for (const [index, side] of count % 2 === 0 ? order : order.toReversed())
      samples[index]!.push(...(await block(side)))
  }
  return sides.map(({ what }, index) => figuresOf(what, samples[index]!))
}

/** Times the processor time without telemetry. Nothing is promised for more than sampled traces. */
const AT_MOST = { "traces alone, of a tenth of the requests": 1.15 } as const

export const telemetry = async (run: Run): Promise<Measured> => {
  const { collector, sides } = await sidesOf(run)
  await round(sides, WARM_UP_BLOCKS)
  for (const side of sides) Object.assign(side, { millis: 0, calls: 0 })
  const rounds: Array<ReadonlyArray<Figures>> = []
  for (let count = 0; count < ROUNDS; count++) rounds.push(await round(sides, BLOCKS))
  collector.send("how much")
  const bytes = await told<number>(run, "collector", collector)
  for (const { stage } of sides) await stage.end()
  await run.stop(collector)
  const processor = sides.map(({ millis, calls }) => millis / calls)
  const ratioOf = (index: number, figure: "p50" | "p99") =>
    median(rounds.map((figures) => figures[index]![figure] / figures[0]![figure]))
  const lines = sides.map(
    ({ what }, index): Line => ({
      what,
      figures: medianOf(rounds.map((figures) => figures[index]!)),
      processor: processor[index]!
    })
  )
  const findings = sides.flatMap(({ what }, index): ReadonlyArray<Finding> => {
    const atMost = AT_MOST[what as keyof typeof AT_MOST]
    if (atMost === undefined) return []
    return [
      {
        aim: 16,
        what: `\`/auth\` allowed, ${what}, processor time`,
        greenroom: `${processor[index]!.toFixed(2)} ms`,
        beside: `no exporter ${processor[0]!.toFixed(2)} ms`,
        value: processor[index]! / processor[0]!,
        bound: { atMost }
      }
    ]
  })
  const ratios = sides.map(
    ({ what }, index) =>
      `${what}: p50 ${ratioOf(index, "p50").toFixed(2)}, p99 ${ratioOf(index, "p99").toFixed(2)}, processor time ${(processor[index]! / processor[0]!).toFixed(2)}`
  )
  return {
    part: "telemetry",
    title: "Telemetry: `POST /auth` allowed, each call on a new connection",
    findings,
    lines,
    notes: [
      `Times the service without an exporter. ${ratios.join("; ")}.`,
      `The collector got ${(bytes / 1e6).toFixed(1)} MB in all.`
    ]
  }
}
