import { assert, describe, it } from "@effect/vitest"
import { noEndpoints } from "@greenroom/core"
import { addressesFrom } from "../../src/composition/addresses.ts"

const own = {
  hls: "http://127.0.0.1:8888",
  webrtc: "http://127.0.0.1:8889",
  rtmp: "rtmp://127.0.0.1:1935",
  rtsp: "rtsp://127.0.0.1:8554",
  srt: "srt://127.0.0.1:8890"
}

describe("the public addresses", () => {
  it("are the fallback's when nothing is configured", () => {
    assert.deepStrictEqual(addressesFrom({}, own), own)
    assert.deepStrictEqual(addressesFrom({}, noEndpoints), noEndpoints)
  })

  it("are those behind the one public URL, as the first requirement set has them", () => {
    assert.deepStrictEqual(addressesFrom({ MEDIAMTX_PUBLIC_URL: "https://media.example.com/" }, own), {
      hls: "https://media.example.com",
      webrtc: "https://media.example.com",
      rtmp: "rtmp://media.example.com",
      rtsp: "rtsp://media.example.com:8554",
      srt: "srt://media.example.com:8890"
    })
  })

  it("are each protocol's own where one is given, whatever else is", () => {
    const settings = {
      MEDIAMTX_PUBLIC_URL: "https://media.example.com",
      PUBLIC_RTMP_URL: "rtmp://ingest.example.com:1936"
    }
    assert.strictEqual(addressesFrom(settings, own).rtmp, "rtmp://ingest.example.com:1936")
    assert.strictEqual(addressesFrom(settings, own).hls, "https://media.example.com")
  })
})
