/**
 * What every `MediaServer` shows of viewers: the sessions that read a path, whose they are, that a kick ends one and nothing else, and when one that left
 * is gone. A viewer presents a playback token where its protocol has room for one.
 */
import type { MediaServerSnapshot, MediaServerUnavailable, ViewerDescription, ViewerProtocol } from "@greenroom/core"
import { type AuthQuestion, type Credentials, isAtLeast, type VersionFacts } from "@greenroom/mediamtx-simulator"
import { Cause, Clock, Effect, Exit, Redacted } from "effect"
import * as assert from "../assert.ts"
import type { LawSuite } from "../LawSuite.ts"
import { eventually, type Stage, type StageReader, timed, unhurried } from "../Stage.ts"
import { type MediaServerUnderTest, stageSuite } from "./mediaServerLaws.ts"

const UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"
const TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJqdGkiOiJ4In0.c2lnbmF0dXJl"
const TOKEN_ID = "x7Kd02mQpL9vTz41"
const PATH = "live/watched"

const viewerProtocols: ReadonlyArray<ViewerProtocol> = ["rtmp", "rtmps", "rtsp", "rtsps", "srt", "webrtc", "moq", "hls"]

interface Presented {
  readonly by: Credentials
  /** Where lists show the token's id, and whether they show the token. */
  readonly shows: "v and token" | "v" | "user"
}

/** As the URLs of a playback token have them. */
const presentedOver = (protocol: ViewerProtocol): Presented => {
  switch (protocol) {
    case "rtmp":
    case "rtmps":
    case "hls":
      return { by: { query: `token=${TOKEN}&v=${TOKEN_ID}` }, shows: "v and token" }
    case "webrtc":
    case "moq":
      return { by: { token: TOKEN, query: `v=${TOKEN_ID}` }, shows: "v" }
    case "rtsp":
    case "rtsps":
    case "srt":
      return { by: { user: TOKEN_ID, password: TOKEN }, shows: "user" }
  }
}

const showsToken = ({ password, token, query }: AuthQuestion): boolean =>
  password === TOKEN ||
  token === TOKEN ||
  ["token", "jwt"].some((name) => new URLSearchParams(query).get(name) === TOKEN)

/** Publishers are let in, and viewers with the token. */
const letInViewers = (question: AuthQuestion) => Effect.succeed(question.action !== "read" || showsToken(question))

const readerIn = (look: MediaServerSnapshot, { id }: Pick<StageReader, "id">) =>
  look.readers.find((one) => one.id === id)

const viewersOn = (look: MediaServerSnapshot) =>
  look.paths.find(({ name }) => name === PATH)?.observation.viewerCount ?? 0

/** A publisher on the path, ready to be watched. */
const published = Effect.fnUntraced(function* (stage: Stage) {
  yield* stage.letIn(letInViewers)
  const publisher = yield* stage.publish({ protocol: "rtsp", path: PATH })
  const isReady = ({ paths }: MediaServerSnapshot) => paths.some(({ name, ready }) => name === PATH && ready)
  yield* eventually(stage, stage.mediaServer.snapshot, isReady)
  return publisher
})

const watch = Effect.fnUntraced(function* (stage: Stage, protocol: ViewerProtocol) {
  const reader = yield* stage.read({ protocol, path: PATH, ...presentedOver(protocol).by })
  const look = yield* eventually(stage, stage.mediaServer.snapshot, (seen) => readerIn(seen, reader) !== undefined)
  assert.deepStrictEqual(readerIn(look, reader), { protocol, id: reader.id, path: PATH })
  return { reader, look }
})

const described = Effect.fnUntraced(function* (stage: Stage, viewer: Pick<StageReader, "id" | "protocol">) {
  const found = yield* stage.mediaServer.findViewer(viewer)
  if (found === "gone") assert.fail(`${viewer.protocol} ${viewer.id} is gone`)
  return found as ViewerDescription
})

/** Lists have the user name since 1.17. */
const expectedNames = ({ version }: VersionFacts, protocol: ViewerProtocol) => {
  const { shows } = presentedOver(protocol)
  return {
    tokenId: shows === "user" && !isAtLeast(version, "1.17.0") ? null : TOKEN_ID,
    token: shows === "v and token" ? TOKEN : null
  }
}

const assertDescribed = ({ facts }: Stage, { protocol, id }: StageReader, found: ViewerDescription) => {
  assert.deepStrictEqual([found.protocol, found.id, found.path, found.ip], [protocol, id, PATH, "127.0.0.1"])
  const token = found.token === null ? null : Redacted.value(found.token)
  assert.deepStrictEqual({ tokenId: found.tokenId, token }, expectedNames(facts, protocol))
  assert.isFalse(found.isCdn)
  assert.notInclude(JSON.stringify(found), TOKEN)
}

const isGone = (stage: Stage, viewer: StageReader) =>
  eventually(stage, stage.mediaServer.findViewer(viewer), (found) => found === "gone", 60_000)

