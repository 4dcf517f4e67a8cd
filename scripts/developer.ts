/**
 * What a developer's day needs beside npm and compose, for the Makefile: an `.env` with secrets of its own, a stream key for the
 * examples, a look at the media server. Each command says in one sentence what to do when it cannot.
 *
 *   developer.ts env | containers | wait | key | api-status | metrics
 */
import { execFileSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { dirname, resolve } from "node:path"

/** What went wrong and what to do about it, for people. */
export class Cannot extends Error {}

const pipelinePorts = { rtmp: 1935, rtsp: 8554, api: 9997, metrics: 9998, playback: 9996 }
export type PipelinePorts = Readonly<typeof pipelinePorts>

/** The ports of docker/mediamtx/pipeline.yml, moved by `MEDIAMTX_PORTS`, such as `rtmp=11935,api=19997`. */
export const portsFrom = (text: string): PipelinePorts => {
  const ports = { ...pipelinePorts }
  for (const entry of text === "" ? [] : text.split(",")) {
    const [, name, digits] = /^\s*(\w+)=(\d{1,5})\s*$/.exec(entry) ?? []
    const known = (Object.keys(ports) as Array<keyof PipelinePorts>).find((each) => each === name)
    const port = Number(digits)
    if (known === undefined || port < 1 || port > 65535) {
      throw new Cannot(
        `MEDIAMTX_PORTS: "${entry}" is no port of the pipeline: expected such as rtmp=11935, of ${Object.keys(ports).join(", ")}`
      )
    }
    ports[known] = port
  }
  return ports
}

export const mediaMtxPorts = (): PipelinePorts => portsFrom(process.env.MEDIAMTX_PORTS ?? "")
export const apiPort = (): string => process.env.API_PORT || "8080"

const greenroomUrl = () => process.env.GREENROOM_URL ?? `http://127.0.0.1:${apiPort()}`
const controlApiUrl = () => process.env.MEDIAMTX_API_URL ?? `http://127.0.0.1:${mediaMtxPorts().api}`
const metricsUrl = () => process.env.MEDIAMTX_METRICS_URL ?? `http://127.0.0.1:${mediaMtxPorts().metrics}`
const KEY_PATH = "live/**"

/**
 * Written beside and moved into place, so that it is never there with another mode or half of it. Others may pass through its folder,
 * as Greenroom makes it: as root, PostgreSQL runs as another user.
 */
export const writePrivate = (file: string, text: string): void => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o711 })
  rmSync(`${file}.new`, { force: true })
  writeFileSync(`${file}.new`, text, { mode: 0o600, flag: "wx" })
  renameSync(`${file}.new`, file)
}

const variableIn = (file: string, name: string): string | undefined => {
  if (!existsSync(file)) return undefined
  return new RegExp(`^${name}=(.+)$`, "m").exec(readFileSync(file, "utf8"))?.[1]
}

/** The example with secrets of its own, the pipeline's configuration, and media workers as a user of their own. */
export const environmentFrom = (example: string, secret: () => string): string =>
  example
    .replaceAll(/^(\w*(?:SECRET|PASSWORD))=$/gm, (_, name: string) => `${name}=${secret()}`)
    .replace(/^COMPOSE_FILE=.*$/m, "COMPOSE_FILE=docker-compose.yml:docker/workers.yml")
    .replace(/^MEDIAMTX_CONFIG=.*$/m, "MEDIAMTX_CONFIG=mediamtx/pipeline.yml")
    .replace(/^WORKERS=.*$/m, "WORKERS=on")
    .replace(/^WITH_FFMPEG=.*$/m, "WITH_FFMPEG=yes")

const makeEnvironment = (): void => {
  if (existsSync(".env")) return
  writePrivate(
    ".env",
    environmentFrom(readFileSync(".env.example", "utf8"), () => randomBytes(24).toString("hex"))
  )
  console.log(".env is made from .env.example, with secrets of its own (mode 0600)")
}

const checkContainers = (): void => {
  for (const [args, remedy] of [
    [
      ["compose", "version"],
      "docker compose is not installed: install Docker, or run `make local`, which needs no containers"
    ],
    [["info"], "the Docker daemon does not answer: start it, or run `make local`, which needs no containers"]
  ] as const) {
    try {
      execFileSync("docker", args, { stdio: "ignore", timeout: 20_000 })
    } catch {
      throw new Cannot(remedy)
    }
  }
}

/** The API secret: of this shell, of the embedded service, or of the containers. */
const apiSecret = (): string => {
  const file = resolve(process.env.DATA_DIR ?? ".greenroom", "api-secret")
  const kept = existsSync(file) ? readFileSync(file, "utf8").trim() : undefined
  const containers = variableIn(".env", "API_SECRET")
  const secret = process.env.API_SECRET ?? (process.env.IN_CONTAINERS === "yes" ? containers : (kept ?? containers))
  if (secret === undefined)
    throw new Cannot("there is no API secret yet: start Greenroom with `make local` or `make dev`")
  return secret
}

