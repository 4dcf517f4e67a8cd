/** `npm start`, stopped by a signal to npm itself, as a supervisor does that knows only the process it has started. */
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { compileCache, freePorts, processesWith } from "../../../../verification/worlds/processes.ts"
import { mediaMtxBinary } from "../../../../verification/worlds/realMediaMtx.ts"
import { noMediaServer } from "../../../../verification/worlds/service.ts"
import { until, useHome } from "./home.ts"

const root = fileURLToPath(new URL("../../../..", import.meta.url))

const npm = execFileSync("npm", ["--version"], {
  encoding: "utf8",
  cwd: root,
  stdio: ["ignore", "pipe", "ignore"]
}).trim()
/** Older ones take the signal and pass nothing on. */
const passesOn = Number(npm.split(".")[0]) >= 10
if (!passesOn) console.log(`skipped: npm ${npm} passes no signals on`)

describe.skipIf(!passesOn)("npm start", () => {
  const home = useHome()

  it("ends with everything that it started when npm is told to end", async () => {
    const names = ["api", "rtmp", "rtsp", "srt", "hls", "webrtc", "webrtcUdp"]
    const ports = await freePorts(names.length)
    const media: Readonly<Record<string, string>> =
      mediaMtxBinary === undefined
        ? noMediaServer
        : { MEDIAMTX_BIN: mediaMtxBinary, MEDIAMTX_PORTS: names.map((name, at) => `${name}=${ports[at]}`).join() }
    const child = spawn("npm", ["start"], {
      cwd: root,
      env: {
        PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`,
        HOME: process.env.HOME ?? "/",
        DATA_DIR: home.data(),
        API_PORT: "0",
        ...compileCache,
        ...media
      },
      stdio: ["ignore", "pipe", "pipe"]
    })
    try {
      let said = ""
      for (const output of [child.stdout, child.stderr]) {
        output.setEncoding("utf8").on("data", (text: string) => {
          said += text
        })
      }
      const closed = once(child, "close")
      await until(() => said.includes("Greenroom is ready"), "it is ready")
      const started = mediaMtxBinary === undefined ? ["postgres"] : ["postgres", path.basename(mediaMtxBinary)]
      await until(
        () => started.every((name) => processesWith(home.data()).some(({ command }) => command.includes(`/${name} `))),
        "all of it runs"
      )
      child.kill("SIGTERM")
      await closed
      await until(() => processesWith(home.data()).length === 0, "nothing of it is left")
      assert.notInclude(said, '"level":"error"')
    } finally {
      child.kill("SIGKILL")
      for (const { pid } of processesWith(home.data())) process.kill(pid, "SIGKILL")
    }
  })
})
