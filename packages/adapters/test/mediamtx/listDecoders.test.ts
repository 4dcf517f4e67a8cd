/** The decoders written by hand decode what the schemas decode, to the same value, and nothing else. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Option, Schema } from "effect"
import { cases, element } from "../../../core/test/support/arbitraries.ts"
import { ConnectionList, PathList } from "../../src/mediamtx/ControlApiSchema.ts"
import { quickConnections, quickPaths } from "../../src/mediamtx/listDecoders.ts"
import { quickViewers, ViewerList } from "../../src/mediamtx/viewerItems.ts"

const tracks = [{ codec: "H264" }, { codec: "Opus", codecProps: { channelCount: 2 }, more: 1 }]

/** What versions of MediaMTX send in a field, and what none does. */
const values: ReadonlyArray<unknown> = [
  ...[undefined, null, true, 0, 7.5, -1, 2 ** 60, "", "publish", [], [null], ["H264"], [7], {}],
  ...[{ type: "rtmpConn" }, { type: "rtmpConn", id: "x", more: 1 }, { type: "rtmpConn", id: null }, { type: 7 }],
  ...[[{ type: "reader", id: "y" }], tracks, [{ codec: "H264", codecProps: null }], [{ codec: 7, codecProps: [] }]]
]
const one = element(values)
/** Right four times in five, so that many items are right as a whole. */
const mostly = (...right: ReadonlyArray<unknown>) =>
  element([...right, ...right, ...right, ...right].concat(right.map((_, index) => values[(7 * index) % values.length])))

const connection = Arbitrary.all({
  id: mostly("x"),
  state: mostly("idle", "read", "publish"),
  path: mostly("live/a", "", undefined),
  peerConnectionEstablished: mostly(true, false, undefined),
  query: one,
  user: one
})

const path = Arbitrary.all({
  name: mostly("live/a"),
  ready: mostly(true, false),
  available: mostly(true, undefined),
  online: mostly(false, undefined),
  onlineTime: mostly("t", null, undefined),
  readyTime: mostly("t", null),
  source: mostly(null, { type: "rtmpConn", id: "x", more: 1 }, { type: "redirect" }, undefined),
  tracks: mostly([], ["H264"], null, undefined),
  tracks2: mostly(tracks, null, undefined),
  readers: mostly([], [{ type: "hlsMuxer", id: "" }], [{ type: "srtConn", id: "x", more: 1 }], [{ type: "y" }], null),
  inboundBytes: mostly(0, 7, undefined),
  bytesReceived: mostly(9, undefined),
  confName: one
})

const viewer = Arbitrary.all({
  id: mostly("x"),
  created: mostly("2026-11-21T01:36:22.62287434Z"),
  state: mostly("read", "idle", undefined),
  path: mostly("live/a", undefined),
  remoteAddr: one,
  query: one,
  user: one,
  userAgent: one,
  isCDN: one,
  outboundBytes: one,
  bytesSent: one,
  inboundBytes: one
})

const pageOf = (item: Arbitrary.Arbitrary<unknown>) =>
  Arbitrary.all({ itemCount: mostly(2), pageCount: mostly(1), first: item, second: item, items: mostly("both") })

/** As it comes out of JSON, where nothing is `undefined`. */
const answerOf = ({ first, second, items, ...page }: Readonly<Record<string, unknown>>): unknown =>
  JSON.parse(JSON.stringify({ ...page, items: items === "both" ? [first, second] : items }))

describe("the decoders written by hand", () => {
  for (const [name, schema, quick, item] of [
    ["connections", ConnectionList, quickConnections, connection],
    ["paths", PathList, quickPaths, path],
    ["viewers", ViewerList, quickViewers, viewer]
  ] as const) {
    const decode = Schema.decodeUnknownOption(schema as Schema.Codec<unknown, unknown>)
    it.prop(
      `decode a list of ${name} as its schema does, or leave it to the schema where that fails`,
      [pageOf(item)],
      ([page]) => {
        const answer = answerOf(page)
        assert.deepStrictEqual(quick(answer), Option.getOrUndefined(decode(answer)))
      },
      cases(3_000)
    )
  }

  it("take nothing that is no page", () => {
    for (const value of values) assert.isUndefined(quickPaths(value))
  })
})