const reach = async (url: string, init: RequestInit, remedy: string): Promise<Response> => {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(5_000) })
  } catch {
    throw new Cannot(`nobody answers at ${url}: ${remedy}`)
  }
}

/** What another program says there is nothing for people. */
const stranger = (url: string, status: number) =>
  new Cannot(
    `who answers at ${url} (with status ${status}) is another program: stop it, or say where ours is in API_PORT and MEDIAMTX_PORTS`
  )

const isJson = ({ headers }: Response) => /\bjson\b/.test(headers.get("content-type") ?? "")

const START = "start Greenroom with `make local` or `make dev`"

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into
const api = async (method: string, path: string, secret: string, body?: unknown): Promise<any> => {
  const headers = { "x-api-key": secret, "content-type": "application/json" }
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  const response = await reach(`${greenroomUrl()}${path}`, { method, headers, ...sent }, START)
  if (!isJson(response)) throw stranger(greenroomUrl(), response.status)
  if (response.ok) return response.json()
  if (response.status === 401)
    throw new Cannot(`${greenroomUrl()} refuses the API secret: another Greenroom runs there`)
  throw new Cannot(`${method} ${path} was answered with ${response.status}: ${await response.text()}`)
}

/**
 * Leaves a stream key for the examples in `file`, mode 0600: the one that is there when it still admits, else a new one. It may
 * publish below `live/` and nowhere else.
 */
export const developmentKey = async (file: string, secret: string): Promise<"kept" | "minted"> => {
  const kept = existsSync(file) ? readFileSync(file, "utf8").trim() : ""
  if (kept !== "") {
    const { stream_keys } = await api("GET", "/stream-keys?limit=200", secret)
    const good = stream_keys.some(
      (key: { key_prefix: string; path: string | null; status: string }) =>
        key.key_prefix === kept.slice(0, 7) && key.path === KEY_PATH && ["active", "in_use"].includes(key.status)
    )
    if (good) return "kept"
  }
  const { id } = await api("POST", "/broadcasters", secret, { display_name: "Development" })
  const { key_value } = await api("POST", "/stream-keys", secret, {
    broadcaster_id: id,
    label: "Development",
    path: KEY_PATH
  })
  writePrivate(file, `${key_value}\n`)
  return "minted"
}

export const keyFile = (): string => resolve(process.env.DATA_DIR ?? ".greenroom", "dev-key")

export const usage = (file: string, rtmp = `rtmp://127.0.0.1:${mediaMtxPorts().rtmp}`): string =>
  [
    "",
    `A stream key for the examples is in ${file} (mode 0600); it may publish below live/.`,
    "Publish a test picture with it:",
    "",
    `  STREAM_KEY_FILE=${file} examples/streams/publish-ffmpeg.sh ${rtmp}/live/demo/in`,
    ""
  ].join("\n")

const makeKey = async (): Promise<void> => {
  await developmentKey(keyFile(), apiSecret())
  console.log(usage(keyFile()))
}

export const until = async (url: string, patience: number, remedy: string): Promise<void> => {
  const deadline = Date.now() + patience
  while (true) {
    try {
      if ((await fetch(url, { signal: AbortSignal.timeout(1_000) })).ok) return
    } catch {
      // not yet
    }
    if (Date.now() > deadline) throw new Cannot(`${url} did not answer within ${patience / 1000} s: ${remedy}`)
    await new Promise((later) => setTimeout(later, 200))
  }
}

const look = async (url: string, what: string, ours: (response: Response) => boolean): Promise<string> => {
  const credentials = Buffer.from(`greenroom:${apiSecret()}`).toString("base64")
  const response = await reach(url, { headers: { authorization: `Basic ${credentials}` } }, `${what}; ${START}`)
  if (response.status === 401) throw new Cannot(`${url} refuses the API secret: another Greenroom decides there`)
  if (!(response.ok && ours(response))) throw stranger(url, response.status)
  return response.text()
}

const commands: Readonly<Record<string, () => void | Promise<void>>> = {
  env: makeEnvironment,
  containers: checkContainers,
  wait: () => until(`${greenroomUrl()}/readyz`, 60_000, "`make logs` says why"),
  key: makeKey,
  "api-status": async () => {
    const paths = await look(`${controlApiUrl()}/v3/paths/list`, "the media server's control API is not there", isJson)
    console.log(JSON.stringify(JSON.parse(paths), null, 2))
  },
  metrics: async () =>
    console.log(
      await look(
        `${metricsUrl()}/metrics`,
        "the media server has metrics with docker/mediamtx/pipeline.yml alone",
        ({ headers }) => /^text\/plain\b/.test(headers.get("content-type") ?? "")
      )
    )
}

/** Runs it; a sentence and exit code 1 when it cannot. */
export const orSay = async (run: () => void | Promise<void>): Promise<void> => {
  try {
    await run()
  } catch (error) {
    if (!(error instanceof Cannot)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}

if (import.meta.main) {
  const command = commands[process.argv[2] ?? ""]
  await orSay(() => {
    if (command === undefined) throw new Cannot(`expected one of ${Object.keys(commands).join(", ")}`)
    return command()
  })
}
