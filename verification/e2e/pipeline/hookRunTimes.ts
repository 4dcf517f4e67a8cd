/**
 * How long `mtx-hook` takes from the start of its shell to its exit, against an HTTP server that answers at once. A small process starts
 * it and reads the clock, as MediaMTX is one: what it costs to start a child of a large one is not the script's. Beside the time stands
 * the processor time, which other work on the machine disturbs less.
 */
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { type Client, has, hookServer, makeImages, script, shells } from "../../worlds/hookRuns.ts"
import type { Promised } from "./figures.ts"

const RUNS = 100
const AIM: Promised = { median: 10 }
const clients: ReadonlyArray<Client> = ["curl", "netcat", "GNU wget"]
const run = promisify(execFile)

/** Bash of version 5 knows microseconds. Prints those of each run, and `times` at last; ends with the first run that fails. */
const starter = `
path=$1 runs=$2; shift 2
while [ "$runs" -gt 0 ]; do
  began=\${EPOCHREALTIME/[.,]/}
  PATH=$path "$@" </dev/null || exit
  echo $((\${EPOCHREALTIME/[.,]/} - began))
  runs=$((runs - 1))
done
times`

const timesOf = async (path: string, command: ReadonlyArray<string>, env: Readonly<Record<string, string>>) => {
  const args = ["-c", starter, "starter", path, String(RUNS), ...command]
  const { stdout } = await run("bash", args, { env: { PATH: process.env.PATH ?? "", ...env } as NodeJS.ProcessEnv })
  const lines = stdout.trim().split("\n")
  const [children = ""] = lines.splice(-2).slice(-1)
  const seconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, rest]) => Number(minutes) * 60 + Number(rest)
  )
  return {
    millis: lines.map((micros) => Number(micros) / 1_000),
    processor: (seconds.reduce((sum, each) => sum + each, 0) * 1_000) / RUNS
  }
}

export const hookRunTimes = async () => {
  const { stdout } = await run("bash", ["-c", "echo $EPOCHREALTIME"]).catch(() => ({ stdout: "" }))
  if (!/^\d+[.,]\d{6}$/m.test(stdout)) {
    console.warn("mtx-hook: its runs are not timed, no bash of version 5 in PATH")
    return []
  }
  const images = makeImages()
  const server = await hookServer()
  const env = {
    ORCHESTRATOR_URL: server.url,
    HOOK_SECRET: "0123456789abcdef",
    MTX_PATH: "live/studio-1/in",
    MTX_SOURCE_TYPE: "rtmpConn",
    MTX_SOURCE_ID: "2d88d6ec-6d2b-4b5e-9a53-2f2a5b1f9f10",
    MTX_QUERY: "user%3Da%26pass%3Db"
  }
  const rows: Array<{ readonly what: string; readonly aim: Promised; readonly millis: ReadonlyArray<number> }> = []
  let expected = 0
  try {
    for (const [shell, command] of shells) {
      if (shell === "bash") continue
      const time = async (what: string, aim: Promised, path: string, args: ReadonlyArray<string>) => {
        const { millis, processor } = await timesOf(path, [...command, ...args], env)
        rows.push(
          { what, aim, millis },
          { what: `${what}, processor time, mean of ${RUNS}`, aim: null, millis: [processor] }
        )
      }
      await time(`${shell}, an empty script`, null, "", ["-c", ":"])
      for (const client of clients.filter(has)) {
        expected += RUNS
        const what = `${shell} with ${client === "netcat" ? "busybox" : client}`
        await time(what, AIM, images.pathOf(client), [script, "ready"])
      }
    }
    if (server.received.length !== expected) throw new Error(`${server.received.length} events of ${expected} came`)
  } finally {
    images.remove()
    await server.close()
  }
  return rows
}
