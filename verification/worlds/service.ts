/** The service as a process, as an operator starts it: its environment, what it printed, and its end. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { compileCache } from "./processes.ts"

const main = fileURLToPath(new URL("../../packages/server/src/main.ts", import.meta.url))

export interface Service {
  readonly child: ChildProcess
  readonly out: () => string
  readonly err: () => string
  /** Resolves with the base URL once the banner says that it is ready; rejects when it ends before. */
  readonly ready: Promise<string>
  /** Exit code or signal. */
  readonly ended: Promise<number | NodeJS.Signals | null>
}

/** Only what is given here, the PATH and what spares time: the tester's own settings must not leak in. */
export const startService = (
  environment: Readonly<Record<string, string>>,
  args: ReadonlyArray<string> = ["serve"],
  /** A program that becomes it, as `nice` does: what comes before its own command. */
  through: ReadonlyArray<string> = []
): Service => {
  const [program = process.execPath, ...rest] = [
    ...through,
    process.execPath,
    "--conditions=@greenroom/source",
    main,
    ...args
  ]
  const child = spawn(program, rest, {
    cwd: path.dirname(main),
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/", ...compileCache, ...environment },
    stdio: ["ignore", "pipe", "pipe"]
  })
  let out = ""
  let err = ""
  const ended = once(child, "close").then(([code, signal]): number | NodeJS.Signals | null => code ?? signal)
  const ready = new Promise<string>((resolve, reject) => {
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      out += text
      const url = /API\s+(http:\/\/\S+)/.exec(out)?.[1]
      if (url !== undefined) resolve(url)
    })
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      err += text
    })
    ended.then((how) => reject(new Error(`ended with ${how} before it was ready:\n${err}`)))
  })
  ready.catch(() => undefined)
  return { child, out: () => out, err: () => err, ready, ended }
}

/** Nobody listens there: the service has a media server that does not answer, and starts none. */
export const noMediaServer = { MEDIAMTX_API_URL: "http://127.0.0.1:9" } as const
