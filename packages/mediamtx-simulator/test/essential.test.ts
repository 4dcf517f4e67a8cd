/** What the simulation takes for decoded: the essential answers need no decoding, and say what the whole ones say. */
import { assert, describe, it } from "@effect/vitest"
import { ControlApiSchema, ViewerItems } from "@greenroom/adapters/mediamtx"
import { protocols } from "@greenroom/core"
import { Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { answerRequests, factsOf, listNames, Simulator, type SimulatorApi, World } from "../src/index.ts"

const { listedPath, listedSource, ownPath } = ControlApiSchema
const { describeViewer } = ViewerItems
const decodeViewers = Schema.decodeUnknownSync(ViewerItems.ViewerList)
const decodeList = Schema.decodeUnknownSync(ControlApiSchema.RtspSessionList)
const decodeConnections = Schema.decodeUnknownSync(ControlApiSchema.RtspConnectionList)
const decodePaths = Schema.decodeUnknownSync(ControlApiSchema.PathList)
const decodeConfig = Schema.decodeUnknownSync(ControlApiSchema.GlobalConfig)

for (const version of ["1.9.3", "1.13.0", "1.16.3", "1.20.1"]) {
  describe(`essential answers of ${version}`, () => {
    it.effect("are decoded already, and amount to the whole ones", () =>
      Effect.gen(function* () {
        const facts = factsOf(version)
        const media = yield* Simulator.make({ version })
        const server = { facts, isOn: () => true, configured: { rtspTransports: ["tcp"] } }
        const ask = (items: "whole" | "essential", path: string) =>
          Effect.map(
            answerRequests(media, { ...server, items })({
              method: "GET",
              path,
              query: new URLSearchParams("itemsPerPage=1000"),
              body: ""
            }),
            ({ body }: SimulatorApi.ApiReply) => body
          )
        for (const protocol of protocols) {
          yield* media.publishAsked({
            protocol,
            path: `live/${protocol}`,
            tracks: [{ codec: "H264", width: 160, level: "1.1" }]
          })
        }
        yield* TestClock.adjust("3 seconds")
        yield* media.read({ protocol: "rtsp", path: "live/rtmp" })
        yield* media.change((world) => World.setOwnSource(world, "own/pulled", "pulled"))
        yield* media.change((world) => World.setOwnSource(world, "own/always", "always available"))

        for (const protocol of protocols) {
          const path = `/v3/${listNames(facts, protocol)[0]}/list`
          const essential = decodeList(yield* ask("essential", path))
          assert.lengthOf(essential.items, protocol === "rtsp" ? 2 : 1)
          const asked = yield* ask("essential", path)
          // Of viewers it has what describes them, which is decoded below.
          const sent = (asked as { items: ReadonlyArray<Record<string, unknown>> }).items
          const viewers = sent.filter(({ state }) => state === "read")
          assert.deepStrictEqual<unknown>(
            essential.items.filter(({ state }) => state !== "read"),
            sent.filter(({ state }) => state !== "read")
          )
          const wholeReply = yield* ask("whole", path)
          const described = ({ items }: ReturnType<typeof decodeViewers>) =>
            items.flatMap((item) => (item.state === "read" ? [describeViewer(protocol, item)] : []))
          const decodedViewers = decodeViewers(asked)
          assert.deepStrictEqual(described(decodedViewers), described(decodeViewers(wholeReply)))
          for (const viewer of decodedViewers.items.filter(({ state }) => state === "read")) {
            assert.deepInclude<unknown>(
              viewers.find(({ id }) => id === viewer.id),
              viewer
            )
          }
          const whole = decodeList(wholeReply)
          const sources = (list: typeof whole) => list.items.map((item) => listedSource(protocol, item, new Set()))
          assert.deepStrictEqual(sources(essential), sources(whole))
          assert.deepStrictEqual(
            essential.items.map(({ created, remoteAddr, conns }) => [created, remoteAddr, conns]),
            whole.items.map(({ created, remoteAddr, conns }) => [created, remoteAddr, conns])
          )
        }
        const connections = yield* ask("essential", "/v3/rtspconns/list")
        assert.deepStrictEqual(
          decodeConnections(connections),
          decodeConnections(yield* ask("whole", "/v3/rtspconns/list"))
        )
        const paths = decodePaths(yield* ask("essential", "/v3/paths/list"))
        assert.deepStrictEqual<unknown>(
          decodePaths(yield* ask("whole", "/v3/paths/list")).items.map((item) => [listedPath(item), ownPath(item)]),
          paths.items.map((item) => [listedPath(item), ownPath(item)])
        )
        assert.lengthOf(paths.items, protocols.length + 2)
        const config = yield* ask("essential", "/v3/config/global/get")
        const whole = decodeConfig(yield* ask("whole", "/v3/config/global/get"))
        // A version does not have every field.
        const known = Object.entries(config as object).filter(([field]) => field in whole)
        assert.deepInclude<unknown>(whole, Object.fromEntries(known))
      })
    )
  })
}
