/**
 * What `make local` runs, on free ports and with data of its own: Greenroom, its database, MediaMTX with the pipeline's configuration,
 * workers on. Both logs are read line by line as they come; times in them are this machine's clock, in milliseconds since 1970.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { freePorts } from "../../worlds/processes.ts"

const checkout = fileURLToPath(new URL("../../../", import.meta.url))
/** For what happens within seconds on a machine that is not at its limits. */
const PATIENCE_MS = 90_000
const UP_WITHIN_MS = 150_000
const STOP_WITHIN_MS = 30_000

/** A line of Greenroom's log or of MediaMTX's. */
export interface Line {
  readonly from: "greenroom" | "mediamtx"
  readonly at: number
  readonly message: string
  readonly [field: string]: unknown
}

export interface PathItem {
  readonly name: string
  readonly available: boolean
  readonly availableTime: string
}

export interface Worker {
  readonly state: string
  readonly reason: string | null
  readonly pid: number | null
}

export interface IssuedKey {
  readonly key_value: string
  readonly ingest: { readonly rtmp: string; readonly rtsp: string }
}

const parse = (text: string): Line | undefined => {
  if (!text.startsWith("{")) return undefined
  const line = JSON.parse(text) as { readonly message: string; readonly time?: string; readonly timestamp?: string }
  if (line.time !== undefined) return { ...line, from: "greenroom", at: Date.parse(line.time) }
  return { ...line, from: "mediamtx", at: Date.parse(line.timestamp ?? "") }
}

