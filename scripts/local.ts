/**
 * `make local`: the pipeline without containers. Greenroom as `npm start` runs it, with its own database, and a MediaMTX of this machine
 * with docker/mediamtx/pipeline.yml on the loopback; workers on. When one of the two ends, so does the other.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { createServer } from "node:net"
import { resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { MediaMtxBinary } from "@greenroom/adapters/embedded"
import { Effect } from "effect"
import { Cannot, developmentKey, keyFile, orSay, until, usage, writePrivate } from "./developer.ts"

const inCheckout = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const dataDirectory = resolve(process.env.DATA_DIR ?? ".greenroom")
const apiPort = process.env.API_PORT ?? "8080"
const local = (port: number | string) => `127.0.0.1:${port}`

/** Each listener: the variable by which MediaMTX takes its address, and the port of pipeline.yml. */
const listeners = { RTMP: 1935, RTSP: 8554, API: 9997, METRICS: 9998, PLAYBACK: 9996 }

/** `MEDIAMTX_PORTS` moves them, as it does for the media server that Greenroom starts: `rtmp=11935,api=19997`. */
const movePorts = (text: string): void => {
  for (const entry of text === "" ? [] : text.split(",")) {
    const [, name, digits] = /^\s*(\w+)=(\d{1,5})\s*$/.exec(entry) ?? []
    const known = (Object.keys(listeners) as Array<keyof typeof listeners>).find((each) => each.toLowerCase() === name)
    const port = Number(digits)
    if (known === undefined || port < 1 || port > 65535) {
      throw new Cannot(
        `MEDIAMTX_PORTS: "${entry}" is no port of the pipeline: expected such as rtmp=11935, of rtmp, rtsp, api, metrics, playback`
      )
    }
    listeners[known] = port
  }
}

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer()
    server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => server.close(() => resolve(true)))
  })

const checkPorts = async (): Promise<void> => {
  const wanted: ReadonlyArray<readonly [string, number]> = [
    ["Greenroom", Number(apiPort)],
    ...Object.entries(listeners).map(([name, port]) => [`MediaMTX, ${name}`, port] as const)
  ]
  const taken: Array<string> = []
  for (const [name, port] of wanted) if (!(await isFree(port))) taken.push(`${port} (${name})`)
  if (taken.length === 0) return
  throw new Cannot(
    `these ports are in use: ${taken.join(", ")}. Stop what has them (\`ss -ltnp\` or \`lsof -i\` names it; \`make down\` stops the containers); API_PORT moves Greenroom's, MEDIAMTX_PORTS=rtmp=11935,… the media server's`
  )
}

const mediaMtx = async (): Promise<string> => {
  const found = MediaMtxBinary.find({ bin: process.env.MEDIAMTX_BIN, directory: resolve(dataDirectory, "mediamtx") })
  const result = await Effect.runPromise(
    Effect.match(found, { onFailure: (error) => error, onSuccess: ({ path }) => path })
  )
  if (typeof result === "string") return result
  throw new Cannot(result.message)
}

const keptSecret = (name: string): string => {
  const file = resolve(dataDirectory, name)
  if (!existsSync(file)) writePrivate(file, `${randomBytes(32).toString("base64url")}\n`)
  return readFileSync(file, "utf8").trim()
}

/** Seconds are enough, but on a machine that does too much else. Who has ended is not waited for. */
const PATIENCE_MS = 120_000

const children: Array<ChildProcess> = []
let leaving = false
/** The newest first: MediaMTX's last hooks still find Greenroom. */
const stopNext = (): void => {
  const runs = (child: ChildProcess) => child.pid !== undefined && child.exitCode === null && child.signalCode === null
  const child = children.findLast(runs)
  if (child === undefined) return
  child.once("exit", stopNext)
  child.kill("SIGTERM")
}
const leave = (): void => {
  if (leaving) return
  leaving = true
  stopNext()
}

