/**
 * A control API that is silent, slow, or says what is not so, and a media server that goes away while Greenroom looks at it: what
 * cannot be seen changes nothing, who may publish is let in all the same, and when it can be seen again everything is as it is.
 */
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { Cluster } from "../worlds/Cluster.ts"
import { goesWrong, type RelayFault } from "../worlds/HttpRelay.ts"
import { targetOf } from "../worlds/Target.ts"
import { listen, TestDeployment, waitFor } from "../worlds/TestDeployment.ts"
import { eventsOf, goesOn, goOnAir, isOver, isRefusedWith, LISTED_WITHIN_MS, listed, newKey } from "./acts.ts"
import { allListed, isDone, isUnreachable, keepPublishing, type Returning } from "./outages.ts"

const noRoute = "404 page not found"

/** `blind`: no look succeeds, so nobody confirms anything. */
const troubles: ReadonlyArray<{ readonly what: string; readonly fault: RelayFault; readonly blind: boolean }> = [
  { what: "hangs in the list of paths", fault: { _tag: "Silent", only: "/v3/paths/list" }, blind: true },
  { what: "swallows one list", fault: { _tag: "Swallowed", only: "/v3/rtspsessions/list" }, blind: true },
  { what: "swallows everything", fault: { _tag: "Swallowed" }, blind: true },
  { what: "answers 401", fault: { _tag: "Status", status: 401 }, blind: true },
  { what: "answers 404 to everything", fault: { _tag: "Status", status: 404, body: noRoute }, blind: true },
  {
    what: "has no lists of connections",
    fault: { _tag: "Status", status: 404, body: noRoute, only: "conns/list" },
    blind: false
  },
  { what: "answers 500", fault: { _tag: "Status", status: 500, body: "{}" }, blind: true },
  { what: "answers 500 for one list", fault: { _tag: "Status", status: 500, only: "/v3/srtconns/list" }, blind: true },
  { what: "gives half a list", fault: { _tag: "HalfList" }, blind: true },
  { what: "gives half a list and says that it is whole", fault: { _tag: "ShortList" }, blind: false },
  { what: "answers garbage", fault: { _tag: "Garbage" }, blind: true },
  { what: "hangs up", fault: { _tag: "HangUp" }, blind: true },
  { what: "takes half a second for each call", fault: { _tag: "Slow", by: "500 millis" }, blind: false }
]

/** What the log said of it since then, in order. */
const saidOfSeeing = Effect.map(TestDeployment, ({ service }) => {
  const from = service.lines().length
  return Effect.sync(() =>
    service
      .lines()
      .slice(from)
      .map(({ message }) => message)
      .filter((message) => message.startsWith("the reconciler "))
  )
})

const BLIND = "the reconciler cannot observe; the stored state stays unchanged until it can"
const SEES = "the reconciler observes again"

/** The kinds of trouble that the gauge shows. */
const degraded = Effect.flatMap(TestDeployment, ({ service }) =>
  Effect.map(service.api.call<string>("GET", "/metrics"), ({ body }) =>
    [...body.matchAll(/^greenroom_degraded\{kind="(\w+)"\} 1$/gm)].map(([, kind]) => kind)
  )
)

/** Long enough for a look that begins after the trouble did. */
const TROUBLE_LASTS = "800 millis"
const ANOTHER_LOOK = "1200 millis"

