/** Viewers as versions of MediaMTX show them, and what of their URLs comes along. */
import { assert, describe, it } from "@effect/vitest"
import type { ViewerDescription, ViewerProtocol } from "@greenroom/core"
import { unhurried } from "@greenroom/testing"
import { DateTime, Effect, Redacted } from "effect"
import { describeViewer } from "../../src/mediamtx/viewerItems.ts"
import { simulatorStage } from "../fixtures/simulatorStage.ts"
import { clientOf, json } from "./client.ts"
import { fakeMediaMtx } from "./fakeMediaMtx.ts"

const id = "8b7c17a2-af9c-44b5-a7f2-a412b9f8213e"
const other = "1980081f-064d-49a2-93a1-300fe4693e60"
const tokenId = "x7Kd02mQpL9vTz41"
const token = "eyJhbGciOiJFZERTQSJ9.eyJqdGkiOiJ4In0.c2lnbmF0dXJl"

const created = "2026-11-21T01:36:22.62287434Z"

const shown = (protocol: ViewerProtocol, item: Readonly<Record<string, unknown>>): ViewerDescription => {
  const viewer = describeViewer(protocol, { id, created, path: "live/a", ...item })
  assert.isNotNull(viewer)
  return viewer!
}

describe("MediaMtx: a viewer as its list describes it", () => {
  it("has its time, its address without the port, and its bytes", () => {
    const viewer = shown("srt", { remoteAddr: "[2001:db8::7]:48573", bytesSent: 134_880 })
    assert.strictEqual(DateTime.toEpochMillis(viewer.since), Date.parse("2026-11-21T01:36:22.622Z"))
    assert.deepStrictEqual([viewer.ip, viewer.outboundBytes, viewer.isCdn], ["2001:db8::7", 134_880, false])
    assert.strictEqual(shown("hls", { remoteAddr: "192.0.2.7:1", outboundBytes: 7, bytesSent: 9 }).outboundBytes, 7)
    const bare = shown("hls", { remoteAddr: "nowhere", isCDN: true })
    assert.deepStrictEqual([bare.ip, bare.outboundBytes, bare.userAgent, bare.isCdn], [null, null, null, true])
    assert.isNull(describeViewer("hls", { id, created: "yesterday" }))
    assert.deepStrictEqual(
      [shown("srt", {}), shown("srt", { user: "" }), shown("moq", {})].map(({ isWhole }) => isWhole),
      [false, true, true]
    )
  })

  const cases: ReadonlyArray<readonly [string, Readonly<Record<string, unknown>>, string | null, string | null]> = [
    ["v and token of the query", { query: `token=${token}&v=${tokenId}` }, tokenId, token],
    ["jwt, as an old bearer", { query: `jwt=${token}` }, null, token],
    ["the user name", { user: tokenId }, tokenId, null],
    ["v before the user name", { query: `v=${tokenId}`, user: "0123456789abcdef" }, tokenId, null],
    ["the user name where v is no id", { query: "v=me", user: tokenId }, tokenId, null],
    ["no id that is none", { query: "v=me", user: "bob" }, null, null],
    ["no token that is none", { query: "token=tok7" }, null, null],
    ["nothing of a stream key", { query: `token=sk_${"a".repeat(43)}` }, null, null],
    ["nothing of what is no text", { query: 7, user: null, userAgent: [] }, null, null]
  ]
  for (const [name, item, id, text] of cases) {
    it(`shows ${name}`, () => {
      const viewer = shown("webrtc", item)
      assert.strictEqual(viewer.tokenId, id)
      assert.strictEqual(viewer.token === null ? null : Redacted.value(viewer.token), text)
      assert.notInclude(JSON.stringify(viewer), token)
    })
  }

  it("calls itself by at most 255 characters that can be stored and seen", () => {
    assert.strictEqual(shown("rtsp", { userAgent: "x".repeat(1_000) }).userAgent?.length, 255)
    assert.strictEqual(shown("rtsp", { userAgent: "a\u0000b\u001b[31m" }).userAgent, "a\uFFFDb\uFFFD[31m")
    assert.notInclude(shown("rtsp", { userAgent: `sk_${"a".repeat(43)}` }).userAgent ?? "", "aaaaa")
  })
})