const viewerLaws = (protocol: ViewerProtocol, law: Parameters<Parameters<typeof stageSuite>[2]>[0]): void => {
  law(
    `a viewer over ${protocol} is in the readers of its path, in its list and under its id, with its token's id`,
    (stage) =>
      Effect.gen(function* () {
        yield* published(stage)
        const { reader, look } = yield* watch(stage, protocol)
        assert.strictEqual(viewersOn(look), 1)
        assertDescribed(stage, reader, yield* described(stage, reader))
        const listed = (yield* stage.mediaServer.viewersOf(protocol)).filter(({ id }) => id === reader.id)
        assert.strictEqual(listed.length, 1)
        assertDescribed(stage, reader, listed[0]!)
        const recheck = yield* stage.mediaServer.recheck(new Set())
        assert.deepStrictEqual(readerIn(recheck, reader), readerIn(look, reader))
        const first = (yield* described(stage, reader)).outboundBytes ?? 0
        const later = yield* eventually(
          stage,
          described(stage, reader),
          ({ outboundBytes }) => (outboundBytes ?? 0) > first
        )
        assert.isTrue((later.outboundBytes ?? 0) > first, "bytes go out")
        assert.strictEqual(yield* stage.mediaServer.health, "ok")
      })
  )

  law(`a viewer over ${protocol} that is kicked is gone, and its neighbour and its publisher stay`, (stage) =>
    Effect.gen(function* () {
      yield* published(stage)
      const { reader } = yield* watch(stage, protocol)
      const { reader: neighbour } = yield* watch(stage, protocol)
      assert.notStrictEqual(neighbour.id, reader.id)
      yield* stage.letIn((question) => Effect.succeed(question.action !== "read"))
      assert.strictEqual(yield* stage.mediaServer.kickViewer(reader), "kicked")
      assert.strictEqual(yield* isGone(stage, reader), "gone")
      const after = yield* eventually(stage, stage.mediaServer.snapshot, (seen) => readerIn(seen, reader) === undefined)
      assert.isUndefined(readerIn(after, reader))
      assert.isDefined(readerIn(after, neighbour))
      assert.strictEqual(viewersOn(after), 1)
      assert.strictEqual(yield* stage.mediaServer.kickViewer(reader), "gone")
    })
  )

  law(`a viewer over ${protocol} that is refused is never among the readers`, (stage) =>
    Effect.gen(function* () {
      yield* published(stage)
      const reader = yield* stage.read({ protocol, path: PATH })
      const look = yield* stage.mediaServer.snapshot
      assert.deepStrictEqual(look.readers, [])
      assert.strictEqual(viewersOn(look), 0)
      assert.strictEqual(yield* isGone(stage, reader), "gone")
      assert.deepStrictEqual((yield* stage.mediaServer.snapshot).readers, [])
    })
  )

  law(`a viewer over ${protocol} is gone when its stream has ended`, (stage) =>
    Effect.gen(function* () {
      const publisher = yield* published(stage)
      const { reader } = yield* watch(stage, protocol)
      yield* publisher.drop
      const after = yield* eventually(stage, stage.mediaServer.snapshot, (seen) => readerIn(seen, reader) === undefined)
      assert.deepStrictEqual(after.readers, [])
      assert.strictEqual(yield* isGone(stage, reader), "gone")
    })
  )
}

const leaving = Effect.fnUntraced(function* (stage: Stage) {
  yield* published(stage)
  const tcp = stage.viewerProtocols.filter((protocol) => /^rt[ms]p/.test(protocol))
  const readers = yield* Effect.forEach(tcp, (protocol) => Effect.map(watch(stage, protocol), ({ reader }) => reader))
  for (const reader of readers) yield* reader.kill
  const after = yield* eventually(stage, stage.mediaServer.snapshot, ({ readers }) => readers.length === 0)
  assert.deepStrictEqual(after.readers, [])
})

const killedOverSrt = Effect.fnUntraced(function* (stage: Stage) {
  yield* published(stage)
  const { reader } = yield* watch(stage, "srt")
  yield* reader.kill
  const killed = yield* Clock.currentTimeMillis
  yield* stage.wait(200)
  assert.isDefined(readerIn(yield* stage.mediaServer.snapshot, reader), "it stays for its silence")
  yield* eventually(stage, stage.mediaServer.snapshot, (seen) => readerIn(seen, reader) === undefined)
  assert.isAtLeast((yield* Clock.currentTimeMillis) - killed, 400)
  assert.strictEqual(yield* isGone(stage, reader), "gone")
})

/** Real ones: 30 to 40 s. */
const idleOverHls = Effect.fnUntraced(function* (stage: Stage) {
  yield* published(stage)
  const { reader } = yield* watch(stage, "hls")
  yield* reader.kill
  // What it has asked for is still on its way.
  yield* stage.wait(100)
  const idle = yield* described(stage, reader)
  yield* stage.wait(200)
  const still = yield* described(stage, reader)
  assert.strictEqual(still.outboundBytes, idle.outboundBytes)
  assert.isDefined(readerIn(yield* stage.mediaServer.snapshot, reader))
  assert.strictEqual(yield* isGone(stage, reader), "gone")
  assert.deepStrictEqual((yield* stage.mediaServer.snapshot).readers, [])
})

