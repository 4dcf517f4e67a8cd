/**
 * The processes of one run: each is a Node of its own, so that what is measured shares no event loop with what measures. All of them
 * listen on the loopback, write their log into the run's temporary folder, and are gone when the run is over.
 */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { openSync, readFileSync } from "node:fs"
import { chmod, mkdtemp, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"

const file = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
const START_WITHIN_MS = 60_000
const STOP_WITHIN_MS = 15_000

export interface Run {
  readonly folder: string
  readonly start: (name: string, script: string, options?: StartOptions) => ChildProcess
  /** Ends one process before the run is over. */
  readonly stop: (child: ChildProcess) => Promise<void>
  readonly end: () => Promise<void>
}

interface StartOptions {
  readonly args?: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
}

export const beginRun = async (): Promise<Run> => {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), "greenroom-bench-")))
  // As root, the database runs as another user, who must be able to enter.
  await chmod(folder, 0o755)
  const children: Array<ChildProcess> = []
  return {
    folder,
    start: (name, script, { args = [], env = {} } = {}) => {
      const log = openSync(path.join(folder, `${name}.log`), "a")
      const child = fork(file(script), args, {
        execArgv: ["--conditions=@greenroom/source", "--import", file("./endWithParent.ts")],
        env: { PATH: process.env.PATH ?? "", NODE_OPTIONS: process.env.NODE_OPTIONS ?? "", ...env },
        stdio: ["ignore", "pipe", log, "ipc"]
      })
      children.push(child)
      return child
    },
    stop,
    end: async () => {
      for (const child of children.toReversed()) await stop(child)
      await rm(folder, { recursive: true, force: true })
    }
  }
}

const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, "exit")
  child.kill("SIGTERM")
  const late = setTimeout(() => child.kill("SIGKILL"), STOP_WITHIN_MS)
  await exited
  clearTimeout(late)
}

const TICK_MS = 10

/** Milliseconds of processor time that the process has used so far, its own and the system's for it; `NaN` where it is not known (not on Linux). */
export const processorTimeOf = ({ pid }: ChildProcess): number => {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS
  } catch {
    return Number.NaN
  }
}

/** Waits for what `find` gives, or says with the end of its log that the process died or took too long. */
const within = <A>(
  run: Run,
  name: string,
  child: ChildProcess,
  listen: (resume: (answer: A) => void) => void
): Promise<A> =>
  new Promise((resolve, reject) => {
    const fail = (what: string) => {
      const said = readFileSync(path.join(run.folder, `${name}.log`), "utf8").slice(-2_000)
      reject(new Error(`${name} ${what}: ${said}`))
    }
    const late = setTimeout(() => fail("did not answer in time"), START_WITHIN_MS)
    const died = () => fail("ended")
    child.once("exit", died)
    listen((answer) => {
      clearTimeout(late)
      child.off("exit", died)
      resolve(answer)
    })
  })

/** The next message of the process. */
export const told = <A>(run: Run, name: string, child: ChildProcess): Promise<A> =>
  within<A>(run, name, child, (resume) => child.once("message", (message) => resume(message as A)))

/** The first match in what the process prints. */
export const printed = (run: Run, name: string, child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> =>
  within(run, name, child, (resume) => {
    let text = ""
    child.stdout?.on("data", (chunk) => {
      if (text.length > 65_536) return
      text += chunk
      const match = pattern.exec(text)
      if (match !== null) resume(match)
    })
  })
