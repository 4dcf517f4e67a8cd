/**
 * Keys with something round them, as ffmpeg and a real MediaMTX really pass them on (left out without these): each publisher is
 * admitted on its path, or refused in words.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { it as effectIt } from "@effect/vitest"
import { Effect } from "effect"
import { afterAll, afterEach, beforeAll, describe, expect, vi } from "vitest"
import { ffmpegBinary, missing, realMediaMtx } from "../../../../verification/worlds/realMediaMtx.ts"
import { newKey } from "./support/client.ts"
import { type Service, start } from "./support/service.ts"

if (missing.length > 0) console.log(`skipped: keys of real encoders (no ${missing.join(", no ")})`)

const picture =
  "-hide_banner -loglevel error -re -f lavfi -i testsrc=size=160x90:rate=5 -c:v libx264 -preset ultrafast -tune zerolatency -g 5 -pix_fmt yuv420p"
const rtsp = ["-f", "rtsp", "-rtsp_transport", "tcp"]

type Ports = { readonly rtmp: number; readonly rtsp: number; readonly srt: number }
type Shape = readonly [name: string, output: ReadonlyArray<string>, url: (key: string, ports: Ports) => string]

const shapes: ReadonlyArray<Shape> = [
  [
    "RTMP, a space behind it",
    ["-f", "flv"],
    (key, { rtmp }) => `rtmp://127.0.0.1:${rtmp}/live/s1?user=x&pass=${key}%20`
  ],
  ["RTMP, the query alone", ["-f", "flv"], (key, { rtmp }) => `rtmp://127.0.0.1:${rtmp}/live/s1?${key}`],
  ["RTMP, the user's name", ["-f", "flv"], (key, { rtmp }) => `rtmp://127.0.0.1:${rtmp}/live/s1?user=${key}`],
  ["RTMP, the wrong name", ["-f", "flv"], (key, { rtmp }) => `rtmp://127.0.0.1:${rtmp}/live/s1?password=${key}`],
  ["RTMP, HTML", ["-f", "flv"], (key, { rtmp }) => `rtmp://127.0.0.1:${rtmp}/live/s1?user=x&amp;pass=${key}`],
  ["RTMP, another query", ["-f", "flv"], (key, { rtmp }) => `rtmp://127.0.0.1:${rtmp}/live/s1?pass=${key}?x=1`],
  ["RTSP, the user's name", rtsp, (key, { rtsp: port }) => `rtsp://${key}:@127.0.0.1:${port}/live/s1`],
  [
    "SRT, options in the stream id",
    ["-f", "mpegts"],
    (key, { srt }) => `srt://127.0.0.1:${srt}?streamid=publish:live/s1:greenroom:${key}%26pkt_size=1316&pkt_size=1316`
  ],
  [
    "SRT, without a user",
    ["-f", "mpegts"],
    (key, { srt }) => `srt://127.0.0.1:${srt}?streamid=publish:live/s1:${key}&pkt_size=1316`
  ],
  [
    "SRT, the user's name",
    ["-f", "mpegts"],
    (key, { srt }) => `srt://127.0.0.1:${srt}?streamid=#!::m=publish,r=live/s1,u=${key}&pkt_size=1316`
  ]
]

const patience = { timeout: 20_000, interval: 20 }

describe.skipIf(missing.length > 0)("a real encoder", { timeout: 120_000 }, () => {
  let service: Service
  const encoders: Array<ChildProcess> = []
  beforeAll(async () => {
    service = await start()
  })
  afterEach(() => {
    for (const child of encoders.splice(0)) child.kill("SIGKILL")
  })
  afterAll(() => service.close())

  /** The line of the last answer but for those to calls without credentials. */
  const answered = () =>
    service.requests().findLast(({ annotations }) => annotations.reason !== "unauthorized")?.annotations

  effectIt.live("is known by its key, whatever stands round it", () =>
    Effect.gen(function* () {
      const mediaMtx = yield* realMediaMtx({ authHttpAddress: `${service.base}/auth` })
      const publish = async (shape: Shape, key: string) => {
        const [name, output, url] = shape
        service.lines.length = 0
        const child = spawn(ffmpegBinary!, [...picture.split(" "), ...output, url(key, mediaMtx.ports)], {
          stdio: "ignore"
        })
        encoders.push(child)
        await vi.waitFor(() => expect(answered(), name).toBeDefined(), patience)
        child.kill("SIGKILL")
        return answered()
      }
      yield* Effect.promise(async () => {
        for (const shape of shapes) {
          const { id, key_value } = await newKey(service)
          expect([shape[0], await publish(shape, key_value)]).toEqual([
            shape[0],
            // A key that is known: whether the path is free again is not what this is about.
            expect.objectContaining({ route: "/auth", path: "live/s1", stream_key_id: id })
          ])
        }
        const inFront: Shape = [
          "in the server's address",
          ["-f", "flv"],
          (key, { rtmp }) => `rtmp://127.0.0.1:${rtmp}/live?pass=${key}/s1`
        ]
        const { key_value } = await newKey(service)
        expect(await publish(inFront, key_value)).toMatchObject({
          status: 401,
          reason: "invalid_stream_key",
          path: "live"
        })
        await expect
          .poll(() => Effect.runPromise(mediaMtx.log), { timeout: 10_000 })
          .toContain("behind the stream's name")
      })
    })
  )
})
