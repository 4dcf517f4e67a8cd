/** `make local` says what it cannot, and does not wait for what will not come. That it can, `npm run e2e:pipeline` shows. */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, expect, it } from "vitest"
import { freePorts } from "../packages/adapters/test/embedded/processes.ts"
import { mediaMtxBinary } from "../packages/adapters/test/fixtures/realMediaMtx.ts"

const script = fileURLToPath(new URL("local.ts", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "local-"))
afterAll(() => rmSync(folder, { recursive: true }))

const run = (env: Readonly<Record<string, string>>) =>
  new Promise<{ readonly code: number | null; readonly err: string }>((resolve) => {
    const child = spawn(process.execPath, ["--conditions=@greenroom/source", script], {
      env: { PATH: process.env.PATH ?? "", DATA_DIR: join(folder, "data"), ...env } as NodeJS.ProcessEnv,
      stdio: ["ignore", "ignore", "pipe"]
    })
    let err = ""
    child.stderr.on("data", (chunk) => {
      err += chunk
    })
    child.once("close", (code) => resolve({ code, err }))
  })

const moved = async () => {
  const ports = await freePorts(6)
  const names = ["rtmp", "rtsp", "api", "metrics", "playback"]
  return {
    API_PORT: String(ports[5]),
    MEDIAMTX_PORTS: names.map((name, index) => `${name}=${ports[index]}`).join(",")
  }
}

it("names what is no port of the pipeline", async () => {
  const entries = ["hls=8888", "rtmp", "api=65536"]
  const runs = await Promise.all(entries.map((entry) => run({ MEDIAMTX_PORTS: `rtsp=18554,${entry}` })))
  for (const [index, entry] of entries.entries()) {
    expect(runs[index]).toEqual({ code: 1, err: expect.stringContaining(`"${entry}" is no port of the pipeline`) })
  }
})

it("names the port that is taken, and which variable moves it", async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  const { API_PORT, MEDIAMTX_PORTS } = await moved()
  const { code, err } = await run({ API_PORT, MEDIAMTX_PORTS: MEDIAMTX_PORTS.replace(/rtsp=\d+/, `rtsp=${port}`) })
  server.close()
  expect(code).toBe(1)
  expect(err).toMatch(new RegExp(`these ports are in use: ${port} \\(MediaMTX, RTSP\\)\\. .*MEDIAMTX_PORTS=`))
})

it.skipIf(mediaMtxBinary === undefined)("does not wait for a Greenroom that has ended", async () => {
  const settings = { ...(await moved()), MEDIAMTX_BIN: mediaMtxBinary ?? "", MAX_WORKERS: "none" }
  const { code, err } = await run(settings)
  expect(code).toBe(1)
  expect(err).toMatch(/MAX_WORKERS[\s\S]*Greenroom has ended[\s\S]*readyz will not answer: the lines above say why/)
})
