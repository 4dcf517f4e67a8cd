/** What a media server says of itself, as versions put it, and what is made of what they do not say. */
import { assert, describe, it } from "@effect/vitest"
import type { MediaServerFacts } from "@greenroom/core"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { durationMillis } from "../../src/mediamtx/facts.ts"
import { clientOf, json } from "./client.ts"
import { fakeMediaMtx } from "./fakeMediaMtx.ts"

const unknown: MediaServerFacts = {
  version: "v1.20.1",
  authMethod: null,
  authExcludes: [],
  moq: "off",
  overridePublisher: null,
  readTimeoutMillis: null,
  hlsSegmentMillis: null,
  rtspOverUdp: false
}

/** As 1.20.1 and 1.9.3 give them, of the fields that are read. */
const config = {
  authMethod: "http",
  authHTTPExclude: [{ action: "api", path: "" }, { action: "metrics" }, { action: "publish", path: "cam" }],
  readTimeout: "10s",
  rtsp: true,
  rtspTransports: ["multicast", "tcp", "udp"],
  protocols: null,
  moq: true
}

describe("MediaMtx: facts", () => {
  it.live("nothing is known before a look", () =>
    Effect.gen(function* () {
      const { apiUrl } = yield* fakeMediaMtx()
      assert.isNull(yield* (yield* clientOf(apiUrl)).facts)
    })
  )

  const cases: ReadonlyArray<readonly [string, Parameters<typeof fakeMediaMtx>[0], Partial<MediaServerFacts>]> = [
    [
      "all of them",
      { config, pathDefaults: { overridePublisher: true }, lists: { moqsessions: [] } },
      {
        authMethod: "http",
        authExcludes: ["publish", "api", "metrics"],
        moq: "on",
        overridePublisher: true,
        readTimeoutMillis: 10_000,
        rtspOverUdp: true
      }
    ],
    [
      "of 1.21 by its names",
      {
        version: "v1.21.1",
        names: "new",
        config,
        pathDefaults: { overridePublisher: false },
        lists: { moqsessions: [] }
      },
      {
        version: "v1.21.1",
        authMethod: "http",
        authExcludes: ["publish", "api", "metrics"],
        moq: "on",
        overridePublisher: false,
        readTimeoutMillis: 10_000,
        rtspOverUdp: true
      }
    ],
    [
      "of 1.9, which has no version, no moq, and calls transports protocols",
      {
        version: null,
        config: { authMethod: "internal", authHTTPExclude: [], readTimeout: "1m30s", rtsp: true, protocols: ["udp"] }
      },
      { version: null, authMethod: "internal", readTimeoutMillis: 90_000, rtspOverUdp: true }
    ],
    ["moq is on and has no list", { config: { moq: true } }, { moq: "on, but not listed" }],
    ["moq is off", { config: { moq: false }, lists: {} }, {}],
    ["rtsp is off", { config: { rtsp: false, rtspTransports: ["udp"] } }, {}],
    ["rtsp over TCP alone", { config: { rtsp: true, rtspTransports: ["tcp"] } }, {}],
    ["nothing is there", { config: {}, pathDefaults: {} }, {}],
    [
      "everything is of another kind",
      {
        config: {
          authMethod: 1,
          authHTTPExclude: ["publish", null, { action: "steal" }, { action: 3 }],
          readTimeout: 10,
          rtsp: "yes",
          rtspTransports: { udp: true },
          moq: "yes"
        },
        pathDefaults: { overridePublisher: "no" }
      },
      {}
    ],
    ["the path defaults are no JSON object", { config: { authMethod: "jwt" }, pathDefaults: [] }, { authMethod: "jwt" }]
  ]
  for (const [what, state, expected] of cases) {
    it.live(`${what}: learnt by a look, which none of it fails`, () =>
      Effect.gen(function* () {
        const { apiUrl } = yield* fakeMediaMtx(state)
        const mediaServer = yield* clientOf(apiUrl)
        yield* mediaServer.snapshot
        assert.deepStrictEqual(yield* mediaServer.facts, { ...unknown, ...expected })
      })
    )
  }

  it.live("path defaults and MoQ's list that cannot be had leave the rest", () =>
    Effect.gen(function* () {
      const { fake, apiUrl } = yield* fakeMediaMtx({ config })
      fake.intercept = (request) =>
        /pathdefaults|moqsessions\/list\?itemsPerPage=1$/.test(request) ? { status: 500 } : undefined
      const mediaServer = yield* clientOf(apiUrl)
      yield* mediaServer.snapshot
      const facts = yield* mediaServer.facts
      assert.strictEqual(facts?.authMethod, "http")
      assert.strictEqual(facts?.moq, "on")
      assert.isNull(facts?.overridePublisher)
    })
  )

  it.live("an instance that stands by learns them behind its first answer", () =>
    Effect.gen(function* () {
      const { apiUrl } = yield* fakeMediaMtx({ config })
      const mediaServer = yield* clientOf(apiUrl)
      while ((yield* mediaServer.facts) === null) yield* Effect.sleep(10)
      assert.strictEqual((yield* mediaServer.facts)?.version, "v1.20.1")
    })
  )

  it.effect("they are those of the process that runs, and ten seconds old at most, or asked for now", () =>
    Effect.gen(function* () {
      const { fake, apiUrl } = yield* fakeMediaMtx({ config })
      const mediaServer = yield* clientOf(apiUrl)
      const timeout = Effect.map(
        Effect.andThen(mediaServer.snapshot, mediaServer.facts),
        (facts) => facts?.readTimeoutMillis
      )
      assert.strictEqual(yield* timeout, 10_000)
      fake.config = { ...config, readTimeout: "20s" }
      assert.strictEqual(yield* timeout, 10_000)
      yield* TestClock.adjust("11 seconds")
      assert.strictEqual(yield* timeout, 20_000)
      fake.config = { ...config, readTimeout: "30s" }
      assert.strictEqual((yield* mediaServer.factsNow)?.readTimeoutMillis, 30_000)
      fake.config = { ...config, readTimeout: "31s" }
      fake.started = "2026-01-02T00:00:00Z"
      assert.strictEqual(yield* timeout, 31_000)
      fake.intercept = (request) => (request.includes("/v3/config/") ? json({}, 500) : undefined)
      yield* TestClock.adjust("11 seconds")
      assert.strictEqual(yield* timeout, 31_000, "the last ones stand")
      assert.strictEqual((yield* mediaServer.factsNow)?.readTimeoutMillis, 31_000, "also when they are asked for now")
      yield* TestClock.adjust("31 seconds")
      assert.isNull(yield* mediaServer.factsNow, "until they are too old")
      fake.started = "2026-01-03T00:00:00Z"
      assert.isNull(yield* mediaServer.factsNow, "those of a process that is gone are not those of the next")
    })
  )

  it.effect("those asked for now are never earlier ones where another process cannot be told from this one", () =>
    Effect.gen(function* () {
      const { fake, apiUrl } = yield* fakeMediaMtx({ config, version: null })
      const mediaServer = yield* clientOf(apiUrl)
      yield* mediaServer.snapshot
      assert.strictEqual((yield* mediaServer.factsNow)?.readTimeoutMillis, 10_000)
      fake.intercept = (request) => (request.includes("/v3/config/global") ? json({}, 500) : undefined)
      yield* TestClock.adjust("1 second")
      assert.isNull(yield* mediaServer.factsNow)
      assert.strictEqual((yield* mediaServer.facts)?.readTimeoutMillis, 10_000)
    })
  )

  it.effect("a detail that does not come keeps its earlier value", () =>
    Effect.gen(function* () {
      const { fake, apiUrl } = yield* fakeMediaMtx({ config, pathDefaults: { overridePublisher: false } })
      const mediaServer = yield* clientOf(apiUrl)
      yield* mediaServer.snapshot
      fake.intercept = (request) =>
        /pathdefaults|moqsessions\/list\?itemsPerPage=1$/.test(request) ? { status: 500 } : undefined
      yield* TestClock.adjust("11 seconds")
      yield* mediaServer.snapshot
      assert.strictEqual((yield* mediaServer.facts)?.overridePublisher, false)
      assert.strictEqual((yield* mediaServer.facts)?.moq, "on, but not listed")
    })
  )
})

describe("durationMillis", () => {
  const cases: ReadonlyArray<readonly [unknown, number | null]> = [
    ["10s", 10_000],
    ["1m30s", 90_000],
    ["1.5s", 1_500],
    ["500ms", 500],
    ["0s", 0],
    ["1d", 86_400_000],
    ["1d2h0m0s", 93_600_000],
    ["250µs", 0.25],
    ["-1s", null],
    ["10", null],
    ["", null],
    ["s", null],
    ["10s!", null],
    [10, null],
    [undefined, null]
  ]
  for (const [text, millis] of cases) {
    it(`${JSON.stringify(text)} is ${millis}`, () => assert.strictEqual(durationMillis(text), millis))
  }
})