const unknownViewers = Effect.fnUntraced(function* (stage: Stage) {
  const publisher = yield* published(stage)
  for (const protocol of viewerProtocols) {
    for (const id of [UNKNOWN_ID, "no-uuid", "..", "a/b?c=d#e", ""]) {
      assert.strictEqual(yield* stage.mediaServer.findViewer({ protocol, id }), "gone", `find ${protocol} ${id}`)
      assert.strictEqual(yield* stage.mediaServer.kickViewer({ protocol, id }), "gone", `kick ${protocol} ${id}`)
    }
    assert.deepStrictEqual(yield* stage.mediaServer.viewersOf(protocol), [], protocol)
  }
  assert.strictEqual(yield* stage.mediaServer.findViewer({ protocol: "rtsp", id: publisher.id }), "gone")
  assert.strictEqual(yield* stage.mediaServer.find(publisher), "present")
})

const afterDown = Effect.fnUntraced(function* (stage: Stage) {
  yield* stage.stop
  for (const protocol of ["rtmp", "rtsp", "hls"] as const) {
    const viewer = { protocol, id: UNKNOWN_ID }
    const { findViewer, viewersOf, kickViewer } = stage.mediaServer
    const calls: ReadonlyArray<Effect.Effect<unknown, MediaServerUnavailable>> = [
      findViewer(viewer),
      viewersOf(protocol),
      kickViewer(viewer)
    ]
    for (const call of calls) {
      assert.strictEqual((yield* Effect.flip(call)).reason, "unreachable")
    }
  }
  yield* stage.start
  assert.deepStrictEqual(yield* stage.mediaServer.viewersOf("rtmp"), [])
})

const deadlines = { ...unhurried, findViewer: 500, viewersOf: 700, kickViewer: 900 }

const unanswered = Effect.fnUntraced(function* (stage: Stage) {
  assert.deepStrictEqual((yield* stage.mediaServer.snapshot).readers, [])
  yield* stage.freeze
  const { findViewer, viewersOf, kickViewer } = stage.mediaServer
  const checks = stage.viewerProtocols.flatMap(
    (protocol): ReadonlyArray<readonly [Effect.Effect<unknown, MediaServerUnavailable>, number, string]> => {
      const viewer = { protocol, id: UNKNOWN_ID }
      return [
        [findViewer(viewer), deadlines.findViewer, `find ${protocol}`],
        [viewersOf(protocol), deadlines.viewersOf, `all ${protocol}`],
        [kickViewer(viewer), deadlines.kickViewer, `kick ${protocol}`]
      ]
    }
  )
  const calls = checks.map(([call]) => timed({ wait: Effect.sleep }, call))
  const { exit: all } = yield* timed(stage, Effect.all(calls, { concurrency: "unbounded" }))
  assert.isTrue(Exit.isSuccess(all))
  for (const [index, { exit, millis }] of (Exit.isSuccess(all) ? all.value : []).entries()) {
    const [, within, what] = checks[index]!
    const how = `${what}: ${Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "answered"} after ${millis} ms`
    assert.isTrue(Exit.isFailure(exit), how)
    assert.isTrue(millis >= within - 50 && millis <= within + stage.slack, how)
  }
  yield* stage.thaw
})

/** Lookups that hang behind an auth prove nothing about health. */
const hangingLookups = Effect.fnUntraced(function* (stage: Stage) {
  assert.deepStrictEqual((yield* stage.mediaServer.snapshot).readers, [])
  yield* stage.freeze
  for (const protocol of ["hls", "rtsp"] as const) {
    const call = stage.mediaServer.findViewer({ protocol, id: UNKNOWN_ID })
    const { exit } = yield* timed(stage, call)
    assert.isTrue(Exit.isFailure(exit))
    assert.strictEqual(yield* stage.mediaServer.health, "ok", protocol)
  }
  const { exit } = yield* timed(stage, stage.mediaServer.findViewer({ protocol: "srt", id: UNKNOWN_ID }))
  assert.isTrue(Exit.isFailure(exit))
  assert.strictEqual(yield* stage.mediaServer.health, "unreachable")
  yield* stage.thaw
})

export const mediaServerViewersLaws = (server: MediaServerUnderTest): LawSuite<never> =>
  stageSuite(`MediaServer viewers: ${server.name}`, server, (law) => {
    for (const protocol of server.viewerProtocols) viewerLaws(protocol, law)
    law("killed viewers over TCP are gone at once", leaving)
    law("a killed viewer over SRT stays among the readers for the read timeout", killedOverSrt)
    if (server.viewerProtocols.includes("hls")) {
      law("an HLS viewer that asks no more stays for a while, and its bytes with it", idleOverHls)
    }
    law("an id that no viewer has, or can have, and that of a publisher, is gone, and no list has it", unknownViewers)
    law("a server that is down fails every call about viewers", afterDown)
    law("a server that does not answer fails every call about viewers at its deadline", unanswered, deadlines)
    law("a lookup over HLS or RTSP that gets no answer does not count as an outage", hangingLookups, deadlines)
  })