describe("MediaMtx: who watches", () => {
  const readers = [
    { type: "hlsSession", id },
    { type: "webrtcSession", id: "w" },
    { type: "rtspsSession", id: "r" },
    { type: "moqSession", id: "m" },
    { type: "hlsMuxer", id: "" },
    { type: "hidden", id: "" },
    { type: "recorder", id: "x" },
    { type: "srtConn" }
  ]
  it.live("is in the readers of every path, its own ones too, by the protocol of its type", () =>
    Effect.gen(function* () {
      const source = { type: "rtmpConn", id: other }
      const { fake, apiUrl } = yield* fakeMediaMtx({
        paths: [
          { name: "live/a", ready: true, source, readers },
          {
            name: "cam/a",
            ready: true,
            source: { type: "rtspSource", id: "" },
            readers: [{ type: "srtConn", id: "s" }]
          }
        ]
      })
      const mediaServer = yield* clientOf(apiUrl)
      const look = yield* mediaServer.snapshot
      assert.deepStrictEqual(look.readers, [
        { protocol: "hls", id, path: "live/a" },
        { protocol: "webrtc", id: "w", path: "live/a" },
        { protocol: "rtsps", id: "r", path: "live/a" },
        { protocol: "moq", id: "m", path: "live/a" },
        { protocol: "srt", id: "s", path: "cam/a" }
      ])
      assert.strictEqual(look.paths[0]?.observation.viewerCount, 4)
      fake.paths.pop()
      const again = yield* mediaServer.recheck(new Set())
      assert.lengthOf(again.readers, 4)
    })
  )

  it.live("is kicked over RTSPS when its auth call said RTSP", () =>
    Effect.gen(function* () {
      const { apiUrl, fake } = yield* fakeMediaMtx({
        lists: { rtspsessions: [], rtspssessions: [{ id, created, state: "read", path: "live/a" }] }
      })
      const mediaServer = yield* clientOf(apiUrl)
      const found = yield* mediaServer.findViewer({ protocol: "rtsp", id })
      assert.deepStrictEqual(found === "gone" ? found : [found.protocol, found.id], ["rtsps", id])
      assert.strictEqual(yield* mediaServer.kickViewer({ protocol: "rtsp", id }), "kicked")
      assert.deepStrictEqual(fake.lists.rtspssessions, [])
      assert.strictEqual(yield* mediaServer.findViewer({ protocol: "rtsp", id }), "gone")
    })
  )

  it.live("is looked for under the new names where the old ones are gone", () =>
    Effect.gen(function* () {
      const { apiUrl } = yield* fakeMediaMtx({
        version: "v1.22.0",
        names: "new",
        lists: { hlssessions: [{ id, created, path: "live/a" }] }
      })
      const mediaServer = yield* clientOf(apiUrl)
      assert.lengthOf(yield* mediaServer.viewersOf("hls"), 1)
      assert.notStrictEqual(yield* mediaServer.findViewer({ protocol: "hls", id }), "gone")
    })
  )

  it.live("is not known from an answer about another, from a time that is none, or from half a list", () =>
    Effect.gen(function* () {
      const lists = { hlssessions: [{ id, created: "yesterday", path: "live/a" }] }
      const half = json({ itemCount: 2, pageCount: 1, items: [{ id, created, path: "live/a" }] })
      const wrong = json({ id: other, created, path: "live/a", query: `token=${token}` })
      const { apiUrl, fake } = yield* fakeMediaMtx({ lists })
      const mediaServer = yield* clientOf(apiUrl)
      const failures = [
        yield* Effect.flip(mediaServer.viewersOf("hls")),
        yield* Effect.flip(mediaServer.findViewer({ protocol: "hls", id }))
      ]
      fake.intercept = (request) =>
        request.includes("/get/") ? wrong : request.includes("sessions/list") ? half : undefined
      failures.push(yield* Effect.flip(mediaServer.viewersOf("hls")))
      failures.push(yield* Effect.flip(mediaServer.findViewer({ protocol: "hls", id })))
      for (const failure of failures) {
        assert.strictEqual(failure.reason, "nonsense")
        assert.notInclude(JSON.stringify(failure) + failure.message, token)
        assert.notInclude(failure.message, id)
      }
    })
  )

  it.live("does not get into an error when its item cannot be read", () =>
    Effect.gen(function* () {
      const item = { id, created: 7, path: "live/a", query: `token=${token}`, user: tokenId }
      const { apiUrl } = yield* fakeMediaMtx({ lists: { hlssessions: [item] } })
      const failure = yield* Effect.flip((yield* clientOf(apiUrl)).viewersOf("hls"))
      assert.strictEqual(failure.reason, "nonsense")
      assert.notInclude(JSON.stringify(failure) + failure.message, token)
    })
  )

  it.live("is looked for behind a pending auth of an HLS player until the deadline, and that is no outage", () =>
    Effect.gen(function* () {
      const { mediaServer, simulator, letIn } = yield* simulatorStage({ deadlines: { ...unhurried, findViewer: 200 } })
      assert.isTrue(yield* (yield* simulator.publish({ protocol: "rtsp", path: "live/a", unasked: true })).ready)
      yield* mediaServer.snapshot
      yield* letIn(() => Effect.never)
      yield* Effect.forkChild(simulator.read({ protocol: "hls", path: "live/a" }), { startImmediately: true })
      const failure = yield* Effect.flip(mediaServer.findViewer({ protocol: "hls", id }))
      assert.deepStrictEqual([failure.reason, failure.operation], ["unreachable", "findViewer"])
      assert.strictEqual(yield* mediaServer.health, "ok")
    })
  )
})
