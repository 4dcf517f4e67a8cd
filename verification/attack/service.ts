/** The service under attack: as `npm start` starts it, with a real MediaMTX where there is one, on free ports of the loopback. */
import { readFileSync } from "node:fs"
import { Effect } from "effect"
import { heapBounds } from "../worlds/heapBounds.ts"
import { freePorts } from "../worlds/processes.ts"
import { mediaMtxBinary } from "../worlds/realMediaMtx.ts"
import { API_SECRET, HOOK_SECRET, prepareService } from "../worlds/runService.ts"
import type { Target } from "./Attack.ts"

const KEYS = 200

export const startService = Effect.gen(function* () {
  const [hookPort = 0, api, rtmp, rtsp, srt, hls, webrtc, webrtcUdp] = yield* Effect.promise(() => freePorts(8))
  const ports = { api, rtmp, rtsp, srt, hls, webrtc, webrtcUdp }
  const mediaServer = {
    MEDIAMTX_BIN: mediaMtxBinary ?? "",
    MEDIAMTX_PORTS: Object.entries(ports)
      .map(([name, port]) => `${name}=${port}`)
      .join(",")
  }
  const none = { MEDIAMTX_API_URL: "http://127.0.0.1:9" }
  const service = yield* prepareService(() => ({
    LOG_LEVEL: "info",
    NODE_OPTIONS: heapBounds(),
    HOOK_PORT: String(hookPort),
    ...(mediaMtxBinary === undefined ? none : mediaServer)
  }))
  yield* service.start
  const target: Target = { apiPort: service.port, hookPort, apiSecret: API_SECRET, hookSecret: HOOK_SECRET }
  return { service, target, rtspPort: mediaMtxBinary === undefined ? null : (rtsp ?? null) }
})

/** Enough keys for a list of full length. */
export const fill = async ({ apiPort, apiSecret }: Target): Promise<void> => {
  const post = async (path: string, body: unknown): Promise<{ readonly id: string }> => {
    const response = await fetch(`http://127.0.0.1:${apiPort}${path}`, {
      method: "POST",
      headers: { "x-api-key": apiSecret, "content-type": "application/json" },
      body: JSON.stringify(body)
    })
    return (await response.json()) as { readonly id: string }
  }
  const { id } = await post("/broadcasters", { display_name: "Filler" })
  for (let n = 0; n < KEYS; n++) await post("/stream-keys", { broadcaster_id: id, label: `key ${n}` })
}

/** Megabytes of memory that the process holds; `NaN` where the system does not tell (not on Linux). */
export const residentMegabytes = (pid: number): number => {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
    return Number(kilobytes) / 1024
  } catch {
    return Number.NaN
  }
}
