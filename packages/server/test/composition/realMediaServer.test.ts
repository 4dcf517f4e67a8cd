/** The service with a real MediaMTX that it starts itself; left out, with one line, where there is none or no ffmpeg. */
import { type ChildProcess, spawn } from "node:child_process"
import { afterEach, assert, describe, it } from "@effect/vitest"
import { freePorts, processesWith } from "../../../../verification/worlds/processes.ts"
import { ffmpegBinary, mediaMtxBinary, missing } from "../../../../verification/worlds/realMediaMtx.ts"
import { until, useHome, wait } from "./home.ts"

/** Linux has all of 127.0.0.0/8 on its loopback; others have 127.0.0.1 alone. */
const lacking = [...missing, ...(process.platform === "linux" ? [] : ["Linux"])]
if (lacking.length > 0) console.log(`skipped: the service with a real media server (no ${lacking.join(", no ")})`)

const picture =
  "-hide_banner -loglevel error -re -f lavfi -i testsrc=size=160x90:rate=10 -c:v libx264 -preset ultrafast -tune zerolatency -g 10 -pix_fmt yuv420p -f flv"

interface Stream {
  readonly status: string
  readonly urls: { readonly hls: string }
}

describe.skipIf(lacking.length > 0)("a media server of its own", () => {
  const home = useHome()
  const publishers: Array<ChildProcess> = []
  afterEach(() => {
    for (const child of publishers.splice(0)) child.kill("SIGKILL")
  })

  const publish = (url: string) => {
    const child = spawn(ffmpegBinary!, [...picture.split(" "), url], { stdio: "ignore" })
    publishers.push(child)
    return child
  }

  const start = async (more: Readonly<Record<string, string>>) => {
    const names = ["api", "rtmp", "rtsp", "srt", "hls", "webrtc", "webrtcUdp"]
    const ports = await freePorts(names.length)
    const service = home.start({
      MEDIAMTX_BIN: mediaMtxBinary!,
      MEDIAMTX_PORTS: names.map((name, at) => `${name}=${ports[at]}`).join(),
      ...more
    })
    const url = await service.ready
    const call = async <A>(route: string, body?: object) => {
      const headers = { "x-api-key": home.secret(), "content-type": "application/json" }
      const init = body === undefined ? { headers } : { headers, method: "POST", body: JSON.stringify(body) }
      return (await (await fetch(`${url}${route}`, init)).json()) as A
    }
    const health = async () => (await call<{ readonly media_server: string }>("/health")).media_server
    await until(async () => (await health()) === "ok", "the media server answers")
    return { service, call, health }
  }

  it("asks us, lets in, is looked at and played from, all on the one address that HOST names", async () => {
    const { service, call } = await start({ HOST: "127.0.0.2" })
    const { id } = await call<{ readonly id: string }>("/broadcasters", { display_name: "Studio One" })
    const { ingest } = await call<{ readonly ingest: { readonly rtmp: string } }>("/stream-keys", {
      broadcaster_id: id
    })
    assert.match(ingest.rtmp, /^rtmp:\/\/127\.0\.0\.2:/)

    publish(ingest.rtmp)
    const live = async () => (await call<{ readonly streams: ReadonlyArray<Stream> }>("/streams")).streams[0]
    await until(async () => (await live())?.status === "active", "the publisher is live")
    const { hls } = (await live())!.urls
    assert.match(hls, /^http:\/\/127\.0\.0\.2:/)
    await until(async () => (await fetch(hls)).status === 200, "its HLS address plays")

    const stranger = publish(ingest.rtmp.replace(/sk_.*/, `sk_${"A".repeat(43)}`))
    await until(() => stranger.exitCode !== null, "the stranger is refused")
    const refusals = () =>
      service
        .err()
        .split("\n")
        .filter((line) => /invalid.stream.key/.test(line))
    await until(() => refusals().length > 0, "the refusal is logged")
    assert.strictEqual(refusals().length, 1, "a refusal is told once")
    assert.include(refusals()[0]!, '"reason":"invalid_stream_key"')
  })

  it("does not hold up /health while it is frozen", async () => {
    const { health } = await start({})
    const frozen = processesWith(home.data()).find(({ command }) => command.startsWith(mediaMtxBinary!))!.pid
    process.kill(frozen, "SIGSTOP")
    try {
      // A look is given up after five seconds. Answers that waited for one would be one or two until then.
      let answers = 0
      const isNoticed = async () => (await health()) === "unreachable"
      while (!(await isNoticed())) {
        answers++
        await wait(100)
      }
      assert.isAtLeast(answers, 4)
    } finally {
      process.kill(frozen, "SIGCONT")
    }
    await until(async () => (await health()) === "ok", "it answers again")
  })
})