/** A process that takes the other one with it. */
const start = (name: string, command: string, args: ReadonlyArray<string>, env: Record<string, string>): void => {
  // In a group of its own: a terminal's Ctrl-C reaches us alone, and we stop them in order.
  const child = spawn(command, args, {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...env },
    detached: true
  })
  children.push(child)
  const gone = (how: string) => {
    if (!leaving) {
      console.error(`${name} has ended (${how}): its last lines above say why`)
      process.exitCode = 1
    }
    leave()
  }
  child.once("error", (error) => gone(error.message))
  child.once("exit", (code, signal) => gone(signal ?? `exit code ${code}`))
}

const run = async (): Promise<void> => {
  movePorts(process.env.MEDIAMTX_PORTS ?? "")
  await checkPorts()
  const binary = await mediaMtx()
  const hookSecret = keptSecret("hook-secret")
  const began = Date.now()
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, leave)

  const main = inCheckout("packages/server/src/main.ts")
  start("Greenroom", process.execPath, ["--conditions=@greenroom/source", main, "serve"], {
    API_PORT: apiPort,
    HOST: "127.0.0.1",
    DATA_DIR: dataDirectory,
    HOOK_SECRET: hookSecret,
    MEDIAMTX_BIN: "",
    MEDIAMTX_PORTS: "",
    MEDIAMTX_API_URL: `http://${local(listeners.API)}`,
    MEDIAMTX_RTSP_URL: `rtsp://${local(listeners.RTSP)}`,
    MEDIAMTX_RTMP_URL: `rtmp://${local(listeners.RTMP)}`,
    PUBLIC_RTSP_URL: `rtsp://${local(listeners.RTSP)}`,
    PUBLIC_RTMP_URL: `rtmp://${local(listeners.RTMP)}`,
    WORKERS: process.env.WORKERS ?? "on"
  })
  await until(`http://${local(apiPort)}/readyz`, PATIENCE_MS, "the lines above say why", () => leaving)

  start("MediaMTX", "/bin/sh", ["-c", 'exec "$0" "$1"', binary, pipelineConfiguration()], {
    ...Object.fromEntries(Object.entries(listeners).map(([name, port]) => [`MTX_${name}ADDRESS`, local(port)])),
    MTX_AUTHHTTPADDRESS: `http://mediamtx:${encodeURIComponent(hookSecret)}@${local(apiPort)}/auth`,
    ORCHESTRATOR_URL: `http://${local(apiPort)}`,
    HOOK_SECRET: hookSecret,
    GREENROOM_MTX_HOOK: inCheckout("packages/adapters/hooks/mtx-hook")
  })
  await listening(listeners.RTMP)

  process.env.GREENROOM_URL = `http://${local(apiPort)}`
  const secret = process.env.API_SECRET ?? readFileSync(resolve(dataDirectory, "api-secret"), "utf8").trim()
  await developmentKey(keyFile(), secret)
  const rtmp = `rtmp://${local(listeners.RTMP)}`
  console.log(`\nThe pipeline is up after ${((Date.now() - began) / 1000).toFixed(1)} s.${usage(keyFile(), rtmp)}`)
}

/** The pipeline's own, with this checkout's script instead of the container's. */
const pipelineConfiguration = (): string => {
  const file = resolve(dataDirectory, "mediamtx", "pipeline.yml")
  const text = readFileSync(inCheckout("docker/mediamtx/pipeline.yml"), "utf8")
  writePrivate(file, text.replaceAll(": /mtx-hook ", ": sh $GREENROOM_MTX_HOOK "))
  return file
}

const listening = async (port: number): Promise<void> => {
  const deadline = Date.now() + PATIENCE_MS
  while (await isFree(port)) {
    if (leaving || Date.now() > deadline) throw new Cannot("MediaMTX does not listen: the lines above say why")
    await new Promise((later) => setTimeout(later, 100))
  }
}

await orSay(async () => {
  try {
    await run()
  } catch (error) {
    leave()
    throw error
  }
})
