/** Streams as people read, annotate and stop them: URLs that play while there is something to play, and history as it was written. */
import { assert, describe, it } from "@effect/vitest"
import {
  annotateStream,
  describeStream,
  type EnabledProtocols,
  Endpoints,
  endpointsBehind,
  type LiveStream,
  listActive,
  MediaServer,
  noEndpoints,
  Reconciler,
  type StopOptions,
  stopStream,
  streamEvents
} from "@greenroom/core"
import { isSameVersion, listSince, listVersion } from "@greenroom/core/internal"
import { Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { playbackOf } from "../../src/domain/streams/PlaybackUrls.ts"
import { keyId, NOW, streamId } from "../support/arbitraries.ts"
import { aBroadcaster, aKey, aStream, makeListings } from "../support/listings.ts"
import { inTime, running } from "../support/running.ts"
import { makeStage, mediaServerDown } from "../support/stage.ts"

const addresses = endpointsBehind("https://media.example.com")
const ended: LiveStream["state"] = {
  _tag: "Inactive",
  startedAt: NOW,
  readyAt: NOW,
  sourceType: "rtmpConn",
  ending: null,
  endedAt: NOW,
  reason: "disconnected"
}
const connecting: LiveStream["state"] = { _tag: "Connecting", startedAt: NOW, ending: null }
const served: EnabledProtocols = { hls: true, webrtc: true, rtmp: false, rtsp: true, srt: true }

const library = () => {
  const stage = makeStage()
  const listings = makeListings(stage)
  listings.streams.set(streamId(1), aStream(1))
  listings.streams.set(
    streamId(2),
    aStream(2, { observation: { ...aStream(2).observation, tracks: [{ codec: "VP8" }] } })
  )
  listings.streams.set(streamId(3), aStream(3, { state: ended }))
  listings.streams.set(streamId(4), aStream(4, { state: connecting }))
  const mediaServer = Layer.mock(MediaServer)({ enabled: Effect.succeed(served) })
  const layer = Layer.mergeAll(listings.layer, Layer.succeed(Endpoints)(addresses), mediaServer)
  return { stage, listings, layer }
}

describe("listSince", () => {
  const filter = { status: ["active"] } as const
  const page = { limit: null, after: null }

  it.effect(
    "brings what has changed since a version, and all when the URLs of that version were of other protocols",
    () =>
      Effect.gen(function* () {
        const { layer } = library()
        const whole = yield* listSince(filter, page, null).pipe(Effect.provide(layer))
        const { items } = yield* listActive(filter, page).pipe(Effect.provide(layer))
        assert.deepStrictEqual(
          whole.items.map(({ view }) => view),
          items
        )
        const { version, now } = yield* listVersion.pipe(Effect.provide(layer))
        assert.isTrue(isSameVersion(version, whole.version))
        assert.strictEqual(now, NOW)
        const again = yield* listSince(filter, page, version).pipe(Effect.provide(layer))
        assert.deepStrictEqual(
          again.items,
          whole.items.map(({ id }) => ({ id, view: null }))
        )

        const rtmp = Layer.mock(MediaServer)({ enabled: Effect.succeed({ ...served, rtmp: true }) })
        const other = Layer.merge(layer, rtmp)
        assert.isFalse(isSameVersion((yield* listVersion.pipe(Effect.provide(other))).version, version))
        const anew = yield* listSince(filter, page, version).pipe(Effect.provide(other))
        assert.isString(anew.items[0]!.view!.urls.rtmp)
        assert.isTrue(anew.items.every(({ view }) => view !== null))
      })
  )
})

describe("listActive", () => {
  it.effect("adds URLs that play to what the store says, without a word from the media server", () =>
    Effect.gen(function* () {
      const { stage, listings, layer } = library()
      const filter = { status: ["active"] } as const
      const page = { limit: null, after: null }
      const list = yield* listActive(filter, page).pipe(Effect.provide(layer))
      assert.deepStrictEqual(listings.asked, [["listStreams", filter, page]])
      assert.deepStrictEqual(
        list.items.map(({ stream }) => stream),
        [...listings.streams.values()]
      )
      assert.deepStrictEqual(list.items[0]!.urls, playbackOf(addresses, served, "live/1", ["H264"]).urls)
      assert.strictEqual(list.items[0]!.urls.hls, "https://media.example.com/live/1/index.m3u8")
      assert.isNull(list.items[0]!.urls.rtmp, "RTMP is off")
      assert.isNull(list.items[1]!.urls.hls, "HLS carries no VP8")
      assert.deepStrictEqual(list.items[2]!.urls, noEndpoints, "it has ended")
      assert.deepStrictEqual(list.items[3]!.urls, noEndpoints, "it is not there yet")
      assert.strictEqual(list.items[3]!.unplayable.hls, "not_active")
      assert.deepStrictEqual([list.next, list.now, list.items[0]!.now], [null, NOW, NOW])
      assert.deepStrictEqual(stage.called(), [])
    })
  )
})

describe("describeStream", () => {
  it.effect("adds all of the broadcaster", () =>
    Effect.gen(function* () {
      const { layer } = library()
      const one = yield* describeStream(streamId(1)).pipe(Effect.provide(layer))
      assert.isTrue(Option.isSome(one))
      if (Option.isNone(one)) return
      assert.deepStrictEqual(one.value.broadcaster, aBroadcaster(1))
      assert.deepStrictEqual(one.value.urls, playbackOf(addresses, served, "live/1", ["H264"]).urls)
      assert.deepStrictEqual(yield* describeStream(streamId(9)).pipe(Effect.provide(layer)), Option.none())
    })
  )
})

describe("streamEvents", () => {
  it.effect("are those of the store, and none at all of an unknown stream", () =>
    Effect.gen(function* () {
      const { listings, layer } = library()
      listings.history([{ type: "admitted", seq: 1, at: NOW }])
      const events = yield* streamEvents(streamId(1), 4, 50).pipe(Effect.provide(layer))
      assert.deepStrictEqual(events, Option.some([{ type: "admitted" as const, seq: 1, at: NOW }]))
      assert.deepStrictEqual(listings.asked.at(-1), ["events", streamId(1), 4, 50])
      assert.deepStrictEqual(yield* streamEvents(streamId(9), 0, 50).pipe(Effect.provide(layer)), Option.none())
      assert.deepStrictEqual(listings.asked.at(-1), ["findStream", streamId(9)])
    })
  )
})

describe("annotateStream", () => {
  it.effect("answers the stream with its new words, or that there is none", () =>
    Effect.gen(function* () {
      const { layer } = library()
      const one = yield* annotateStream(streamId(3), { title: "The finale", metadata: { a: 1 } }).pipe(
        Effect.provide(layer)
      )
      assert.isTrue(Option.isSome(one) && one.value.stream.title === "The finale")
      assert.deepStrictEqual(
        Option.map(one, ({ urls }) => urls),
        Option.some(noEndpoints)
      )
      assert.deepStrictEqual(yield* annotateStream(streamId(9), {}).pipe(Effect.provide(layer)), Option.none())
    })
  )
})

describe("stopStream", () => {
  const onAir = Effect.fnUntraced(function* () {
    const { stage, listings, layer } = library()
    stage.addSession(1)
    stage.connect(1)
    yield* TestClock.adjust("1 minute")
    const { reconciler } = yield* running(stage)
    const whole = Layer.merge(layer, Layer.succeed(Reconciler)(reconciler))
    const stop = (n: number, options: StopOptions = {}) =>
      inTime(stopStream(streamId(n), options).pipe(Effect.provide(whole)))
    return { stage, listings, stop }
  })

  it.effect("takes it off the air with that reason, in nobody's name, and says that it is gone", () =>
    Effect.gen(function* () {
      const { stage, stop } = yield* onAir()
      const stopped = yield* stop(1)
      assert.isTrue(Option.isSome(stopped) && stopped.value.offAir && stopped.value.stream.id === streamId(1))
      assert.strictEqual(stage.reason(1), "stopped")
      assert.isFalse(stage.connections.has("source-1"))
      const asked = stage.calls.find(({ name }) => name === "Sessions.requestStop")!
      assert.deepStrictEqual(asked.args, [streamId(1), "stopped", null])
    })
  )

  it.effect("says when it could not be confirmed, and that an ended one is gone", () =>
    Effect.gen(function* () {
      const { stage, stop } = yield* onAir()
      stage.before["MediaServer.kick"] = () => mediaServerDown
      const stopped = yield* stop(1)
      assert.isTrue(Option.isSome(stopped) && !stopped.value.offAir)
      const past = yield* stop(3)
      assert.isTrue(Option.isSome(past) && past.value.offAir)
    })
  )

  it.effect("blocks the key on the path before the stop, also that of a stream that has ended", () =>
    Effect.gen(function* () {
      for (const n of [1, 3]) {
        const { stage, listings, stop } = yield* onAir()
        listings.keys.set(keyId(n), aKey(n))
        yield* stop(n, { blockSeconds: 60 })
        const blocks = listings.asked.filter(([name]) => name === "block")
        assert.deepStrictEqual(blocks, [["block", keyId(n), `live/${n}`, 60]])
        assert.include(stage.called(), "Sessions.requestStop")
      }
    })
  )

  it.effect(
    "neither blocks nor stops a worker's stream when a block is asked for, and takes no block of 0 or of two hours",
    () =>
      Effect.gen(function* () {
        const { stage, stop } = yield* onAir()
        for (const blockSeconds of [60, 0, 7_200, 1.5]) {
          const refused = yield* Effect.flip(stop(1, { blockSeconds }))
          assert.isTrue(refused._tag === "InvalidArgument" && refused.faults[0]?.path[0] === "blockSeconds")
        }
        assert.notInclude(stage.called(), "Sessions.requestStop")
      })
  )

  it.effect("knows no unknown stream, and stops nobody for it", () =>
    Effect.gen(function* () {
      const { stage, stop } = yield* onAir()
      assert.deepStrictEqual(yield* stop(9), Option.none())
      assert.notInclude(stage.called(), "Sessions.requestStop")
    })
  )
})
