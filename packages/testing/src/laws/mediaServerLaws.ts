/**
 * What every `MediaServer` has to do, whatever is behind it: the memory world, the simulator over HTTP, a real MediaMTX. The simulator may
 * be trusted in other tests because the real one passes the same.
 */

import {
  type ListedPath,
  type ListedSource,
  type MediaServerSnapshot,
  type Protocol,
  protocols,
  type ViewerProtocol
} from "@greenroom/core"
import type { VersionFacts } from "@greenroom/mediamtx-simulator"
import { Cause, Effect, Exit, Layer, type Scope } from "effect"
import { TestClock } from "effect/testing"
import * as assert from "../assert.ts"
import { LAW_TIMEOUT_MS, type Law, type LawSuite } from "../LawSuite.ts"
import { eventually, type Stage, type StageDeadlines, type StagePublisher, timed, unhurried } from "../Stage.ts"

const sourceTypes: { readonly [P in Exclude<Protocol, "webrtc">]: string } = {
  rtmp: "rtmpConn",
  rtmps: "rtmpsConn",
  rtsp: "rtspSession",
  rtsps: "rtspsSession",
  srt: "srtConn",
  moq: "moqSession"
}

const sourceTypeOf = (protocol: Protocol, facts: VersionFacts): string =>
  protocol === "webrtc" ? facts.webrtcSourceType : sourceTypes[protocol]

const UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"

const sourceIn = (look: MediaServerSnapshot, { id }: { readonly id: string }): ListedSource | undefined =>
  look.sources.find((source) => source.id === id)

const pathIn = (look: MediaServerSnapshot, { id }: { readonly id: string }): ListedPath | undefined =>
  look.paths.find((path) => path.sourceId === id)

const isOnAir = (look: MediaServerSnapshot, publisher: { readonly id: string }): boolean =>
  pathIn(look, publisher)?.ready === true && sourceIn(look, publisher)?.state === "publish"

const isGone = (look: MediaServerSnapshot, publisher: { readonly id: string }): boolean =>
  sourceIn(look, publisher) === undefined && pathIn(look, publisher) === undefined

/** One publisher of each protocol of the stage, each on its path, all on the air. */
const everybody = Effect.fnUntraced(function* (stage: Stage) {
  const all: Array<StagePublisher> = []
  for (const protocol of stage.protocols) all.push(yield* stage.publish({ protocol, path: `live/${protocol}` }))
  const look = yield* eventually(stage, stage.mediaServer.snapshot, (seen) => all.every((one) => isOnAir(seen, one)))
  return { all, look }
})

/** A media server under test. Each law gets a stage of its own. */
export interface MediaServerUnderTest {
  readonly name: string
  /** Unhurried unless given deadlines. */
  readonly makeStage: (deadlines?: StageDeadlines) => Effect.Effect<Stage, never, Scope.Scope>
  /** `test`: the laws run under the test clock, which the stage's `wait` moves. */
  readonly clock: "real" | "test"
  /** Whether an RTMP publisher of the stage can be admitted and not be ready for a while. */
  readonly canDawdle: boolean
  /** Those that the stage can publish with. */
  readonly protocols: ReadonlyArray<Protocol>
  /** Those that the stage can watch with, whose viewers have sessions. */
  readonly viewerProtocols: ReadonlyArray<ViewerProtocol>
  /** Whether it has a control API, and pages, over HTTP. */
  readonly overHttp: boolean
}

type StageLaw = (
  sentence: string,
  check: (stage: Stage) => Effect.Effect<unknown, unknown, Scope.Scope>,
  deadlines?: StageDeadlines
) => void

/** A suite whose laws each get a stage. */
export const stageSuite = (
  name: string,
  { makeStage, clock }: MediaServerUnderTest,
  add: (law: StageLaw) => void
): LawSuite<never> => {
  const laws: Array<Law<never>> = []
  add((sentence, check, deadlines) =>
    laws.push({ name: sentence, check: Effect.flatMap(makeStage(deadlines), check), timeoutMillis: LAW_TIMEOUT_MS })
  )
  return { name, layer: clock === "test" ? Layer.fresh(TestClock.layer()) : Layer.empty, laws }
}

