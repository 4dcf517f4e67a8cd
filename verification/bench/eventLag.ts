/** How late events come: a hundred changes a second, to webhooks and to consumers of server-sent events, side by side with a dead endpoint. */
import type { ChildProcess } from "node:child_process"
import { Client } from "pg"
import { median } from "./figures.ts"
import { call, onNewConnection } from "./load.ts"
import type { Finding, Measured } from "./parts.ts"
import { type Run, told } from "./processes.ts"
import type { Stage } from "./stage.ts"

const EVENTS_A_SECOND = 100
const SECONDS = 10
const ENDPOINTS = 20
const SUBJECTS = 100
const WAITING = 100_000
const DEAD_ROUNDS = 3
/** What waits for the dead endpoint is of another type. */
const CHANGES = ["broadcaster.changed"]
const SETTLE_MS = 2_000

const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

const quantile = (sorted: ReadonlyArray<number>, part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN

interface Lags {
  readonly count: number
  readonly p50: number
  readonly p99: number
}

const lagsOf = (values: ReadonlyArray<number>): Lags => {
  const sorted = values.toSorted((a, b) => a - b)
  return { count: sorted.length, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) }
}

const asked = <A>(child: ChildProcess): Promise<A> =>
  new Promise((resolve) => {
    child.once("message", (message) => resolve(message as A))
    child.send("lags")
  })

const apiOf = ({ greenroom, apiSecret }: Stage) => {
  const base = `http://127.0.0.1:${greenroom}`
  return async <A>(method: string, path: string, body?: unknown): Promise<A> => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const headers = { "x-api-key": apiSecret, "content-type": "application/json" }
    const response = await fetch(`${base}${path}`, { method, headers, ...sent })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (response.status === 204 ? undefined : await response.json()) as A
  }
}

/** Changes one broadcaster after the other, at an even pace, whatever the answers take. */
const change = async (stage: Stage, ids: ReadonlyArray<string>): Promise<void> => {
  const calls: Array<Promise<unknown>> = []
  const begun = performance.now()
  for (let count = 0; count < EVENTS_A_SECOND * SECONDS; count++) {
    const due = begun + (count * 1_000) / EVENTS_A_SECOND
    if (due > performance.now()) await pause(due - performance.now())
    const patch = call(
      `PATCH /broadcasters/${ids[count % ids.length]}`,
      { "X-API-Key": stage.apiSecret },
      { display_name: `Changed ${count}` },
      200
    )
    calls.push(onNewConnection(stage.greenroom, patch))
  }
  await Promise.all(calls)
  await pause(SETTLE_MS)
}

const webhooks = async (run: Run, stage: Stage, ids: ReadonlyArray<string>): Promise<ReadonlyArray<Finding>> => {
  const api = apiOf(stage)
  const receiver = run.start("receiver", "./eventReceiver.ts")
  const port = await told<number>(run, "receiver", receiver)
  const made: Array<string> = []
  for (let index = 0; index < ENDPOINTS; index++) {
    const url = `http://127.0.0.1:${port}/${index}`
    made.push((await api<{ readonly id: string }>("POST", "/webhook-endpoints", { url, types: CHANGES })).id)
  }
  const lagsNow = async () => {
    await change(stage, ids)
    const byEndpoint = await asked<ReadonlyArray<readonly [string, ReadonlyArray<number>]>>(receiver)
    return lagsOf(byEndpoint.flatMap(([, lags]) => lags))
  }
  await lagsNow()
  const alone = await lagsNow()
  const dead = await api<{ readonly id: string }>("POST", "/webhook-endpoints", {
    url: "http://127.0.0.1:9/dead",
    types: ["broadcaster.created"]
  })
  await writeWaiting(stage, WAITING)
  const pairs: Array<readonly [Lags, Lags]> = []
  for (let round = 0; round < DEAD_ROUNDS; round++) {
    await api("PATCH", `/webhook-endpoints/${dead.id}`, { enabled: false })
    const without = await lagsNow()
    await api("PATCH", `/webhook-endpoints/${dead.id}`, { enabled: true })
    pairs.push([without, await lagsNow()])
  }
  for (const id of [...made, dead.id]) await api("DELETE", `/webhook-endpoints/${id}`)
  await run.stop(receiver)
  const expected = EVENTS_A_SECOND * SECONDS * ENDPOINTS
  return [
    {
      aim: 15,
      what: `from a change to the first attempt of its webhook, ${EVENTS_A_SECOND} a second to ${ENDPOINTS} endpoints, p99, ms`,
      greenroom: `p50 ${alone.p50} ms, p99 ${alone.p99} ms`,
      beside: `${alone.count} of ${expected} came`,
      value: alone.p99,
      bound: { atMost: 250 }
    },
    {
      aim: 15,
      what: `the same beside a dead endpoint with ${WAITING} events, p50`,
      greenroom: `${median(pairs.map(([, beside]) => beside.p50))} ms`,
      beside: `without it ${median(pairs.map(([without]) => without.p50))} ms`,
      value: median(pairs.map(([without, beside]) => beside.p50 / without.p50)),
      bound: { atMost: 1.1 }
    }
  ]
}

