/** URLs that play, and instructions that an encoder takes: each part percent-encoded once, nothing promised that is off. */
import { assert, describe, it } from "@effect/vitest"
import {
  allEnabled,
  type EnabledProtocols,
  endpointsBehind,
  ingestInstructions,
  noEndpoints,
  type PublicEndpoints
} from "@greenroom/core"
import { Arbitrary } from "effect"
import { canCarry, encodePath, playbackOf } from "../../src/domain/streams/PlaybackUrls.ts"
import { boolean, cases, element, keyValues, validPaths } from "../support/arbitraries.ts"

const playbackUrls = (...given: Parameters<typeof playbackOf>) => playbackOf(...given).urls

const addresses = endpointsBehind("https://media.example.com")
const outputs = ["hls", "webrtc", "rtmp", "rtsp", "srt"] as const
const served: Arbitrary.Arbitrary<EnabledProtocols> = Arbitrary.all(
  Object.fromEntries(outputs.map((output) => [output, boolean])) as Record<(typeof outputs)[number], typeof boolean>
)
const known: Arbitrary.Arbitrary<PublicEndpoints> = Arbitrary.map(served, (has) => ({
  hls: has.hls ? addresses.hls : null,
  webrtc: has.webrtc ? addresses.webrtc : null,
  rtmp: has.rtmp ? addresses.rtmp : null,
  rtsp: has.rtsp ? addresses.rtsp : null,
  srt: has.srt ? addresses.srt : null
}))
const slashed = (of: PublicEndpoints): PublicEndpoints => {
  const end = (base: string | null) => (base === null ? null : `${base}//`)
  return { hls: end(of.hls), webrtc: end(of.webrtc), rtmp: end(of.rtmp), rtsp: end(of.rtsp), srt: end(of.srt) }
}
const codecLists = element([
  [],
  ["H264"],
  ["H264", "MPEG-4 Audio"],
  ["VP8", "Opus"],
  ["Opus"],
  ["KLV"],
  ["M-JPEG", "G711"]
])

describe("playbackUrls", () => {
  it("are those of the contract behind one public address", () => {
    assert.deepStrictEqual(playbackUrls(addresses, allEnabled, "live/studio-1", ["H264"]), {
      hls: "https://media.example.com/live/studio-1/index.m3u8",
      webrtc: "https://media.example.com/live/studio-1/whep",
      rtmp: "rtmp://media.example.com/live/studio-1",
      rtsp: "rtsp://media.example.com:8554/live/studio-1",
      srt: "srt://media.example.com:8890?streamid=read:live/studio-1"
    })
  })

  it.prop(
    "are null exactly where there is no base, the protocol is off, the tracks do not fit, or SRT would misread the path",
    [known, served, validPaths, codecLists],
    ([of, on, path, codecs]) => {
      const { urls, unplayable } = playbackOf(of, on, path, codecs)
      for (const output of outputs) {
        const readable = output !== "srt" || (!path.includes(":") && path.length <= 507)
        const plays = of[output] !== null && on[output] && canCarry(output, codecs) && readable
        assert.strictEqual(urls[output] !== null, plays, output)
        const why = of[output] === null ? "no_address" : !on[output] ? "protocol_off" : readable ? "codec" : "path"
        assert.strictEqual(unplayable[output], plays ? null : why, output)
      }
    },
    cases(1_000)
  )

  it.prop(
    "carry the path in them, encoded once, and stand on their base",
    [validPaths],
    ([path]) => {
      const urls = playbackUrls(addresses, allEnabled, path, [])
      const pathOf = (url: string | null, end: string) => {
        const parsed = new URL(url!.replace(/^(rtmp|rtsp):/, "http:"))
        assert.strictEqual(parsed.hostname, "media.example.com")
        assert.strictEqual(parsed.search + parsed.hash, "")
        assert.isTrue(parsed.pathname.endsWith(end))
        return decodeURIComponent(parsed.pathname.slice(1, parsed.pathname.length - end.length))
      }
      assert.strictEqual(pathOf(urls.hls, "/index.m3u8"), path)
      assert.strictEqual(pathOf(urls.webrtc, "/whep"), path)
      assert.strictEqual(pathOf(urls.rtmp, ""), path)
      assert.strictEqual(pathOf(urls.rtsp, ""), path)
      if (urls.srt !== null) assert.deepStrictEqual(urls.srt.split("?streamid=read:"), [addresses.srt, path])
    },
    cases()
  )

  it.prop(
    "do not mind slashes at the end of a base",
    [known, validPaths],
    ([of, path]) => {
      assert.deepStrictEqual(playbackUrls(slashed(of), allEnabled, path, []), playbackUrls(of, allEnabled, path, []))
      const ingest = (bases: PublicEndpoints) => ingestInstructions(bases, allEnabled, path, "sk_x")
      assert.deepStrictEqual(ingest(slashed(of)), ingest(of))
    },
    cases(100)
  )

  it("have none for SRT where the stream id would be longer than the protocol allows", () => {
    const srt = (path: string) => playbackUrls(addresses, allEnabled, path, []).srt
    assert.isNotNull(srt("x".repeat(507)))
    assert.isNull(srt("x".repeat(508)))
  })

  it("are nowhere without an address", () => {
    assert.deepStrictEqual(playbackUrls(noEndpoints, allEnabled, "live/a", []), noEndpoints)
  })
})

