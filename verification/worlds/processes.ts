/** What the tests of child processes share: folders that go away, processes as the system lists them, and bounded waiting. */
import { execFileSync, spawn } from "node:child_process"
import * as dgram from "node:dgram"
import * as fs from "node:fs/promises"
import * as net from "node:net"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"

/** For the environment of a Node that runs the sources: what one has compiled the next need not. Half of the time that a start takes. */
export const compileCache = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL("../../node_modules/.cache/node-compile", import.meta.url))
} as const

export const isRoot = process.getuid?.() === 0

/** Everybody may enter it: as root, the server runs as another user. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.promise(async () => {
    const folder = await fs.realpath(await fs.mkdtemp(path.join(tmpdir(), "greenroom-test-")))
    await fs.chmod(folder, 0o755)
    return folder
  }),
  (folder) => Effect.promise(() => fs.rm(folder, { recursive: true, force: true }))
)

export interface Listed {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

export const processes = (): ReadonlyArray<Listed> =>
  execFileSync("ps", ["-A", "-ww", "-o", "pid=,ppid=,stat=,command="], { encoding: "utf8" })
    .split("\n")
    .flatMap((line) => {
      const [, pid, parent, state, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? []
      return pid === undefined || state!.startsWith("Z") ? [] : [{ pid: +pid, parent: +parent!, command: command! }]
    })

export const processesWith = (text: string) => processes().filter(({ command }) => command.includes(text))

export const isAlive = (pid: number) => processes().some((listed) => listed.pid === pid)

/** Polls; fails with what was waited for when it has not come in time. */
export const until = (what: string, condition: () => boolean | Promise<boolean>, millis = 60_000) =>
  Effect.promise(async () => {
    const deadline = performance.now() + millis
    // Ever longer, so that many that wait leave the machine to what they wait for.
    for (let pause = 20; !(await condition()); pause = Math.min(1.3 * pause, 250)) {
      if (performance.now() > deadline) throw new Error(`not after ${millis} ms: ${what}`)
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  })

export interface Program {
  readonly pid: number
  /** Resolves with the first line that begins with this word, without it. */
  readonly says: (word: string) => Promise<string>
  readonly exited: Promise<number | null>
  readonly output: () => string
}

/** Runs a fixture in a process of its own, which is killed when the scope closes. */
export const program = (script: URL, args: ReadonlyArray<string>, as: { uid?: number; gid?: number } = {}) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, ["--conditions=@greenroom/source", fileURLToPath(script), ...args], {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, ...compileCache },
        cwd: "/",
        ...as
      })
      let text = ""
      const listeners = new Set<() => void>()
      const heard = () => {
        for (const listener of listeners) listener()
      }
      for (const output of [child.stdout, child.stderr]) {
        output.setEncoding("utf8").on("data", (chunk) => {
          text += chunk
          heard()
        })
      }
      const exited = new Promise<number | null>((resolve) => child.once("close", resolve))
      child.once("close", heard)
      const says = (word: string) =>
        new Promise<string>((resolve, reject) => {
          const look = () => {
            const line = text
              .split("\n")
              .slice(0, -1)
              .find((line) => line.startsWith(`${word} `))
            if (line !== undefined) resolve(line.slice(word.length + 1))
            else if (child.exitCode !== null || child.signalCode !== null) reject(new Error(`it ended: ${text}`))
          }
          listeners.add(look)
          look()
        })
      const self: Program & { kill: () => void } = {
        pid: child.pid!,
        says,
        exited,
        output: () => text,
        kill: () => child.kill("SIGKILL")
      }
      return self
    }),
    (running) => {
      running.kill()
      return Effect.promise(() => running.exited)
    }
  )

const given = new Set<number>()

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const tcp = net.createServer().once("error", () => resolve(false))
    tcp.listen(port, "127.0.0.1", () => {
      const udp = dgram.createSocket("udp4").once("error", () => tcp.close(() => resolve(false)))
      udp.bind(port, "127.0.0.1", () => udp.close(() => tcp.close(() => resolve(true))))
    })
  })

/** Ports that nobody has, TCP and UDP alike, below those that the system gives out by itself; each is given once. */
export const freePorts = async (count: number): Promise<ReadonlyArray<number>> => {
  const ports: Array<number> = []
  while (ports.length < count) {
    const port = 12_000 + Math.floor(Math.random() * 20_000)
    if (given.has(port)) continue
    given.add(port)
    if (await isFree(port)) ports.push(port)
  }
  return ports
}
