/**
 * Runs the code blocks of a page of the documentation as its reader would: in order, in one shell of the checkout, with terminals of
 * their own where the page opens one, on a fresh data directory. `page.ts` says how blocks are marked.
 *
 *   runPage.ts PAGE [--free-ports]
 *
 * The page's `.greenroom` becomes the fresh directory; with --free-ports its ports become ones that are free. Whatever happens, what
 * was started is ended. Exit code 1 with the block and its output when something is not as the page says.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { firstMissing, parsePage, type Step } from "./page.ts"

const checkout = fileURLToPath(new URL("..", import.meta.url))
const BLOCK_MS = 90_000
const INTERRUPT_MS = 45_000
const PAGE_MS = 600_000
const OUTPUT_MAX = 1_000_000

/** The ports as documentation has them, and the variable that moves each: make local reads them. */
const documented = { greenroom: 8080, rtmp: 1935, rtsp: 8554, api: 9997, metrics: 9998, playback: 9996 }

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  if (address === null || typeof address === "string") throw new Error("no port")
  return address.port
}

interface Setting {
  readonly env: Readonly<Record<string, string>>
  readonly translate: (text: string) => string
}

const settingOf = async (dataDirectory: string, freePorts: boolean): Promise<Setting> => {
  const { PATH, HOME, LANG, TMPDIR, MEDIAMTX_BIN } = process.env
  const own = Object.entries({ HOME, LANG, TMPDIR, MEDIAMTX_BIN }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]]
  )
  const env: Record<string, string> = {
    ...Object.fromEntries(own),
    PATH: [join(checkout, "node_modules/.bin"), PATH].join(delimiter),
    DATA_DIR: dataDirectory,
    // There may be no screen and no loudspeaker.
    SDL_VIDEODRIVER: "dummy",
    SDL_AUDIODRIVER: "dummy",
    SDL_RENDER_DRIVER: "software",
    VIDEO_SINK: "fakesink",
    AUDIO_SINK: "fakesink"
  }
  const inFolder = (text: string) => text.replaceAll(/(?<![\w/])\.greenroom\b/g, dataDirectory)
  if (!freePorts) return { env, translate: inFolder }
  const ports: Array<readonly [string, number, number]> = []
  for (const [name, usual] of Object.entries(documented)) ports.push([name, usual, await freePort()])
  env.API_PORT = String(ports[0]?.[2])
  env.MEDIAMTX_PORTS = ports
    .slice(1)
    .map(([name, , port]) => `${name}=${port}`)
    .join()
  const moved = new Map(ports.map(([, usual, port]) => [String(usual), String(port)]))
  return { env, translate: (text) => inFolder(text).replaceAll(/\b\d{4}\b/g, (port) => moved.get(port) ?? port) }
}

const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

class Terminal {
  readonly child: ChildProcess
  #output = ""

  constructor(args: ReadonlyArray<string>, env: Readonly<Record<string, string>>, stdin: "pipe" | "ignore") {
    this.child = spawn("/bin/sh", args, { cwd: checkout, env, detached: true, stdio: [stdin, "pipe", "pipe"] })
    for (const output of [this.child.stdout, this.child.stderr]) {
      output?.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_MAX)
      })
    }
    this.child.stdin?.on("error", () => {})
  }

  get output(): string {
    return this.#output
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  /** To all of its group, as a terminal does it. */
  signal(name: NodeJS.Signals): void {
    try {
      if (this.child.pid !== undefined) process.kill(-this.child.pid, name)
    } catch {
      // it has gone
    }
  }

  get isGroupGone(): boolean {
    try {
      return this.child.pid === undefined || !process.kill(-this.child.pid, 0)
    } catch {
      return true
    }
  }

  /** Ctrl-C; whether all that ran in it has ended by that. */
  async interrupt(): Promise<boolean> {
    this.signal("SIGINT")
    const end = Date.now() + INTERRUPT_MS
    while (!(this.hasEnded && this.isGroupGone)) {
      if (Date.now() > end) {
        this.signal("SIGKILL")
        return false
      }
      await pause(20)
    }
    return true
  }
}

/** Waits for `done` to give something; `undefined` after the time that a block has. */
const within = async <A>(deadline: number, done: () => A | undefined): Promise<A | undefined> => {
  const end = Math.min(deadline, Date.now() + BLOCK_MS)
  while (Date.now() < end) {
    const result = done()
    if (result !== undefined) return result
    await pause(50)
  }
  return done()
}

/** What is not as the page says: the block, what was expected, the last lines of what came. */
export class NotAsWritten extends Error {}

type Block = Extract<Step, { readonly text: string }>

