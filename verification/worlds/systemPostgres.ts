/**
 * A PostgreSQL of the system's packages, for what needs pg_dump and a server of its version: the private one comes without these programs. It listens on
 * the loopback, with its data in a folder that goes with it.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePorts } from "./processes.ts"

/** The major version of pg_dump and the folder of the server's programs; `null` where one of them is missing. */
export const systemPostgres = (): { readonly major: number; readonly bin: string } | null => {
  try {
    const [, major = ""] = /(\d+)\./.exec(execFileSync("pg_dump", ["--version"], { encoding: "utf8" })) ?? []
    const bin = `/usr/lib/postgresql/${major}/bin`
    return existsSync(join(bin, "initdb")) && existsSync(join(bin, "postgres")) ? { major: Number(major), bin } : null
  } catch {
    return null
  }
}

/** As root, PostgreSQL has to run as another user. */
const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

export interface SystemServer {
  readonly url: (database: string) => string
  /** Where its data is, and its log, where one is written. */
  readonly data: string
  readonly stop: () => Promise<void>
}

const READY_WITHIN_MS = 30_000

const untilReady = async (child: ChildProcess): Promise<void> => {
  let log = ""
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`PostgreSQL is not ready: ${log}`)), READY_WITHIN_MS)
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      log += text
      if (!/ready to accept connections|redirecting log output/.test(log)) return
      clearTimeout(late)
      resolve()
    })
    child.once("exit", () => reject(new Error(`PostgreSQL has ended: ${log}`)))
  })
}

/** `settings`: as `name=value`. */
export const startSystemPostgres = async (
  bin: string,
  databases: ReadonlyArray<string>,
  settings: ReadonlyArray<string> = []
): Promise<SystemServer> => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-system-postgres-"))
  const data = join(folder, "data")
  mkdirSync(data)
  if (user.uid !== undefined) for (const path of [folder, data]) chownSync(path, user.uid, user.gid)
  execFileSync(
    join(bin, "initdb"),
    ["--pgdata", data, "--auth", "trust", "--username", "postgres", "--encoding", "UTF8", "--no-sync"],
    { ...user, stdio: "ignore", env: { PATH: process.env.PATH ?? "", LC_ALL: "C" } }
  )
  const [port = 0] = await freePorts(1)
  const child = spawn(
    join(bin, "postgres"),
    ["-D", data, "-k", folder, "-h", "127.0.0.1", "-p", String(port), ...settings.flatMap((one) => ["-c", one])],
    {
      ...user,
      stdio: ["ignore", "ignore", "pipe"]
    }
  )
  await untilReady(child)
  const url = (database: string) => `postgres://postgres@127.0.0.1:${port}/${database}`
  for (const name of databases)
    execFileSync("psql", ["--quiet", "--dbname", url("postgres"), "--command", `create database ${name}`])
  return {
    url,
    data,
    stop: async () => {
      const ended = once(child, "exit")
      child.kill("SIGINT")
      await ended
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
