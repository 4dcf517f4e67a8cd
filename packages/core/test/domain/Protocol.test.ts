/** Which lists a session may stand in. */
import { assert, describe, it } from "@effect/vitest"
import { familyOf, listsOf, protocols } from "@greenroom/core"

describe("listsOf", () => {
  it("is the protocol's own list, then its twin's; all of them when nobody knows", () => {
    assert.deepStrictEqual(
      Object.fromEntries([null, ...protocols].map((protocol) => [String(protocol), listsOf(protocol)])),
      {
        null: ["rtmp", "rtmps", "rtsp", "rtsps", "srt", "webrtc", "moq"],
        rtmp: ["rtmp", "rtmps"],
        rtmps: ["rtmps", "rtmp"],
        rtsp: ["rtsp", "rtsps"],
        rtsps: ["rtsps", "rtsp"],
        srt: ["srt"],
        webrtc: ["webrtc"],
        moq: ["moq"]
      }
    )
  })

  it("stays in the family", () => {
    for (const protocol of protocols)
      for (const other of protocols)
        assert.strictEqual(listsOf(protocol).includes(other), familyOf(protocol) === familyOf(other))
  })
})
