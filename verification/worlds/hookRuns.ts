/** Runs of `mtx-hook` under each shell and with each client that this machine has, against an HTTP server that remembers. */
import { execFileSync, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { addTrace, type Reached, traced } from "./shellTrace.ts"

export const script = fileURLToPath(new URL("../../packages/launcher/hooks/mtx-hook", import.meta.url))

const which = (name: string): string | undefined =>
  (process.env.PATH ?? "")
    .split(":")
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file))

const says = (command: string, args: ReadonlyArray<string>): string => {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
  } catch {
    return ""
  }
}

const bash = which("bash")
const busybox = which("busybox")
const gnuWget = says("wget", ["--version"]).startsWith("GNU Wget") ? which("wget") : undefined

/** The command line that runs the script, by the shell's name. `bash` is traced: see `shellTrace`. */
export const shells: ReadonlyMap<string, ReadonlyArray<string>> = new Map(
  [
    ["dash", [which("dash")]],
    ["busybox ash", [busybox, "ash"]],
    ["bash", [bash, "--posix", "-c", traced]]
  ].flatMap(([name, command]) =>
    (command as Array<string>)[0] === undefined ? [] : [[name as string, command as Array<string>]]
  )
)

/** What an image has beside its shell, by the client that the script then uses. */
const images: ReadonlyMap<string, Readonly<Record<string, string | undefined>>> = new Map([
  ["curl", { curl: which("curl"), wget: busybox }],
  ["netcat", { busybox, wget: busybox, timeout: busybox }],
  ["GNU wget", { wget: gnuWget, mktemp: which("mktemp"), rm: which("rm"), timeout: which("timeout") }],
  ["busybox wget", { wget: busybox, timeout: busybox }],
  ["busybox and GNU wget", { busybox, wget: gnuWget, mktemp: which("mktemp"), rm: which("rm"), timeout: busybox }],
  ["busybox beside others", { busybox, curl: "false", wget: "false" }],
  ["busybox without nc", { curl: which("curl"), busybox: "no nc" }],
  ["nothing", {}]
])

/** What stands in for a tool: one that says why it was not to be asked, and a busybox that was built without it. */
const stubs: Readonly<Record<string, string>> = {
  false: "#!/bin/sh\necho 'nobody should ask this one' >&2\nexit 1\n",
  "no nc": "#!/bin/sh\necho 'nc: applet not found' >&2\nexit 127\n"
}

const uses: Readonly<Record<string, string | undefined>> = {
  curl: which("curl"),
  netcat: busybox,
  "GNU wget": gnuWget,
  "busybox wget": busybox,
  "busybox and GNU wget": busybox === undefined ? undefined : gnuWget,
  "busybox beside others": busybox,
  "busybox without nc": which("curl"),
  nothing: "/"
}

export type Client =
  | "curl"
  | "netcat"
  | "GNU wget"
  | "busybox wget"
  | "busybox and GNU wget"
  | "busybox beside others"
  | "busybox without nc"
  | "nothing"

export const has = (client: Client): boolean => uses[client] !== undefined

/** Folders for `PATH`, one a client. */
export const makeImages = () => {
  const root = mkdtempSync(join(tmpdir(), "mtx-hook-"))
  for (const [name, tools] of images) {
    mkdirSync(join(root, name))
    for (const [tool, file] of Object.entries(tools)) {
      const stub = stubs[file ?? ""]
      if (stub !== undefined) writeFileSync(join(root, name, tool), stub, { mode: 0o755 })
      else if (file !== undefined) symlinkSync(file, join(root, name, tool))
    }
  }
  return {
    pathOf: (client: Client) => join(root, client),
    remove: () => rmSync(root, { recursive: true, force: true })
  }
}

export interface Received {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Answers with `answer.status`; never, when that is 0; a byte at a time and without an end, when it is -1. `onRequest` is awaited first. */
export const hookServer = async () => {
  const received: Array<Received> = []
  const answer: { status: number; location?: string; onRequest?: () => unknown } = { status: 200 }
  const server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", async () => {
      received.push({ url: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks).toString("utf8") })
      await answer.onRequest?.()
      if (answer.status === 0) return
      if (answer.status === -1) {
        const drip = setInterval(() => request.socket.write("x"), 300)
        request.socket.once("close", () => clearInterval(drip))
        request.socket.write("HTTP/1.1 ")
        return
      }
      response.writeHead(answer.status, answer.location === undefined ? {} : { location: answer.location })
      response.end(answer.status === 204 ? undefined : '{"detail":"HTTP/1.1 200 OK"}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    received,
    answer,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    }
  }
}

export interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly millis: number
}

export interface RunOptions {
  readonly shell: string
  readonly path: string
  readonly args?: ReadonlyArray<string>
  /** All of the environment but `PATH`. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly reached?: Reached
  readonly onSpawn?: (pid: number) => void
}

/** One run. Its trace, when its shell writes one, goes to `reached`. */
export const run = ({ shell, path, args = ["ready"], env, reached, onSpawn }: RunOptions): Promise<Run> =>
  new Promise((resolve) => {
    const began = performance.now()
    // A file and no pipe: a process that stays behind for a moment would hold a pipe open.
    const file = join(path, `trace-${randomUUID()}`)
    const written = openSync(file, "w")
    const [command = "", ...before] = shells.get(shell) ?? []
    const child = spawn(command, [...before, script, ...args], {
      env: { PATH: path, ...env } as NodeJS.ProcessEnv,
      detached: true,
      stdio: ["ignore", "pipe", "pipe", ...Array.from({ length: 6 }, () => "ignore" as const), written]
    })
    closeSync(written)
    const text = ["", ""]
    for (const [index, stream] of [child.stdout, child.stderr].entries()) {
      stream?.setEncoding("utf8").on("data", (chunk: string) => {
        text[index] += chunk
      })
    }
    if (child.pid !== undefined) onSpawn?.(child.pid)
    child.once("close", (code) => {
      if (reached !== undefined) addTrace(reached, readFileSync(file, "utf8"))
      rmSync(file)
      resolve({ code, stdout: text[0] ?? "", stderr: text[1] ?? "", millis: performance.now() - began })
    })
  })

/** The arguments of every process of this machine, as `ps` shows them; none where there is no /proc. */
export const commandLines = (): ReadonlyArray<string> =>
  existsSync("/proc/self/cmdline")
    ? readdirSync("/proc").flatMap((pid) => {
        try {
          return /^\d+$/.test(pid) ? [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")] : []
        } catch {
          return []
        }
      })
    : []
