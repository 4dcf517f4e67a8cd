/**
 * Under which id a publisher is known, and when: in its auth call, in its protocol's list, on its path and in a kick. Each fact is looked at
 * twice, through the client (whose ids are all those of the auth call) and in the control API's own answers, where the stage has one.
 */

import { familyOf, type MediaServerSnapshot, type Protocol } from "@greenroom/core"
import { connectionListNames, listNames, type VersionFacts } from "@greenroom/mediamtx-simulator"
import { Clock, Deferred, Effect, Fiber, type Scope } from "effect"
import * as assert from "../assert.ts"
import type { LawSuite } from "../LawSuite.ts"
import { eventually, type Stage, type StagePublisher } from "../Stage.ts"
import { type MediaServerUnderTest, stageSuite } from "./mediaServerLaws.ts"

/** Seen: 13 to 95 ms. */
const GONE_WITHIN_MS = 1_000
/** By how much a busy machine may be late. */
const BUSY_MS = 3_000

type ControlApi = NonNullable<Stage["controlApi"]>

interface Item {
  readonly id: string
  readonly remoteAddr: string
  readonly session?: string | null
}

const listOf = (facts: VersionFacts, protocol: Protocol): string => `/v3/${listNames(facts, protocol).at(-1)}`

const connectionsOf = (facts: VersionFacts, protocol: Protocol): string =>
  `/v3/${connectionListNames(facts, protocol === "rtsps" ? "rtsps" : "rtsp").at(-1)}`

const itemsAt = (api: ControlApi, path: string): Effect.Effect<ReadonlyArray<Item>> =>
  Effect.map(api("GET", `${path}/list`), ({ text }) => JSON.parse(text).items)

const isOnAir = (look: MediaServerSnapshot, { id }: StagePublisher): boolean =>
  look.paths.some((path) => path.sourceId === id && path.ready) &&
  look.sources.some((source) => source.id === id && source.state === "publish")

const onAir = Effect.fnUntraced(function* (stage: Stage, protocol: Protocol) {
  const publisher = yield* stage.publish({ protocol, path: "live/a" })
  const look = yield* eventually(stage, stage.mediaServer.snapshot, (seen) => isOnAir(seen, publisher))
  assert.isTrue(isOnAir(look, publisher), `${protocol} is on the air under the id of its auth call`)
  return publisher
})

/** The id that the path's source has, and that its list and its auth call go with it as the version has it. */
const sourceIdOf = Effect.fnUntraced(function* (stage: Stage, api: ControlApi, { id, protocol }: StagePublisher) {
  const { facts } = stage
  const { text } = yield* api("GET", "/v3/paths/get/live/a")
  const sourceId: string = JSON.parse(text).source.id
  const item = (yield* itemsAt(api, listOf(facts, protocol))).find((one) => one.id === sourceId)
  assert.isDefined(item, "the source of the path stands in its list")
  if (familyOf(protocol) !== "rtsp") assert.strictEqual(sourceId, id)
  else {
    const connections = yield* itemsAt(api, connectionsOf(facts, protocol))
    const own = connections.filter(({ remoteAddr }) => remoteAddr === item.remoteAddr)
    assert.strictEqual(own.length, 1, "one connection has the session's address")
    if (own[0]?.session !== undefined) assert.strictEqual(own[0].session, sourceId)
    assert.strictEqual(facts.rtspAuthId === "session" ? sourceId : own[0]?.id, id)
    assert.notStrictEqual(own[0]?.id, sourceId)
  }
  return sourceId
})

/** Of an id that is not there any more: MediaMTX's own 404, not the router's. */
const assertOwn404 = Effect.fnUntraced(function* (stage: Stage, api: ControlApi, protocol: Protocol, id: string) {
  for (const name of listNames(stage.facts, protocol)) {
    for (const [method, verb] of [
      ["GET", "get"],
      ["POST", "kick"]
    ] as const) {
      const { status, text } = yield* api(method, `/v3/${name}/${verb}/${id}`)
      assert.strictEqual(status, 404, `${verb} ${text}`)
      assert.match(JSON.parse(text).error, /^(connection|session) not found$/)
    }
  }
})

type LawOf = (sentence: string, check: (stage: Stage) => Effect.Effect<void, unknown, Scope.Scope>) => void

