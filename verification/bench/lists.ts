/**
 * `GET /streams` as frontends poll it: 32 clients that keep their connections and do not pause, over 50 and over 1,000 live streams, plain,
 * compressed, and with the tag of the list that they have. The sessions are written into the database by hand, and the lease is taken from
 * the service, so that its reconciler does not end them. "Moving": the byte counters of all of them change each second, in one statement
 * as the reconciler's. Beside plain lists: bare `node:http` with a body of the same length, because a megabyte's way through the
 * kernel and the client is most of what a long one takes.
 */
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { Worker } from "node:worker_threads"
import { Client, type ClientConfig } from "pg"
import { type Figures, figuresOf, median, medianOf, type Rounds } from "./figures.ts"
import type { Sample } from "./load.ts"

export interface ListedService {
  /** Where the API answers. */
  readonly port: number
  readonly apiSecret: string
  /** The service's own database. */
  readonly database: ClientConfig
  /** Processor time of the service so far, ms. */
  readonly processorTime: () => number
}

export interface ListLine {
  readonly what: string
  readonly figures: Rounds
  readonly perSecond: number
  /** Processor time a call, ms, with everything else that the service does meanwhile. */
  readonly processor?: number
  /** Of the bodies of a call, on the average. */
  readonly bytes: number
  readonly aim?: { readonly perSecond: number; readonly p95?: number }
}

const CLIENTS = 32
const ROUNDS = 3
const ROUND_MS = 1_000
const P95_MS = 30

type Kind = "plain" | "gzip" | "conditional"

const requestOf = (apiSecret: string, kind: Kind, tag: string | null): string => {
  const conditional = kind === "conditional" && tag !== null ? `If-None-Match: ${tag}\r\n` : ""
  const encoding = kind === "plain" ? "" : "Accept-Encoding: gzip\r\n"
  return `GET /streams HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: ${apiSecret}\r\n${encoding}${conditional}\r\n`
}

interface Answer {
  readonly status: number
  readonly tag: string | null
  readonly bytes: number
}

/** Reads the head, and counts the bytes of the body: a body of a megabyte must cost the client little. */
const answerOn = (socket: Socket): Promise<Answer> =>
  new Promise((resolve, reject) => {
    let head = ""
    let answer: Answer | undefined
    let missing = 0
    const finish = (done: () => void) => {
      socket.off("data", onData).off("close", onClose)
      done()
    }
    const onClose = () => finish(() => reject(new Error("closed without an answer")))
    const onData = (chunk: Buffer) => {
      if (answer === undefined) {
        head += chunk.toString("latin1")
        const end = head.indexOf("\r\n\r\n")
        if (end === -1) return
        const status = Number(head.slice(9, 12))
        const bytes = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
        answer = { status, tag: /\r\netag: (\S+)/i.exec(head)?.[1] ?? null, bytes }
        missing = bytes - (head.length - end - 4)
      } else missing -= chunk.length
      const whole = answer
      if (missing <= 0) finish(() => resolve(whole))
    }
    socket.on("data", onData).on("close", onClose)
  })

const connected = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true })
    socket.once("error", reject).once("connect", () => resolve(socket.off("error", reject).on("error", () => {})))
  })

interface Round {
  readonly figures: Figures
  readonly perSecond: number
  readonly processor: number
  readonly bytes: number
}

const round = async ({ port, apiSecret, processorTime }: ListedService, what: string, kind: Kind): Promise<Round> => {
  const sockets = await Promise.all(Array.from({ length: CLIENTS }, () => connected(port)))
  const samples: Array<Sample> = []
  let bytes = 0
  const [begun, processorBefore] = [performance.now(), processorTime()]
  const poll = async (socket: Socket) => {
    let tag: string | null = null
    while (performance.now() < begun + ROUND_MS) {
      const asked = performance.now()
      socket.write(requestOf(apiSecret, kind, tag))
      const answer = await answerOn(socket)
      const error = answer.status === 200 || answer.status === 304 ? null : `status ${answer.status}`
      samples.push({ millis: performance.now() - asked, error })
      tag = answer.tag
      bytes += answer.bytes
    }
    socket.destroy()
  }
  await Promise.all(sockets.map(poll))
  const seconds = (performance.now() - begun) / 1000
  return {
    figures: figuresOf(what, samples),
    perSecond: samples.length / seconds,
    processor: (processorTime() - processorBefore) / samples.length,
    bytes: bytes / samples.length
  }
}

