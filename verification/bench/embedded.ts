/** `/auth` of a host that embeds Greenroom, beside the server's own: both on one database, each call on a new connection, in short turns. */
import { setTimeout as sleep } from "node:timers/promises"
import { callsOn } from "./calls.ts"
import { figuresOf, median, medianOf } from "./figures.ts"
import { onNewConnection, type Sample } from "./load.ts"
import type { Line, Measured } from "./parts.ts"
import { processorTimeOf, type Run, told } from "./processes.ts"
import { setStage } from "./stage.ts"

const ROUNDS = 7
const BLOCKS = 8
const WARM_UP_BLOCKS = 24
const CALLS = 50
const SETTLE_MS = 30

const urlOf = ({ host, port, user, database }: { host: string; port: number; user: string; database: string }) =>
  `postgres://${user}@localhost/${database}?${new URLSearchParams({ host, port: String(port) })}`

export const embedded = async (run: Run): Promise<Measured> => {
  const stage = await setStage(run)
  const options = { url: urlOf(stage.database), apiUrl: stage.apiUrl, secret: stage.hookSecret }
  const host = run.start("embedded-host", "./embeddedHost.ts", { env: { HOST_OPTIONS: JSON.stringify(options) } })
  const sides = [
    { what: "allowed, the server", port: stage.hooks, clock: stage.processorTime.greenroom },
    {
      what: "allowed, `gr.fetch` in `node:http`",
      port: await told<number>(run, "embedded-host", host),
      clock: () => processorTimeOf(host)
    }
  ].map((side) => ({ ...side, millis: 0, calls: 0 }))
  const { newcomer } = callsOn(stage)
  const round = async (blocks: number) => {
    const samples = sides.map((): Array<Sample> => [])
    for (let block = 0; block < blocks; block++) {
      for (const [index, side] of block % 2 === 0 ? [...sides.entries()] : [...sides.entries()].toReversed()) {
        const before = side.clock()
        for (let call = 0; call < CALLS; call++) samples[index]!.push(await onNewConnection(side.port, newcomer()))
        await sleep(SETTLE_MS)
        side.millis += side.clock() - before
        side.calls += CALLS
        await stage.store.endConnecting()
      }
    }
    return sides.map(({ what }, index) => figuresOf(what, samples[index]!))
  }
  await round(WARM_UP_BLOCKS)
  for (const side of sides) Object.assign(side, { millis: 0, calls: 0 })
  const rounds: Array<Awaited<ReturnType<typeof round>>> = []
  for (let count = 0; count < ROUNDS; count++) rounds.push(await round(BLOCKS))
  await run.stop(host)
  await stage.end()
  const lines = sides.map(
    ({ what, millis, calls }, index): Line => ({
      what,
      figures: medianOf(rounds.map((figures) => figures[index]!)),
      processor: millis / calls
    })
  )
  return {
    part: "embedded",
    title: "`POST /auth` of a host that embeds Greenroom, each call on a new connection",
    findings: [
      {
        aim: 14,
        what: "`gr.fetch`, `/auth` allowed, p50",
        greenroom: `${lines[1]!.figures.p50.toFixed(2)} ms`,
        beside: `the server ${lines[0]!.figures.p50.toFixed(2)} ms`,
        value: median(rounds.map((figures) => figures[1]!.p50 / figures[0]!.p50)),
        bound: { atMost: 1.1 }
      }
    ],
    lines,
    notes: [
      "The host does not reconcile; the server does, and has the listener's bounds, a log line and metrics for each call."
    ]
  }
}