const idLaws = (protocol: Protocol, law: LawOf): void => {
  law(
    "has one id in its auth call, its list, on its path and in its kick, and is gone within a second of that",
    (stage) =>
      Effect.gen(function* () {
        const publisher = yield* onAir(stage, protocol)
        const api = stage.controlApi
        const sourceId = api === null ? null : yield* sourceIdOf(stage, api, publisher)
        yield* stage.letIn(() => Effect.succeed(false))
        assert.strictEqual(yield* stage.mediaServer.kick(publisher), "kicked")
        const kicked = yield* Clock.currentTimeMillis
        yield* eventually(stage, stage.mediaServer.find(publisher), (found) => found === "gone")
        assert.isAtMost((yield* Clock.currentTimeMillis) - kicked, GONE_WITHIN_MS + BUSY_MS)
        assert.strictEqual(yield* stage.mediaServer.find(publisher), "gone")
        const look = yield* eventually(stage, stage.mediaServer.snapshot, ({ paths }) => paths.length === 0)
        assert.deepStrictEqual(look.paths, [])
        assert.isUndefined(look.sources.find(({ id }) => id === publisher.id))
        if (api !== null && sourceId !== null) yield* assertOwn404(stage, api, protocol, sourceId)
      })
  )

  law("is in its list while its auth is asked", (stage) =>
    Effect.gen(function* () {
      const answer = yield* Deferred.make<boolean>()
      yield* stage.letIn(() => Deferred.await(answer))
      const publisher = yield* stage.publish({ protocol, path: "live/a" })
      const asking = yield* Effect.forkChild(stage.mediaServer.find(publisher), { startImmediately: true })
      // A lookup over RTSP may have to wait until the auth is answered, and then finds it as well.
      if (familyOf(protocol) !== "rtsp") assert.strictEqual(yield* Fiber.join(asking), "present")
      yield* Deferred.succeed(answer, true)
      assert.strictEqual(yield* Fiber.join(asking), "present")
      const look = yield* eventually(stage, stage.mediaServer.snapshot, (seen) => isOnAir(seen, publisher))
      assert.isTrue(isOnAir(look, publisher))
    })
  )
}

const listsWait = Effect.fnUntraced(function* (stage: Stage) {
  const api = stage.controlApi!
  const answer = yield* Deferred.make<boolean>()
  yield* stage.letIn(() => Deferred.await(answer))
  yield* stage.publish({ protocol: "rtmp", path: "live/a" })
  const paths = yield* Effect.forkChild(api("GET", "/v3/paths/list"), { startImmediately: true })
  for (const protocol of ["rtmp", "srt", "webrtc"] as const) {
    assert.strictEqual((yield* api("GET", `${listOf(stage.facts, protocol)}/list`)).status, 200)
  }
  assert.isUndefined(paths.pollUnsafe(), "the list of paths waits")
  yield* Deferred.succeed(answer, false)
  assert.strictEqual((yield* Fiber.join(paths)).status, 200)
})

const withoutId = Effect.fnUntraced(function* (stage: Stage) {
  const preflight = stage.preflight!
  for (const allowed of [true, false]) {
    yield* stage.letIn(() => Effect.succeed(allowed))
    const { id, action, path, protocol, user, password, token, query } = yield* preflight("live/page", "K")
    assert.deepStrictEqual([id, action, path, protocol], [null, "publish", "live/page", "webrtc"])
    assert.deepStrictEqual([user, password], ["", ""])
    const inQuery = stage.facts.authToken === "absent"
    assert.deepStrictEqual([token, query], inQuery ? ["", "jwt=K"] : ["K", ""])
    assert.deepStrictEqual((yield* stage.mediaServer.snapshot).sources, [])
  }
})

export const mediaServerIdLaws = (server: MediaServerUnderTest): LawSuite<never> =>
  stageSuite(`MediaServer ids: ${server.name}`, server, (law) => {
    for (const protocol of server.protocols) {
      idLaws(protocol, (sentence, check) => law(`a publisher over ${protocol} ${sentence}`, check))
    }
    if (!server.overHttp) return
    law("while an auth is asked, the list of paths waits, and those of RTMP, SRT and WebRTC answer", listsWait)
    law("a browser's question before it publishes over WebRTC has no id, and leaves nothing", withoutId)
  })