export const mediaServerLaws = (server: MediaServerUnderTest): LawSuite<never> =>
  stageSuite(`MediaServer: ${server.name}`, server, (law) => {
    law(
      "a publisher is listed under its auth's id, stands ready on its path with its tracks, and leaves when it stops",
      (stage) =>
        Effect.gen(function* () {
          const { all, look } = yield* everybody(stage)
          for (const publisher of all) {
            const { id, protocol, path } = publisher
            const expected = { id, protocol, state: "publish", established: true, path }
            assert.deepStrictEqual(sourceIn(look, publisher), expected as ListedSource)
            const listed = pathIn(look, publisher)
            assert.isDefined(listed)
            assert.strictEqual(listed.name, path)
            assert.strictEqual(listed.sourceType, sourceTypeOf(protocol, stage.facts))
            assert.include(
              listed.observation.tracks.map((track) => track.codec),
              "H264"
            )
            assert.strictEqual(listed.observation.viewerCount, 0)
            assert.strictEqual(yield* stage.mediaServer.find(publisher), "present")
            assert.strictEqual(yield* stage.mediaServer.find({ protocol: null, id }), "present")
          }
          const later = eventually(stage, stage.mediaServer.snapshot, (seen) =>
            all.every((publisher) => (pathIn(seen, publisher)?.observation.inboundBytes ?? 0) > 0)
          )
          const bytes = (yield* later).paths.map((path) => path.observation.inboundBytes)
          assert.isTrue(bytes.length === all.length && bytes.every((count) => count > 0), "bytes come in")
          assert.strictEqual(yield* stage.mediaServer.health, "ok")
          for (const publisher of all) yield* publisher.drop
          const left = yield* eventually(stage, stage.mediaServer.snapshot, (seen) =>
            all.every((one) => isGone(seen, one))
          )
          for (const publisher of all) assert.isTrue(isGone(left, publisher), `${publisher.protocol} has left`)
        })
    )

    law(
      "an RTMP or RTSP session is found in the list of its family, whichever of the two it is asked for in",
      (stage) =>
        Effect.gen(function* () {
          const rtmp = yield* stage.publish({ protocol: "rtmp", path: "live/a" })
          const rtsp = yield* stage.publish({ protocol: "rtsp", path: "live/b" })
          assert.strictEqual(yield* stage.mediaServer.find({ protocol: "rtmps", id: rtmp.id }), "present")
          assert.strictEqual(yield* stage.mediaServer.find({ protocol: "rtsps", id: rtsp.id }), "present")
          assert.strictEqual(yield* stage.mediaServer.find({ protocol: "srt", id: rtmp.id }), "gone")
          assert.strictEqual(yield* stage.mediaServer.kick({ protocol: "rtsps", id: rtsp.id }), "kicked")
        })
    )

    law("who is kicked leaves, and is gone when kicked again", (stage) =>
      Effect.gen(function* () {
        const { all } = yield* everybody(stage)
        yield* stage.letIn(() => Effect.succeed(false))
        for (const publisher of all) assert.strictEqual(yield* stage.mediaServer.kick(publisher), "kicked")
        const look = yield* eventually(stage, stage.mediaServer.snapshot, (seen) =>
          all.every((one) => isGone(seen, one))
        )
        for (const publisher of all) {
          assert.isTrue(isGone(look, publisher), `${publisher.protocol} has left`)
          assert.strictEqual(yield* stage.mediaServer.kick(publisher), "gone")
          assert.strictEqual(yield* stage.mediaServer.find(publisher), "gone")
        }
      })
    )

    law(
      "a killed RTSP client is gone at once, a killed SRT one when its silence has lasted for the read timeout",
      (stage) =>
        Effect.gen(function* () {
          const rtsp = yield* stage.publish({ protocol: "rtsp", path: "live/rtsp" })
          const srt = yield* stage.publish({ protocol: "srt", path: "live/srt" })
          const both = [rtsp, srt]
          yield* eventually(stage, stage.mediaServer.snapshot, (seen) => both.every((one) => isOnAir(seen, one)))
          for (const publisher of both) yield* publisher.kill
          const soon = yield* eventually(stage, stage.mediaServer.snapshot, (seen) => isGone(seen, rtsp))
          assert.isTrue(isGone(soon, rtsp))
          assert.isTrue(isOnAir(soon, srt))
          const later = yield* eventually(stage, stage.mediaServer.snapshot, (seen) => isGone(seen, srt))
          assert.isTrue(isGone(later, srt))
        })
    )

    const ifItDawdles: typeof law = (...given) => (server.canDawdle ? law(...given) : undefined)
    ifItDawdles("a publisher can be kicked before it is ready", (stage) =>
      Effect.gen(function* () {
        const publisher = yield* stage.publish({ protocol: "rtmp", path: "live/early", inNoHurry: true })
        const listed = yield* eventually(
          stage,
          stage.mediaServer.snapshot,
          (seen) => sourceIn(seen, publisher) !== undefined
        )
        const state = stage.facts.pathTakenWhen === "admitted" ? "publish" : "idle"
        assert.strictEqual(sourceIn(listed, publisher)?.state, state)
        const taken = stage.facts.pathTakenWhen === "admitted" ? false : undefined
        assert.strictEqual(pathIn(listed, publisher)?.ready, taken)
        yield* stage.letIn(() => Effect.succeed(false))
        assert.strictEqual(yield* stage.mediaServer.kick(publisher), "kicked")
        assert.strictEqual(yield* stage.mediaServer.find(publisher), "gone")
      })
    )

    law("who is refused never counts as a publisher, and its connection leaves by itself", (stage) =>
      Effect.gen(function* () {
        const publisher = yield* stage.publish({ protocol: "rtmp", path: "live/refused", key: "" })
        let published = false
        const look = yield* eventually(
          stage,
          Effect.tap(stage.mediaServer.snapshot, (seen) =>
            Effect.sync(() => {
              const source = sourceIn(seen, publisher)
              published ||= source?.state === "publish" || pathIn(seen, publisher) !== undefined
            })
          ),
          (seen) => isGone(seen, publisher)
        )
        assert.isTrue(isGone(look, publisher))
        assert.isFalse(published)
      })
    )

    law("an id that no client has, or can have, is gone, in every protocol and without one", (stage) =>
      Effect.gen(function* () {
        for (const id of [UNKNOWN_ID, "no-uuid", "..", "a/b?c=d#e", ""]) {
          for (const protocol of [...protocols, null]) {
            assert.strictEqual(yield* stage.mediaServer.find({ protocol, id }), "gone", `find ${protocol} ${id}`)
            assert.strictEqual(yield* stage.mediaServer.kick({ protocol, id }), "gone", `kick ${protocol} ${id}`)
          }
        }
        assert.deepStrictEqual((yield* stage.mediaServer.snapshot).sources, [])
      })
    )

    law("a recheck shows who is there, who has come and who has left, as a snapshot does", (stage) =>
      Effect.gen(function* () {
        const { mediaServer } = stage
        const { all, look } = yield* everybody(stage)
        const again = yield* mediaServer.recheck(new Set())
        assert.strictEqual(again.started, look.started)
        for (const one of all) assert.isTrue(isOnAir(again, one))
        const newcomer = yield* stage.publish({ protocol: stage.protocols[0]!, path: "live/newcomer" })
        yield* eventually(stage, mediaServer.recheck(new Set()), (seen) => isOnAir(seen, newcomer))
        yield* newcomer.drop
        const after = yield* eventually(stage, mediaServer.recheck(new Set()), (seen) => isGone(seen, newcomer))
        for (const one of all) assert.isTrue(isOnAir(after, one))
      })
    )

    law("a server that is down fails every call, and a new start is seen as one, with no client connected", (stage) =>
      Effect.gen(function* () {
        const publisher = yield* stage.publish({ protocol: "rtsp", path: "live/a" })
        const before = yield* eventually(stage, stage.mediaServer.snapshot, (seen) => isOnAir(seen, publisher))
        yield* stage.letIn(() => Effect.succeed(false))
        yield* stage.stop
        const calls = [
          stage.mediaServer.snapshot,
          stage.mediaServer.find(publisher),
          stage.mediaServer.kick(publisher),
          stage.mediaServer.resetPath("live/a")
        ]
        for (const call of calls) {
          const failure = yield* Effect.flip(Effect.asVoid(call))
          assert.strictEqual(failure.reason, "unreachable")
        }
        assert.strictEqual(yield* stage.mediaServer.health, "unreachable")
        yield* stage.start
        const after = yield* stage.mediaServer.snapshot
        assert.isTrue(after.started !== before.started || after.restartsSeen?.now === true)
        assert.strictEqual(after.restartsSeen?.count, stage.facts.info ? undefined : 1)
        assert.isTrue(isGone(after, publisher))
        assert.strictEqual(yield* stage.mediaServer.find(publisher), "gone")
        assert.strictEqual(yield* stage.mediaServer.health, "ok")
      })
    )

    law(
      "a server that does not answer fails every call at its deadline",
      (stage) =>
        Effect.gen(function* () {
          const publisher = yield* stage.publish({ protocol: "rtmp", path: "live/a" })
          yield* stage.freeze
          const checks = [
            { call: Effect.asVoid(stage.mediaServer.find(publisher)), within: stage.deadlines.find },
            { call: Effect.asVoid(stage.mediaServer.kick(publisher)), within: stage.deadlines.kick },
            { call: Effect.asVoid(stage.mediaServer.snapshot), within: stage.deadlines.snapshot }
          ]
          const outcomes = yield* Effect.all(
            checks.map(({ call }) => timed({ wait: Effect.sleep }, call)),
            { concurrency: "unbounded" }
          ).pipe((all) => timed(stage, all))
          assert.isTrue(Exit.isSuccess(outcomes.exit))
          const all = Exit.isSuccess(outcomes.exit) ? outcomes.exit.value : []
          for (const [index, { exit, millis }] of all.entries()) {
            const { within } = checks[index]!
            const how = `${exit._tag} ${Exit.isFailure(exit) ? Cause.pretty(exit.cause) : ""} after ${millis} ms`
            assert.isTrue(Exit.isFailure(exit), how)
            assert.isAtLeast(millis, within - 50, how)
            assert.isAtMost(millis, within + stage.slack, how)
          }
          yield* stage.thaw
          const look = yield* eventually(
            stage,
            Effect.option(stage.mediaServer.snapshot),
            (seen) => seen._tag === "Some"
          )
          assert.strictEqual(look._tag, "Some", "it answers again")
        }),
      { ...unhurried, find: 500, kick: 700, snapshot: 2_000 }
    )

    law(
      "a look that began while the server did not answer sees, if there is time, as soon as it answers again",
      (stage) =>
        Effect.gen(function* () {
          const publisher = yield* stage.publish({ protocol: "rtsp", path: "live/a" })
          yield* eventually(stage, stage.mediaServer.snapshot, (seen) => isOnAir(seen, publisher))
          yield* stage.freeze
          yield* Effect.forkChild(Effect.andThen(stage.wait(300), stage.thaw), { startImmediately: true })
          const { exit, millis } = yield* timed(stage, stage.mediaServer.snapshot)
          assert.isTrue(
            Exit.isSuccess(exit),
            `${Exit.isFailure(exit) ? Cause.pretty(exit.cause) : ""} after ${millis} ms`
          )
        })
    )

    law("a source can be looked up from within a pending auth", (stage) =>
      Effect.gen(function* () {
        const first = yield* stage.publish({ protocol: "rtmp", path: "live/contested" })
        yield* eventually(stage, stage.mediaServer.snapshot, (seen) => isOnAir(seen, first))
        const answers: Array<string> = []
        yield* stage.letIn(() =>
          stage.mediaServer.find(first).pipe(
            Effect.map((answer) => answers.push(answer)),
            Effect.as(false),
            Effect.orElseSucceed(() => false)
          )
        )
        yield* stage.publish({ protocol: "rtmp", path: "live/contested" })
        yield* eventually(
          stage,
          Effect.sync(() => answers.length),
          (count) => count > 0
        )
        assert.strictEqual(answers[0], "present")
        assert.isTrue(isOnAir(yield* stage.mediaServer.snapshot, first), "the one that was there still is")
      })
    )

    law("curing a path that nothing ails leaves its neighbours on the air, and nothing behind", (stage) =>
      Effect.gen(function* () {
        const neighbour = yield* stage.publish({ protocol: "rtsp", path: "live/neighbour" })
        yield* eventually(stage, stage.mediaServer.snapshot, (seen) => isOnAir(seen, neighbour))
        yield* stage.mediaServer.resetPath("live/neighbou")
        yield* stage.mediaServer.resetPath("live/neighbou")
        const look = yield* stage.mediaServer.snapshot
        assert.isTrue(isOnAir(look, neighbour))
        assert.deepStrictEqual(
          look.paths.map((path) => path.name),
          ["live/neighbour"]
        )
      })
    )

    law("curing a path sends away who is on it, where its version lets a path go", (stage) =>
      Effect.gen(function* () {
        const publisher = yield* stage.publish({ protocol: "rtsp", path: "live/a.b/c-d_e" })
        yield* eventually(stage, stage.mediaServer.snapshot, (seen) => isOnAir(seen, publisher))
        yield* stage.letIn(() => Effect.succeed(false))
        yield* stage.mediaServer.resetPath("live/a.b/c-d_e")
        if (!stage.facts.pathFollowsConfiguration) {
          return assert.isTrue(isOnAir(yield* stage.mediaServer.snapshot, publisher), "it stays where it was")
        }
        const look = yield* eventually(stage, stage.mediaServer.snapshot, (seen) => isGone(seen, publisher))
        assert.isTrue(isGone(look, publisher))
      })
    )
  })