describe("canCarry", () => {
  const table: Record<string, string> = {
    "": "hls webrtc rtmp rtsp srt",
    H264: "hls webrtc rtmp rtsp srt",
    H265: "hls webrtc rtsp srt",
    AV1: "hls webrtc rtsp",
    VP9: "hls webrtc rtsp",
    VP8: "webrtc rtsp",
    "M-JPEG": "rtsp",
    "MPEG-4 Video": "rtsp srt",
    Opus: "hls webrtc rtsp srt",
    "MPEG-4 Audio": "hls rtmp rtsp srt",
    "MPEG-1/2 Audio": "rtmp rtsp srt",
    "AC-3": "rtsp srt",
    G711: "webrtc rtsp",
    "VP8,Opus": "webrtc rtsp",
    "H264,MPEG-4 Audio": "hls webrtc rtmp rtsp srt",
    "H264,Opus": "hls webrtc rtmp rtsp srt",
    "H265,MPEG-4 Audio": "hls webrtc rtsp srt",
    "M-JPEG,Opus": "rtsp",
    KLV: "rtsp"
  }
  it.each(Object.entries(table))("%s: %s", (codecs, outputsThatPlay) => {
    const list = codecs === "" ? [] : codecs.split(",")
    assert.strictEqual(outputs.filter((output) => canCarry(output, list)).join(" "), outputsThatPlay)
  })
})

describe("encodePath", () => {
  it.prop(
    "encodes each segment and leaves the slashes",
    [element(["live/a b", "ä/ö", "a?b#c", "a%2Fb", "a:b/~c", "a&b=c"])],
    ([path]) => {
      assert.match(encodePath(path), /^[\w.~!*'()%/-]+$/)
      assert.strictEqual(decodeURIComponent(encodePath(path)), path)
      assert.strictEqual(encodePath(path).split("/").length, path.split("/").length)
    },
    cases(20)
  )
})

describe("addressesOf", () => {
  it("keeps HLS and WebRTC on the proxy, and the others on its host", () => {
    assert.deepStrictEqual(endpointsBehind("https://media.example.com:8443/cdn/"), {
      hls: "https://media.example.com:8443/cdn",
      webrtc: "https://media.example.com:8443/cdn",
      rtmp: "rtmp://media.example.com",
      rtsp: "rtsp://media.example.com:8554",
      srt: "srt://media.example.com:8890"
    })
    assert.strictEqual(endpointsBehind("http://[::1]:80").srt, "srt://[::1]:8890")
  })
})

describe("ingestInstructions", () => {
  it("have none for SRT where the stream id would be longer than the protocol allows", () => {
    const key = `sk_${"k".repeat(43)}`
    const around = `publish::greenroom:${key}`.length
    const of = (length: number) => ingestInstructions(addresses, allEnabled, "x".repeat(length - around), key)
    assert.strictEqual(of(512).srt_streamid?.length, 512)
    assert.isNotNull(of(512).srt)
    assert.isNull(of(513).srt_streamid)
    assert.isNull(of(513).srt)
  })

  it.prop(
    "give OBS a server and a stream key that make the RTMP URL, with the key in the query alone",
    [validPaths, keyValues],
    ([path, key]) => {
      const { obs, rtmp } = ingestInstructions(addresses, allEnabled, path, key)
      assert.strictEqual(`${obs!.server}/${obs!.stream_key}`, rtmp)
      assert.notInclude(obs!.server, "?")
      assert.notInclude(obs!.stream_key.split("?")[0]!, "/")
      const url = new URL(rtmp!.replace("rtmp:", "http:"))
      assert.strictEqual(decodeURIComponent(url.pathname), `/${path}`)
      assert.deepStrictEqual(
        [...url.searchParams],
        [
          ["user", "greenroom"],
          ["pass", key]
        ]
      )
    },
    cases()
  )

  it("split a nested path before its last segment, and a flat one nowhere", () => {
    const obs = (path: string) => ingestInstructions(addresses, allEnabled, path, "K").obs
    assert.deepStrictEqual(obs("live/a/b"), {
      server: "rtmp://media.example.com/live/a",
      stream_key: "b?user=greenroom&pass=K"
    })
    assert.deepStrictEqual(obs("studio"), {
      server: "rtmp://media.example.com",
      stream_key: "studio?user=greenroom&pass=K"
    })
  })

  it.prop(
    "say the key to each protocol in its own way, and the path as it is",
    [validPaths, keyValues],
    ([path, key]) => {
      const { rtsp, srt, srt_streamid, whip } = ingestInstructions(addresses, allEnabled, path, key)
      const parsed = new URL(rtsp!.replace("rtsp:", "http:"))
      assert.deepStrictEqual([parsed.username, parsed.password, parsed.port], ["greenroom", key, "8554"])
      assert.strictEqual(decodeURIComponent(parsed.pathname), `/${path}`)
      assert.deepStrictEqual(whip, { url: `https://media.example.com/${encodePath(path)}/whip`, bearer: key })
      assert.strictEqual(
        srt,
        path.includes(":")
          ? null
          : `srt://media.example.com:8890?streamid=publish:${path}:greenroom:${key}&pkt_size=1316`
      )
      assert.strictEqual(srt_streamid, path.includes(":") ? null : `publish:${path}:greenroom:${key}`)
    },
    cases()
  )

  it.prop(
    "are null where a protocol is off or has no address",
    [known, served],
    ([of, on]) => {
      const there = ingestInstructions(of, on, "live/a", "K")
      const has = (output: keyof EnabledProtocols) => of[output] !== null && on[output]
      assert.deepStrictEqual(
        [there.obs, there.rtmp, there.rtsp, there.srt, there.srt_streamid, there.whip].map((one) => one !== null),
        [has("rtmp"), has("rtmp"), has("rtsp"), has("srt"), has("srt"), has("webrtc")]
      )
    },
    cases(300)
  )
})
