/** How long `mtx-hook` takes from the start of its shell to its exit, against an HTTP server of this process that answers at once. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { type Client, has, hookServer, makeImages, run, shells } from "../../packages/adapters/test/hook/hookRuns.ts"

const RUNS = 41
const clients: ReadonlyArray<Client> = ["curl", "netcat", "GNU wget"]

/** For comparison: what the machine takes to start a shell that does nothing. */
const nothing = async ([command = "", ...args]: ReadonlyArray<string>): Promise<number> => {
  const began = performance.now()
  await once(spawn(command, [...args, "-c", ":"], { stdio: "ignore", detached: true }), "close")
  return performance.now() - began
}

export const hookRunTimes = async () => {
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
  const times: Array<{ readonly what: string; readonly millis: Array<number> }> = []
  try {
    for (const shell of ["dash", "busybox ash"]) {
      const command = shells.get(shell)
      if (command === undefined) continue
      const baseline = { what: `${shell}, an empty script (to compare)`, millis: [] as Array<number> }
      times.push(baseline)
      for (let round = 0; round < RUNS; round++) baseline.millis.push(await nothing(command))
      for (const client of clients.filter(has)) {
        const row = { what: `${shell} with ${client === "netcat" ? "busybox" : client}`, millis: [] as Array<number> }
        times.push(row)
        for (let round = 0; round < RUNS; round++) {
          const { code, stderr, millis } = await run({ shell, path: images.pathOf(client), env })
          if (code !== 0) throw new Error(`mtx-hook under ${row.what}: ${stderr}`)
          row.millis.push(millis)
        }
      }
    }
  } finally {
    images.remove()
    await server.close()
  }
  return times
}