/** Events that no endpoint but the dead one has to wait for: the others are past them when they are measured. */
const writeWaiting = async (stage: Stage, count: number): Promise<void> => {
  const client = new Client(stage.database)
  await client.connect()
  await client.query(
    "insert into broadcasters (id, display_name) select gen_random_uuid(), 'Waiting ' || n from generate_series(1, $1::integer) n",
    [count]
  )
  const placed = async () =>
    (await client.query("select count(*)::integer as left from event_log where position is null")).rows[0].left === 0
  while (!(await placed())) await pause(250)
  const reached = async () =>
    (
      await client.query(
        `select count(*)::integer as left from webhook_endpoints, event_head
       where url not like '%/dead' and webhook_endpoints.position < event_head.position`
      )
    ).rows[0].left === 0
  while (!(await reached())) await pause(250)
  await client.end()
}

const consumers = async (run: Run, stage: Stage, ids: ReadonlyArray<string>, count: number, atMost: number) => {
  const name = `consumers-${count}`
  const child = run.start(name, "./eventConsumers.ts", {
    env: { CONSUMERS: JSON.stringify({ port: stage.greenroom, apiSecret: stage.apiSecret, count }) }
  })
  await told<number>(run, name, child)
  await change(stage, ids)
  await asked(child)
  const processor = stage.processorTime.greenroom()
  await change(stage, ids)
  const used = (stage.processorTime.greenroom() - processor) / (SECONDS * 1_000 + SETTLE_MS)
  const { lags, closed } = await asked<{ readonly lags: ReadonlyArray<number>; readonly closed: number }>(child)
  await run.stop(child)
  const found = lagsOf(lags)
  const finding: Finding = {
    aim: 15,
    what: `from a change to ${count} consumers of server-sent events, ${EVENTS_A_SECOND} a second, p99, ms`,
    greenroom: `p50 ${found.p50} ms, p99 ${found.p99} ms`,
    beside: `${closed} were closed; the service uses ${(100 * used).toFixed(0)} % of a core`,
    value: found.p99,
    bound: { atMost }
  }
  return finding
}

export const eventLag = async (run: Run, stage: Stage): Promise<Pick<Measured, "findings">> => {
  const api = apiOf(stage)
  const ids: Array<string> = []
  for (let index = 0; index < SUBJECTS; index++)
    ids.push((await api<{ readonly id: string }>("POST", "/broadcasters", { display_name: `Bench ${index}` })).id)
  return {
    findings: [
      await consumers(run, stage, ids, 100, 100),
      await consumers(run, stage, ids, 1_000, 250),
      ...(await webhooks(run, stage, ids))
    ]
  }
}
