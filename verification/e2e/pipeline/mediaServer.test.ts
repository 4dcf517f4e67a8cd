/**
 * MediaMTX's control API and metrics as the pipeline uses them, before, during and after a stream: what Greenroom reads of them, and what a
 * developer sees with `make api-status` and `make metrics`.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { ControlApiSchema } from "@greenroom/adapters/mediamtx"
import { Effect, Schema } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { makeClip } from "../../worlds/ffmpegEncoder.ts"
import { missing } from "../../worlds/realMediaMtx.ts"
import { encode, killAll } from "./encoder.ts"
import { type LocalPipeline, startLocal, until } from "./localPipeline.ts"
import { parseMetrics } from "./metricsText.ts"

const { ConnectionList, GlobalConfig, Info, PathList, servedOf } = ControlApiSchema

const INPUT = "live/studio-1/in"
const OUTPUT = "live/studio-1/out"
const counters = ["inboundBytes", "outboundBytes", "bytesReceived", "bytesSent"] as const
const uuid = expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/)
const bytes = expect.toSatisfy((value) => Number.isSafeInteger(value) && value >= 0)
const sum = (values: ReadonlyArray<number>) => values.reduce((total, each) => total + each, 0)

/** A path with a publisher, as MediaMTX 1.20 shows it: what is read of it, and what people read. */
const shown = (name: string, sourceType: string, readers: ReadonlyArray<unknown>) => ({
  name,
  confName: "all_others",
  ready: true,
  readyTime: time,
  available: true,
  availableTime: time,
  online: true,
  source: { type: sourceType, id: uuid },
  tracks: ["H264", "MPEG-4 Audio"],
  tracks2: [
    { codec: "H264", codecProps: { width: 160, height: 90, profile: "Baseline", level: expect.any(String) } },
    { codec: "MPEG-4 Audio", codecProps: { sampleRate: 44_100, channelCount: 1 } }
  ],
  readers,
  ...Object.fromEntries(counters.map((name) => [name, bytes]))
})

const looksAt = (local: LocalPipeline) => {
  const read = async <S extends Schema.Codec<unknown, unknown>>(schema: S, route: string): Promise<S["Type"]> =>
    Schema.decodeUnknownSync(schema)(await local.control(route))
  return {
    info: () => read(Info, "/v3/info"),
    served: async () => servedOf(await read(GlobalConfig, "/v3/config/global/get")),
    paths: () => read(PathList, "/v3/paths/list?itemsPerPage=1000&page=0"),
    /** Everything that MediaMTX says of them, known here or not. */
    wholePaths: () =>
      local.control("/v3/paths/list") as Promise<{ readonly items: ReadonlyArray<Record<string, never>> }>,
    connections: (protocol: "rtmpconns" | "rtspsessions") => read(ConnectionList, `/v3/${protocol}/list`),
    /** The sum of a metric over the samples that have these labels. */
    metric: async (name: string, labels: Readonly<Record<string, string>> = {}) => {
      const samples = parseMetrics(await local.metrics()).filter((sample) => sample.name === name)
      expect(samples.length, `${name} is there`).toBeGreaterThan(0)
      const fits = samples.filter((sample) =>
        Object.entries(labels).every(([label, of]) => sample.labels[label] === of)
      )
      return sum(fits.map(({ value }) => value))
    }
  }
}