export const controlApiOutage = (it: Vitest.MethodsNonLive<TestDeployment | Cluster>): void => {
  it.effect("while the control API does not answer, publishers are let in, and listed when it does", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const { controlApi } = yield* Cluster
      yield* goesWrong(controlApi, { _tag: "Silent" })
      const key = yield* newKey()
      const heard = yield* listen
      yield* deployment.encode(targetOf(key, "rtsp"))
      const said = yield* heard.first("yes", (line) => line.stream_key_id === key.id)
      assert.strictEqual(said.decision, "allow")
      yield* isRefusedWith(key, "rtsp", "stream_key_in_use")
      yield* controlApi.fault(null)
      const { value, millis } = yield* listed(key)
      assert.strictEqual(value.source_id, said.source_id)
      deployment.measure({ what: "control API back to listed", of: "rtsp", promised: 5_000, millis })
    })
  )

  it.effect("whatever the control API says, nobody is taken off the air who is on it", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const { api } = deployment.service
      const { controlApi } = yield* Cluster
      const live = yield* Effect.forEach(
        ["rtmp", "rtsp", "srt"] as const,
        (protocol) => Effect.flatMap(newKey(), (key) => goOnAir(key, protocol)),
        { concurrency: 3 }
      )
      const one = live[0]!.stream
      for (const { what, fault, blind } of troubles) {
        const said = yield* saidOfSeeing
        yield* goesWrong(controlApi, fault)
        const known = blind && !/hangs in|swallows/.test(what)
        yield* known
          ? waitFor(`it knows that it is blind: ${what}`, yield* isUnreachable, 3_000)
          : Effect.sleep(TROUBLE_LASTS)
        if (known) {
          const shown = Effect.map(degraded, (kinds) => (kinds.length > 0 ? kinds : undefined))
          const { value: kinds } = yield* waitFor(`the gauge shows it: ${what}`, shown, 3_000)
          assert.lengthOf(kinds, 1, what)
          assert.match(kinds[0]!, /^media_server_(unreachable|refused|nonsense)$/, what)
          yield* Effect.sleep(ANOTHER_LOOK)
        }
        const during = yield* api.stream(one.id)
        yield* controlApi.fault(null)
        const cleared = performance.now()
        const confirmed = Effect.map(api.stream(one.id), ({ state_as_of }) =>
          state_as_of !== during.state_as_of ? true : undefined
        )
        yield* waitFor(`it sees again after: ${what}`, confirmed, 5_000)
        const millis = performance.now() - cleared
        const over = Effect.map(Effect.all([said, degraded]), ([lines, kinds]) =>
          lines.at(-1) !== BLIND && kinds.length === 0 ? lines : undefined
        )
        const { value: lines } = yield* waitFor(`it says that it is over: ${what}`, over, 3_000)
        // Calls that hang may be noticed in so short a time, and may not.
        if (known || lines.length > 0) assert.deepStrictEqual(lines, [BLIND, SEES], what)
        if (blind)
          deployment.measure({ what: `control API ${what}: over to seen again`, of: "", promised: 5_000, millis })
        for (const { stream, encoder } of live) {
          const now = yield* api.stream(stream.id)
          assert.deepStrictEqual([now.status, now.source_id], ["active", stream.source_id], what)
          assert.isFalse(encoder.hasEnded(), what)
        }
      }
      for (const onAir of live) {
        assert.deepStrictEqual(yield* eventsOf(onAir.stream.id), ["admitted", "ready"])
        yield* goesOn(onAir)
      }
    })
  )

  it.effect("revoked while the control API fails: answered in time, and done when it works again", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const { api } = deployment.service
      const { controlApi } = yield* Cluster
      const onAir = yield* goOnAir(yield* newKey(), "rtsp")
      yield* goesWrong(controlApi, { _tag: "Status", status: 500 })
      const { status, millis } = yield* api.call("DELETE", `/stream-keys/${onAir.key.id}`)
      assert.strictEqual(status, 202)
      deployment.measure({ what: "revoke, control API failing, to its answer", of: "", promised: 2_500, millis })
      yield* controlApi.fault(null)
      yield* isDone(onAir.key, "control API works again to revoke done")
      yield* isOver(onAir, "revoked")
      yield* onAir.encoder.ended
    })
  )

  it.effect("a kick that lands late hits nobody who came after", () =>
    Effect.gen(function* () {
      const { api } = (yield* TestDeployment).service
      const { controlApi } = yield* Cluster
      const onAir = yield* goOnAir(yield* newKey(), "srt")
      yield* goesWrong(controlApi, { _tag: "Slow", by: "3 seconds", only: "/kick/" })
      const { status } = yield* api.call("DELETE", `/streams/${onAir.stream.id}`)
      assert.strictEqual(status, 202)
      yield* onAir.encoder.ended
      yield* isOver(onAir, "stopped")
      const again = yield* goOnAir(onAir.key, "srt")
      yield* Effect.sleep("3500 millis")
      yield* controlApi.fault(null)
      yield* goesOn(again)
      assert.deepStrictEqual(yield* eventsOf(again.stream.id), ["admitted", "ready"])
    })
  )

  it.effect("an answer of /auth that comes when the media server has given up leaves the key free", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const { api } = deployment.service
      const { relay, stage } = yield* Cluster
      const key = yield* newKey()
      const heard = yield* listen
      yield* goesWrong(relay, { _tag: "AnsweredLate", by: stage.authTimeout + 500, only: '"action":"publish"' })
      const encoder = yield* deployment.encode(targetOf(key, "rtmp"))
      yield* heard.first("yes", (line) => line.stream_key_id === key.id && line.decision === "allow")
      const [stream] = yield* api.streams(`status=connecting&stream_key_id=${key.id}`)
      assert.isDefined(stream)
      yield* encoder.ended
      yield* relay.fault(null)
      yield* isOver({ key, encoder, stream }, "never_ready")
      yield* goOnAir(key, "rtmp")
    })
  )

  for (const how of ["killed", "stopped"] as const) {
    it.effect(
      `a media server that is ${how} and started in the middle of a look: the new process is believed alone`,
      () =>
        Effect.gen(function* () {
          const deployment = yield* TestDeployment
          const { api } = deployment.service
          const { controlApi, stage } = yield* Cluster
          const all: Array<Returning> = []
          for (const protocol of ["rtmp", "rtsp", "srt"] as const) {
            const key = yield* newKey()
            all.push({ key, protocol, tries: yield* keepPublishing(targetOf(key, protocol)) })
          }
          const live = yield* allListed(all, new Set(), 10_000)
          const before = new Set([...live.values()].map(({ stream }) => stream.id))
          yield* Effect.sleep("1 second")
          const looks = controlApi.count("/v3/paths/list")
          yield* goesWrong(controlApi, { _tag: "Slow", by: "700 millis", only: "/v3/paths/list" })
          const looking = Effect.sync(() => (controlApi.count("/v3/paths/list") > looks ? true : undefined))
          yield* waitFor("it looks", looking, 2_000)
          yield* how === "killed" ? deployment.mediaServer.kill : stage.stop
          yield* deployment.mediaServer.start
          yield* deployment.mediaServer.back
          const back = performance.now()
          yield* allListed(all, before, 5_000 + LISTED_WITHIN_MS)
          deployment.measure({
            what: `media server ${how} in mid-look, back to all listed`,
            of: "",
            promised: null,
            millis: performance.now() - back
          })
          yield* controlApi.fault(null)
          for (const id of before) {
            const over = yield* api.stream(id)
            assert.strictEqual(over.status, "inactive")
            assert.oneOf(over.end_reason, ["media_server_restarted", "disconnected"])
          }
        })
    )
  }
}
