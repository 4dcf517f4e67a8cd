/** What is written by hand is what the schema encodes, whatever state a stream is in. */
import { assert, describe, it } from "@effect/vitest"
import { allEnabled, endpointsBehind, type LiveStream, notActive } from "@greenroom/core"
import { Arbitrary, Effect, Schema } from "effect"
import { playbackOf } from "../../../../core/src/domain/streams/PlaybackUrls.ts"
import { at, boolean, cases, element, integer, NOW, texts } from "../../../../core/test/support/arbitraries.ts"
import { aStream } from "../../../../core/test/support/listings.ts"
import { Stream } from "../../../src/http/api/streamSchemas.ts"
import { streamOnWire } from "../../../src/http/lists/streamOnWire.ts"
import { streamShown } from "../../../src/http/routes/streamShown.ts"

const maybe = <A>(value: Arbitrary.Arbitrary<A>) =>
  Arbitrary.flatMap(boolean, (isThere) => (isThere ? value : element([null as A | null])))
const times = Arbitrary.map(integer(0, 100_000_000), at)
const endings = maybe(
  Arbitrary.all({
    reason: element(["revoked", "stopped", "superseded"] as const),
    requestedAt: times,
    kickedAt: maybe(times)
  })
)
const states = Arbitrary.map(
  Arbitrary.all({
    _tag: element(["Connecting", "Active", "Inactive"] as const),
    startedAt: times,
    readyAt: maybe(times),
    endedAt: times,
    ending: endings
  }),
  ({ _tag, startedAt, readyAt, endedAt, ending }): LiveStream["state"] => {
    if (_tag === "Connecting") return { _tag, startedAt, ending }
    if (_tag === "Active") return { _tag, startedAt, readyAt: readyAt ?? NOW, sourceType: "srtConn", ending }
    const sourceType = readyAt === null ? null : "rtmpConn"
    return { _tag, startedAt, readyAt, sourceType, ending, endedAt, reason: "disconnected" }
  }
)
const values = element([null, 0, 1.5, 2 ** 40, "", "High", true, false, [1], { a: 1 }])
const tracks = Arbitrary.array(
  Arbitrary.all({
    codec: texts,
    profile: values,
    level: values,
    tier: values,
    width: values,
    sampleRate: values,
    muLaw: values,
    another: values
  }),
  { maxLength: 3 }
)
const streams = Arbitrary.map(
  Arbitrary.all({
    state: states,
    tracks,
    title: maybe(texts),
    metadata: element([{}, { a: [1, null, { b: "c" }] }, { duration_seconds: 1, é: '"\\' }]),
    protocol: element([null, "rtmp", "moq"] as const),
    stateAsOf: maybe(times),
    inboundBytes: integer(0, 2 ** 31)
  }),
  ({ tracks, inboundBytes, state, title, metadata, protocol, stateAsOf }): LiveStream =>
    aStream(1, {
      state,
      title,
      description: title,
      recordingRef: title,
      metadata,
      protocol,
      stateAsOf,
      observation: { tracks, viewerCount: 3, inboundBytes }
    })
)

const encode = Schema.encodeSync(Schema.toCodecJson(Stream))
const endpoints = endpointsBehind("https://media.example.com")

describe("a stream of a list", () => {
  it.effect.prop(
    "is written as its schema encodes it, but for the duration",
    [streams, boolean],
    ([stream, plays]) =>
      Effect.sync(() => {
        const playback = plays ? playbackOf(endpoints, allEnabled, stream.path, []) : notActive
        const view = { stream, policy: plays ? ("token" as const) : ("public" as const), ...playback, now: NOW }
        const { duration_seconds: _, ...encoded } = encode(streamShown(view)) as { readonly duration_seconds: number }
        assert.strictEqual(JSON.stringify(streamOnWire(view)), JSON.stringify(encoded))
      }),
    cases(500)
  )
})