if (missing.length > 0) {
  // What is missing is named once, beside the figures.
  describe("the pipeline's media server", () => it.skip("before, during and after a stream", () => {}))
} else {
  // Each goes on where the one before it ended.
  describe("the pipeline's media server", () => {
    let folder = ""
    let local: LocalPipeline
    let look: ReturnType<typeof looksAt>
    let encoder: ReturnType<typeof encode>
    let clip = ""

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), "greenroom-clip-"))
      clip = await Effect.runPromise(makeClip(folder, 30))
      local = await startLocal()
      look = looksAt(local)
    })
    afterAll(async () => {
      await killAll()
      await local?.stop()
      await rm(folder, { recursive: true, force: true })
    })

    const nothing = async () => {
      expect(await look.paths()).toEqual({ itemCount: 0, pageCount: 0, items: [] })
      for (const protocol of ["rtmpconns", "rtspsessions"] as const) {
        expect((await look.connections(protocol)).itemCount).toBe(0)
      }
      for (const name of ["paths", "paths_readers", "paths_inbound_bytes", "rtmp_conns", "rtsp_sessions"]) {
        expect([name, await look.metric(name)]).toEqual([name, 0])
      }
    }

    it("says nothing to who has no secret", async () => {
      for (const url of [
        `http://127.0.0.1:${local.ports.control}/v3/paths/list`,
        `http://127.0.0.1:${local.ports.metrics}/metrics`
      ]) {
        const answer = await fetch(url)
        expect([url, answer.status]).toEqual([url, 401])
        expect(await answer.text()).not.toMatch(/itemCount|paths/)
      }
    })

    it("says who it is, and that RTMP and RTSP alone are on", async () => {
      expect(await look.info()).toEqual({ version: expect.stringMatching(/^v1\.\d+\.\d+$/), started: time })
      expect(await look.served()).toEqual({ rtmp: true, rtsp: true, hls: false, webrtc: false, srt: false })
    })

    it("before: has no path, no connection, and says so in its metrics", () => nothing())

    it("lists a publisher over RTMP before its path is ready", async () => {
      const { ingest } = await local.key("studio-1")
      encoder = encode(clip, "rtmp", ingest.rtmp)
      const connection = await until("it is listed, and its path is not available", async () => {
        const [listed] = (await look.connections("rtmpconns")).items
        const { items } = await look.paths()
        return items.some(({ available }) => available === true) ? undefined : listed
      })
      expect(connection.id).toEqual(uuid)
    })

    it("during: shows both paths, ready, with their sources, readers and tracks", async () => {
      await local.pathItem(OUTPUT)
      await until("the worker runs", async () =>
        (await local.worker("studio-1")).state === "running" ? true : undefined
      )
      const list = await look.paths()
      expect([list.itemCount, list.pageCount]).toEqual([2, 1])
      const { items } = await look.wholePaths()
      const [input, output] = [INPUT, OUTPUT].map((at) => items.find(({ name }) => name === at))
      expect(input).toMatchObject(shown(INPUT, "rtmpConn", [{ type: "rtspSession", id: uuid }]))
      expect(output).toMatchObject(shown(OUTPUT, "rtspSession", []))
      expect(items).toHaveLength(2)
    })

    it("during: names each publisher and reader as its protocol's list does", async () => {
      const { items } = await look.wholePaths()
      const of = (at: string) =>
        items.find(({ name }) => name === at) as unknown as {
          readonly source: { readonly id: string }
          readonly readers: ReadonlyArray<{ readonly id: string }>
        }
      const rtmp = await look.connections("rtmpconns")
      expect(rtmp.items).toEqual([{ id: of(INPUT).source.id, state: "publish", path: INPUT }])
      const { items: sessions } = await look.connections("rtspsessions")
      expect(sessions.toSorted((a, b) => a.state.localeCompare(b.state))).toEqual([
        { id: of(OUTPUT).source.id, state: "publish", path: OUTPUT },
        { id: of(INPUT).readers[0]!.id, state: "read", path: INPUT }
      ])
    })

    it("during: counts paths, readers and connections in its metrics", async () => {
      expect(await look.metric("paths")).toBe(2)
      for (const name of [INPUT, OUTPUT]) expect(await look.metric("paths", { name, state: "ready" })).toBe(1)
      expect(await look.metric("paths_readers", { name: INPUT, readerType: "rtspSession" })).toBe(1)
      expect(await look.metric("paths_readers", { name: OUTPUT })).toBe(0)
      expect(await look.metric("rtmp_conns", { state: "publish", path: INPUT })).toBe(1)
      expect(await look.metric("rtsp_sessions", { state: "read", path: INPUT })).toBe(1)
      expect(await look.metric("rtsp_sessions", { state: "publish", path: OUTPUT })).toBe(1)
    })

    it("during: counts bytes that grow: into the source, out of it to the worker, and into the product", async () => {
      const read = async () => {
        const { items } = await look.wholePaths()
        const of = (at: string, counter: (typeof counters)[number]) =>
          Number(items.find(({ name }) => name === at)![counter])
        return {
          "control API, into in": of(INPUT, "inboundBytes"),
          "control API, out of in": of(INPUT, "outboundBytes"),
          "control API, into out": of(OUTPUT, "inboundBytes"),
          "control API, into in, by its older name": of(INPUT, "bytesReceived"),
          "metrics, into in": await look.metric("paths_inbound_bytes", { name: INPUT }),
          "metrics, out of in": await look.metric("paths_outbound_bytes", { name: INPUT }),
          "metrics, into out": await look.metric("paths_inbound_bytes", { name: OUTPUT }),
          "metrics, of the connection": await look.metric("rtmp_conns_inbound_bytes", { path: INPUT })
        }
      }
      let before = await read()
      for (let round = 0; round < 3; round++) {
        const now = await until("every counter has grown", async () => {
          const found = await read()
          const names = Object.keys(found) as Array<keyof typeof found>
          return names.every((name) => found[name] > before[name]) ? found : undefined
        })
        before = now
      }
      const { items } = await look.wholePaths()
      for (const item of items) {
        expect([item.inboundBytes, item.outboundBytes]).toEqual([item.bytesReceived, item.bytesSent])
      }
      expect(await look.metric("paths_outbound_bytes", { name: OUTPUT })).toBe(0)
    })

    it("after: has forgotten path, connection and counters", async () => {
      await encoder.kill()
      await until("both paths have gone", async () => ((await look.paths()).itemCount === 0 ? true : undefined))
      await until("the worker's sessions have gone", async () =>
        (await look.connections("rtspsessions")).itemCount === 0 ? true : undefined
      )
      await nothing()
      expect((await local.worker("studio-1")).state).toMatch(/^(stopped|retrying)$/)
    })
  })
}