const play = async (
  where: string,
  steps: ReadonlyArray<Step>,
  { env, translate }: Setting,
  say: (line: string) => void
): Promise<void> => {
  const shell = new Terminal([], env, "pipe")
  const terminals = new Map<string, Terminal>()
  const deadline = Date.now() + PAGE_MS
  shell.child.stdin?.write("exec 2>&1\n")

  const fail = (step: Step, what: string, output: string): never => {
    const tail = output.trimEnd().split("\n").slice(-30).join("\n")
    throw new NotAsWritten(`${where}:${step.line}: ${what}\n${tail}`)
  }

  /** Runs a block in the page's shell; its output and exit code. */
  const runOnce = async (step: Block): Promise<{ output: string; code: number }> => {
    const mark = `end-of-block-${randomUUID()}`
    const from = shell.output.length
    const [open, close] = step.kind === "run" ? ["{", "}"] : ["(", ")"]
    shell.child.stdin?.write(
      `${open} set -e\n${translate(step.text)}\n${close} </dev/null\nprintf '\\n%s %s\\n' ${mark} $?\n`
    )
    const result = await within(deadline, () => {
      const output = shell.output.slice(from)
      const [, code] = new RegExp(`^${mark} (\\d+)$`, "m").exec(output) ?? []
      if (code !== undefined) return { output: output.slice(0, output.indexOf(mark)), code: Number(code) }
      return shell.hasEnded ? { output, code: shell.child.exitCode ?? 128 } : undefined
    })
    return result ?? fail(step, "it has not ended in time", shell.output.slice(from))
  }

  const inShell = async (step: Block): Promise<void> => {
    const expected = step.expected.map(translate)
    const end = Math.min(deadline, Date.now() + BLOCK_MS)
    while (true) {
      const { output, code } = await runOnce(step)
      if (step.kind === "optional" && code === 69) return say(`  skipped: ${output.trim().split("\n").at(-1)}`)
      const missing = code === 0 ? firstMissing(expected, output) : null
      if (code === 0 && missing === null) return
      if (step.kind !== "retry" || Date.now() > end) {
        fail(step, missing === null ? `exit code ${code}` : `this line is missing: ${missing}`, output)
      }
      await pause(500)
    }
  }

  const shows = async (step: Step, terminal: Terminal, lines: ReadonlyArray<string>): Promise<void> => {
    const expected = lines.map(translate)
    const missing = () => firstMissing(expected, terminal.output)
    await within(deadline, () => (missing() === null || terminal.hasEnded ? true : undefined))
    if (missing() !== null) fail(step, `this line is missing: ${missing()}`, terminal.output)
  }

  const one = async (step: Step): Promise<void> => {
    if (step.kind === "background") {
      const terminal = new Terminal(["-c", translate(step.text)], env, "ignore")
      terminals.set(step.name, terminal)
      return shows(step, terminal, step.expected)
    }
    if (step.kind !== "expect" && step.kind !== "interrupt") return inShell(step)
    const terminal = terminals.get(step.name)
    if (terminal === undefined) return fail(step, `the terminal ${step.name} is not open`, "")
    if (step.kind === "expect") return shows(step, terminal, step.expected)
    if (terminal.hasEnded) fail(step, `what ran in the terminal ${step.name} has ended by itself`, terminal.output)
    if (!(await terminal.interrupt())) fail(step, "Ctrl-C did not end it", terminal.output)
    terminals.delete(step.name)
  }

  try {
    for (const step of steps) {
      const began = Date.now()
      await one(step)
      const title = "text" in step ? step.text.split("\n")[0] : `${step.kind} ${step.name}`
      say(`${where}:${step.line} ${((Date.now() - began) / 1000).toFixed(1)} s  ${title}`)
      if (Date.now() > deadline) fail(step, `the page has taken more than ${PAGE_MS / 60_000} minutes`, "")
    }
  } finally {
    for (const terminal of [...terminals.values()].reverse()) await terminal.interrupt()
    shell.signal("SIGKILL")
  }
}

const isInstalled = (program: string): boolean => spawnSync("sh", ["-c", `command -v "$0"`, program]).status === 0

/** Runs the page; `skipped` with the reason when something that it needs is not installed. */
export const runPage = async (
  page: string,
  options: { readonly freePorts: boolean; readonly say: (line: string) => void }
): Promise<"passed" | "skipped"> => {
  const { needs, steps } = parsePage(readFileSync(join(checkout, page), "utf8"))
  const missing = needs.filter((name) => !isInstalled((name === "mediamtx" && process.env.MEDIAMTX_BIN) || name))
  if (missing.length > 0) {
    options.say(`${page}: not run, no ${missing.join(" and no ")} in PATH`)
    return "skipped"
  }
  const folder = mkdtempSync(join(tmpdir(), "greenroom-page-"))
  // As root, PostgreSQL runs as another user, who must be able to enter.
  chmodSync(folder, 0o755)
  try {
    await play(page, steps, await settingOf(join(folder, "data"), options.freePorts), options.say)
    return "passed"
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const [page, option, ...more] = process.argv.slice(2)
  if (page === undefined || more.length > 0 || (option !== undefined && option !== "--free-ports")) {
    console.error(`usage: ${dirname(process.argv[1] ?? "")}/runPage.ts PAGE [--free-ports]`)
    process.exit(64)
  }
  try {
    const freePorts = option === "--free-ports"
    if ((await runPage(page, { freePorts, say: console.log })) === "passed") console.log(`${page}: as it is written`)
  } catch (error) {
    if (!(error instanceof NotAsWritten)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
