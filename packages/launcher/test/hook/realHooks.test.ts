/**
 * The hooks of a real MediaMTX, with the pipeline's configuration and with the one that the embedded media server gets: they fire, none is
 * lost, and a Greenroom that cannot be told, or is gone, costs no stream anything.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { EmbeddedMediaMtx } from "@greenroom/launcher"
import { Effect, Redacted } from "effect"
import { afterEach, describe, expect, it, vi } from "vitest"
import { script } from "../../../../verification/worlds/hookRuns.ts"
import { freePorts } from "../../../../verification/worlds/processes.ts"
import { publish, read } from "../../../../verification/worlds/rtspPublisher.ts"
import { realBinary, somePorts } from "../mediaMtx.ts"

interface Told {
  readonly url: string
  readonly authorization: string | undefined
  readonly body: {
    readonly path: string
    readonly sourceType?: string | null
    readonly sourceId?: string | null
    readonly query?: string
  }
}

const patience = { timeout: 60_000, interval: 20 }

const cleanups: Array<() => unknown> = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** Stands in for Greenroom: lets everybody in, and remembers what it is told. */
const greenroom = async () => {
  const told: Array<Told> = []
  const server: Server = createServer((request, response) => {
    let text = ""
    request.on("data", (chunk) => {
      text += chunk
    })
    request.on("end", () => {
      const { url = "", headers } = request
      if (url !== "/auth") told.push({ url, authorization: headers.authorization, body: JSON.parse(text) })
      response.writeHead(200).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  const stop = async () => {
    server.closeAllConnections()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  cleanups.push(stop)
  return { told, port, url: `http://127.0.0.1:${port}`, stop }
}

/** docker/mediamtx/pipeline.yml with free ports and this checkout's script, and `paths` before all others. */
const pipeline = async (authUrl: string, orchestratorUrl: string, paths = "") => {
  const folder = mkdtempSync(join(tmpdir(), "hooks-"))
  const shown = new URL("../../../../docker/mediamtx/pipeline.yml", import.meta.url)
  const configuration = readFileSync(shown, "utf8").replace(/^paths:\n/m, () => `paths:\n${paths}`)
  writeFileSync(join(folder, "mediamtx.yml"), configuration.replaceAll("/mtx-hook ", `${script} `))
  const names = ["API", "RTSP", "RTMP", "METRICS", "PLAYBACK"]
  const ports = await freePorts(names.length)
  const child: ChildProcess = spawn(realBinary ?? "", [join(folder, "mediamtx.yml")], {
    env: {
      PATH: process.env.PATH ?? "",
      ...Object.fromEntries(names.map((name, index) => [`MTX_${name}ADDRESS`, `127.0.0.1:${ports[index]}`])),
      MTX_AUTHHTTPADDRESS: `${authUrl}/auth`,
      ORCHESTRATOR_URL: orchestratorUrl,
      HOOK_SECRET: "0123456789abcdef"
    },
    stdio: ["ignore", "pipe", "pipe"]
  })
  let log = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      log += chunk.toString()
    })
  }
  cleanups.push(async () => {
    child.kill("SIGKILL")
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
    rmSync(folder, { recursive: true })
  })
  await vi.waitFor(() => expect(log).toContain("[API] started"), patience)
  return { rtsp: ports[1] ?? 0, log: () => log }
}

describe.skipIf(realBinary === undefined)("a real MediaMTX (MEDIAMTX_BIN or PATH)", () => {
  it("tells of a stream's begin and end", async () => {
    const { told, url } = await greenroom()
    const { rtsp } = await pipeline(url, url)
    const publisher = await publish(rtsp, "live/studio-1/in", '?lang=es&title="%20é"')
    await vi.waitFor(() => expect(told).toHaveLength(1), patience)
    await publisher.close()
    await vi.waitFor(() => expect(told).toHaveLength(2), patience)
    expect(told.map((one) => one.url)).toEqual(["/v1/mediamtx/events/ready", "/v1/mediamtx/events/not-ready"])
    for (const { authorization, body } of told) {
      expect(authorization).toBe("Bearer 0123456789abcdef")
      expect(body).toMatchObject({
        path: "live/studio-1/in",
        sourceType: "rtspSession",
        sourceId: told[0]?.body.sourceId
      })
      expect(body.query).toMatch(/^lang=es&title=/)
    }
  })

  it("sends the events of sources of the server's own: one that it pulls, and one that is always available", async () => {
    const { told, url } = await greenroom()
    const camera = await pipeline(url, url)
    const hooks = "runOnAvailable: /mtx-hook ready, runOnUnavailable: /mtx-hook not-ready"
    const own = [
      `  live/pulled/in: { ${hooks}, source: 'rtsp://127.0.0.1:${camera.rtsp}/camera' }`,
      `  live/offline/in: { ${hooks}, alwaysAvailable: yes, alwaysAvailableTracks: [{ codec: H264 }] }`
    ]
    const { log } = await pipeline(url, url, `${own.join("\n")}\n`)
    const publisher = await publish(camera.rtsp, "camera")
    const about = (path: string) =>
      told.flatMap(({ url: route, body }) =>
        body.path === path ? [{ route, type: body.sourceType, id: body.sourceId }] : []
      )
    const ready = "/v1/mediamtx/events/ready"
    await vi.waitFor(() => {
      publisher.send()
      expect(about("live/pulled/in")).toEqual([{ route: ready, type: "rtspSource", id: null }])
      expect(about("live/offline/in")).toEqual([{ route: ready, type: null, id: null }])
    }, patience)
    expect(log()).not.toContain("mtx-hook: ")
    await publisher.close()
    const gone = { route: "/v1/mediamtx/events/not-ready", type: "rtspSource", id: null }
    await vi.waitFor(() => expect(about("live/pulled/in")[1]).toEqual(gone), patience)
  })

  it("loses none of 50 connects, of which five go on at once", async () => {
    const { told, url } = await greenroom()
    const { rtsp } = await pipeline(url, url)
    const lane = async (lane: number) => {
      const path = `live/lane-${lane}/in`
      const arrived = (count: number) =>
        vi.waitFor(() => expect(told.filter(({ body }) => body.path === path)).toHaveLength(count), patience)
      for (let round = 0; round < 10; round++) {
        const publisher = await publish(rtsp, path)
        await arrived(2 * round + 1)
        await publisher.close()
        await arrived(2 * round + 2)
      }
    }
    await Promise.all([0, 1, 2, 3, 4].map(lane))
    expect(told).toHaveLength(100)
    const ids = (event: string) => told.filter((one) => one.url.endsWith(event)).map(({ body }) => body.sourceId)
    expect(new Set(ids("/ready")).size).toBe(50)
    expect(new Set(ids("/not-ready"))).toEqual(new Set(ids("/ready")))
  })

  it("tells of the end even of streams that MediaMTX saw end while it started the hook of their begin", async () => {
    const { told, url } = await greenroom()
    const { rtsp } = await pipeline(url, url)
    for (let round = 0; round < 10; round++) await (await publish(rtsp, `live/short-${round}/in`)).close()
    const ends = () => told.filter((one) => one.url.endsWith("/not-ready"))
    await vi.waitFor(() => expect(ends()).toHaveLength(10), patience)
    // It interrupts that hook at once, which a shell that has not yet read its first line does not survive.
    console.log(`mtx-hook: of 10 streams that ended at once, ${told.length - 10} begins were told, and all ends`)
  })

  it("accepts and serves a stream although the hook's URL is dead, and the log says so", async () => {
    const { told, url } = await greenroom()
    const { rtsp, log } = await pipeline(url, "http://127.0.0.1:1")
    const publisher = await publish(rtsp, "live/studio-1/in")
    await vi.waitFor(
      () => expect(log()).toMatch(/^mtx-hook: http:\/\/127\.0\.0\.1:1\/.*\/ready did not answer: /m),
      patience
    )
    const reader = await read(rtsp, "live/studio-1/in")
    await vi.waitFor(() => {
      publisher.send()
      expect(reader.media()).toBeGreaterThan(500)
    }, patience)
    await reader.close()
    await publisher.close()
    await vi.waitFor(() => expect(log()).toMatch(/^mtx-hook: .*\/not-ready did not answer: /m), patience)
    expect(told).toEqual([])
    expect(log()).not.toContain("0123456789abcdef")
  })

  it("lets an admitted stream and its viewers go on while Greenroom is gone", async () => {
    const { url, stop } = await greenroom()
    const { rtsp } = await pipeline(url, url)
    const publisher = await publish(rtsp, "live/studio-1/in")
    const reader = await read(rtsp, "live/studio-1/in")
    await stop()
    await expect(publish(rtsp, "live/studio-2/in")).rejects.toThrow(/ANNOUNCE .* refused/)
    const before = reader.media()
    await vi.waitFor(() => {
      publisher.send()
      expect(reader.media()).toBeGreaterThan(before + 2_000)
    }, patience)
    expect(publisher.closed()).toBe(false)
    await reader.close()
    await publisher.close()
  })

  it("has hooks, too, when it is the embedded one", async () => {
    const { told, port } = await greenroom()
    const folder = mkdtempSync(join(tmpdir(), "hooks of the embedded one $HOME "))
    cleanups.push(() => rmSync(folder, { recursive: true }))
    const secret = "hook secret/with ?odd&characters"
    await Effect.gen(function* () {
      const ports = yield* somePorts
      const server = yield* EmbeddedMediaMtx.make({
        binary: { path: realBinary ?? "", origin: "PATH", version: "v1.20.1" },
        directory: folder,
        auth: { port, secret: Redacted.make(secret) },
        ports
      })
      yield* Effect.promise(async () => {
        await vi.waitFor(async () => expect(await Effect.runPromise(server.running)).toBe(true), patience)
        const publisher = await publish(ports.rtsp, "studio/1")
        await vi.waitFor(() => expect(told).toHaveLength(1), patience)
        await publisher.close()
        await vi.waitFor(() => expect(told).toHaveLength(2), patience)
      })
      expect(told.map((one) => one.url)).toEqual(["/webhook/ready", "/webhook/not-ready"])
      expect(told.map((one) => one.authorization)).toEqual([`Bearer ${secret}`, `Bearer ${secret}`])
    }).pipe(Effect.scoped, Effect.runPromise)
  })
})