/** Waits, with a deadline that says what was waited for. */
export const within = async <A>(what: string, promise: Promise<A>, millis = PATIENCE_MS): Promise<A> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not after ${millis} ms: ${what}`)), millis)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Asks every 20 ms until the answer is one. */
export const until = async <A>(what: string, ask: () => A | undefined | Promise<A | undefined>): Promise<A> => {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const found = await ask()
    if (found !== undefined) return found
    if (performance.now() > deadline) throw new Error(`not after ${PATIENCE_MS} ms: ${what}`)
    await new Promise((later) => setTimeout(later, 20))
  }
}

const isOver = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

export const startLocal = async (environment: Readonly<Record<string, string>> = {}) => {
  const data = await mkdtemp(path.join(tmpdir(), "greenroom-pipeline-"))
  // As root the database runs as another user, who must get in.
  await chmod(data, 0o755)
  const [api, rtmp, rtsp, control, metrics, playback] = (await freePorts(6)) as [
    number,
    number,
    number,
    number,
    number,
    number
  ]
  const began = performance.now()
  // A group of its own, so that a signal reaches all of it, as a terminal's does.
  const child = spawn("make", ["--silent", "local"], {
    cwd: checkout,
    detached: true,
    env: {
      PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`,
      HOME: process.env.HOME ?? "/",
      ...(process.env.MEDIAMTX_BIN === undefined ? {} : { MEDIAMTX_BIN: process.env.MEDIAMTX_BIN }),
      DATA_DIR: data,
      API_PORT: String(api),
      MEDIAMTX_PORTS: Object.entries({ rtmp, rtsp, api: control, metrics, playback })
        .map(([name, port]) => `${name}=${port}`)
        .join(","),
      ...environment
    },
    stdio: ["ignore", "pipe", "pipe"]
  })
  const signal = (name: NodeJS.Signals) => {
    if (!isOver(child)) process.kill(-child.pid!, name)
  }
  const lastResort = () => signal("SIGTERM")
  process.once("exit", lastResort)

  let printed = ""
  const lines: Array<Line> = []
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ""
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += text
      const whole = `${rest}${text}`.split("\n")
      rest = whole.pop() ?? ""
      for (const line of whole.map(parse)) if (line !== undefined) lines.push(line)
      for (const listener of listeners) listener()
    })
  }
  const ended = once(child, "close").then(([code, name]) => {
    for (const listener of listeners) listener()
    return `${code ?? name}`
  })

  /** What `find` finds, as soon as it does: it is asked again when something was printed. */
  const heard = <A>(what: string, find: () => A | undefined, millis = PATIENCE_MS): Promise<A> => {
    let listener = () => {}
    const found = new Promise<A>((resolve, reject) => {
      listener = () => {
        const result = find()
        if (result !== undefined) resolve(result)
        else if (isOver(child)) reject(new Error(`it has ended, before ${what}:\n${printed.slice(-4_000)}`))
      }
      listeners.add(listener)
      listener()
    })
    return within(what, found, millis).finally(() => listeners.delete(listener))
  }

  const stop = async () => {
    signal("SIGTERM")
    await within("the pipeline has ended", ended, STOP_WITHIN_MS).finally(() => {
      signal("SIGKILL")
      process.removeListener("exit", lastResort)
    })
    await rm(data, { recursive: true, force: true })
  }

  let secret = ""
  let upAfter = 0
  try {
    const isUp = () => (printed.includes("The pipeline is up after") ? true : undefined)
    await heard("the pipeline is up", isUp, UP_WITHIN_MS)
    upAfter = performance.now() - began
    secret = (await readFile(path.join(data, "api-secret"), "utf8")).trim()
  } catch (error) {
    await stop()
    throw error
  }

  const answerOf = async (response: Response) => {
    if (!response.ok) throw new Error(`${response.url} was answered with ${response.status}: ${await response.text()}`)
    return response
  }
  const call = async <A>(method: string, route: string, body?: unknown): Promise<A> => {
    const headers = { "x-api-key": secret, "content-type": "application/json" }
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const init = { method, headers, ...sent, signal: AbortSignal.timeout(20_000) }
    return (await answerOf(await fetch(`http://127.0.0.1:${api}${route}`, init))).json() as Promise<A>
  }
  const authorization = () => ({ authorization: `Basic ${Buffer.from(`greenroom:${secret}`).toString("base64")}` })
  const look = async (port: number, route: string): Promise<string> => {
    const init = { headers: authorization(), signal: AbortSignal.timeout(20_000) }
    return (await answerOf(await fetch(`http://127.0.0.1:${port}${route}`, init))).text()
  }
  /** The first line of `since` or later that fits, which may be there already. */
  const first = (what: string, since: number, fits: (line: Line) => boolean): Promise<Line> => {
    let read = 0
    return heard(what, () => {
      while (read < lines.length) {
        const line = lines[read++]!
        if (line.at >= since && fits(line)) return line
      }
      return undefined
    })
  }

  const { id: broadcaster } = await call<{ readonly id: string }>("POST", "/broadcasters", { display_name: "Pipeline" })

  return {
    /** Milliseconds from its start to "The pipeline is up", npm's own start included. */
    upAfter,
    ports: { api, rtmp, rtsp, control, metrics },
    call,
    /** The control API's answer, decoded. */
    control: async (route: string): Promise<unknown> => JSON.parse(await look(control, route)),
    metrics: () => look(metrics, "/metrics"),
    health: () => fetch(`http://127.0.0.1:${api}/health`).then(({ status }) => status),
    /** A key for `live/<id>/in` alone. */
    key: (id: string) =>
      call<IssuedKey>("POST", "/stream-keys", { broadcaster_id: broadcaster, path: `live/${id}/in` }),
    pathItem: (name: string): Promise<PathItem> =>
      until(`${name} is available`, async () => {
        const { items } = JSON.parse(await look(control, "/v3/paths/list?itemsPerPage=1000"))
        return (items as ReadonlyArray<PathItem>).find((item) => item.name === name && item.available)
      }),
    worker: (id: string) => call<Worker>("GET", `/workers/${id}`),
    /** Greenroom's line of a hook event that came at `since` or later. */
    event: (event: "ready" | "not-ready", at: string, since: number) =>
      first(`${event} of ${at} in Greenroom's log`, since, (line) => line.event === event && line.path === at),
    events: () => lines.filter(({ from, event }) => from === "greenroom" && event !== undefined),
    /** Greenroom's line on a worker, such as `a worker starts`. */
    workerLine: (message: string, id: string, since: number) =>
      first(`"${message}" of ${id}`, since, (line) => line.message.startsWith(message) && line.pipeline === id),
    /** MediaMTX's line on a path: when it itself has the stream, and when it no longer has. */
    pathLine: (what: "begin" | "end", at: string, since: number) => {
      const words = what === "begin" ? "stream is available" : "runOnUnavailable command launched"
      return first(`the ${what} of ${at} in MediaMTX's log`, since, (line) =>
        line.message.startsWith(`[path ${at}] ${words}`)
      )
    },
    printed: () => printed,
    stop
  }
}

export type LocalPipeline = Awaited<ReturnType<typeof startLocal>>