const measured = async (service: ListedService, what: string, kind: Kind, aim?: ListLine["aim"]): Promise<ListLine> => {
  await round(service, what, kind)
  const rounds: Array<Round> = []
  for (let count = 0; count < ROUNDS; count++) rounds.push(await round(service, what, kind))
  const middle = (of: (round: Round) => number) => median(rounds.map(of))
  return {
    what,
    figures: medianOf(rounds.map(({ figures }) => figures)),
    perSecond: middle(({ perSecond }) => perSecond),
    ...(Number.isNaN(middle(({ processor }) => processor)) ? {} : { processor: middle(({ processor }) => processor) }),
    bytes: middle(({ bytes }) => bytes),
    ...(aim === undefined ? {} : { aim })
  }
}

/** The same calls of a server that does nothing but send so many bytes. */
const bareServer = async (service: ListedService, bytes: number): Promise<ListLine> => {
  const worker = new Worker(new URL("./fixedBody.ts", import.meta.url), { workerData: Math.round(bytes) })
  const [port] = await once(worker, "message")
  const line = await measured({ ...service, port, processorTime: () => Number.NaN }, "… bare `node:http`", "plain")
  await worker.terminate()
  return line
}

/** Another holder than the service has the lease for an hour, which the service sees within a second. Nothing reconciles. */
const takeLease = `update leases set holder = 'bench', until = clock_timestamp() + interval '1 hour'`

/** All live sessions there are, in the end; the triggers of history do not see them. */
const live = (count: number) => [
  `insert into broadcasters (id, display_name) select gen_random_uuid(), 'Listed'
   where not exists (select from broadcasters where display_name = 'Listed')`,
  `with fresh as (
     insert into stream_keys (id, broadcaster_id, hash, key_prefix)
     select gen_random_uuid(), b.id, sha256(convert_to(gen_random_uuid()::text, 'UTF8')), 'sk_abcd'
     from broadcasters b, generate_series(1, ${count} - (select count(*) from streams where ended_at is null))
     where b.display_name = 'Listed'
     returning id, broadcaster_id
   )
   insert into streams (id, stream_key_id, broadcaster_id, path, source_id, protocol, title, ready_at, source_type, tracks)
   select gen_random_uuid(), id, broadcaster_id, 'live/listed-' || left(id::text, 8), gen_random_uuid()::text, 'rtmp', 'Main camera',
     clock_timestamp(), 'rtmpConn', '[{"codec": "H264", "width": 1920, "height": 1080, "profile": "High", "level": "4.1"},
       {"codec": "MPEG-4 Audio", "sampleRate": 48000, "channelCount": 2}]'
   from fresh`,
  "vacuum analyze streams"
]

const countersMove =
  "update streams set inbound_bytes = inbound_bytes + 700000, state_as_of = clock_timestamp() where ended_at is null"

/** The lines for 50 and 1,000 live streams, still and moving. All live streams of the database should be those that this makes. */
export const lists = async (service: ListedService): Promise<ReadonlyArray<ListLine>> => {
  const sql = new Client(service.database)
  await sql.connect()
  try {
    await sql.query("set session_replication_role = replica")
    await sql.query(takeLease)
    const lines: Array<ListLine> = []
    for (const [count, perSecond] of [
      [50, 3_000],
      [1_000, 2_000]
    ] as const) {
      for (const statement of live(count)) await sql.query(statement)
      const line = async (kind: Kind, aim?: ListLine["aim"]) =>
        lines.push(await measured(service, `${count} live, ${kind}`, kind, aim))
      await line("plain", count === 50 ? { perSecond, p95: P95_MS } : undefined)
      lines.push(await bareServer(service, lines.at(-1)?.bytes ?? 0))
      await line("gzip", { perSecond, p95: P95_MS })
      await line("conditional", { perSecond, p95: P95_MS })
    }
    const moving = setInterval(() => void sql.query(countersMove), 1_000)
    for (const kind of ["gzip", "conditional"] as const)
      lines.push(await measured(service, `1000 live and moving, ${kind}`, kind, { perSecond: 1_000 }))
    clearInterval(moving)
    return lines
  } finally {
    await sql.end()
  }
}
