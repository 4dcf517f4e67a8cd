/** What the simulator does otherwise than 1.20.1 when it is another version. That the real ones do so is for `differential.test.ts` and the laws. */
import { assert, describe, it } from "@effect/vitest"
import { eventually } from "@greenroom/testing"
import { Deferred, Effect, Fiber } from "effect"
import { authServer } from "../../../verification/worlds/authServer.ts"
import { type AuthQuestion, questionsOf } from "../src/AuthQuestion.ts"
import { SimulatorHttp } from "../src/httpServer.ts"
import { factsOf, Simulator, World } from "../src/index.ts"
import { isAtLeast } from "../src/versions.ts"

const quick = { readyAfter: { rtmp: 5, srt: 5, webrtc: 5, rtsp: 5 }, denialDelay: 20, off: [] } as const
const rtsp = { protocol: "rtsp", path: "live/a", user: "any", password: "key" } as const

const get = (simulator: SimulatorHttp.SimulatorServer, path: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${simulator.apiUrl}${path}`)
    const text = await response.text()
    return { status: response.status, text, body: text.startsWith("{") ? JSON.parse(text) : text }
  })

it("versions are compared number by number", () => {
  assert.isTrue(isAtLeast("1.10.0", "1.9.3"))
  assert.isTrue(isAtLeast("1.20.1", "1.20.1"))
  assert.isFalse(isAtLeast("1.9.3", "1.10.0"))
  assert.isFalse(isAtLeast("1.19.2", "1.19.3"))
  assert.isTrue(isAtLeast("v1.20.2-head", "1.20.1"))
  assert.throws(() => isAtLeast("newest", "1.20.1"))
})

describe("simulator at another version: RTSP ids", () => {
  for (const version of ["1.9.3", "1.12.3", "1.16.3", "1.19.2", "1.19.3"]) {
    it.live(
      `${version}: /auth gets the id of the ${factsOf(version).rtspAuthId}, and the list of connections maps it`,
      () =>
        Effect.gen(function* () {
          const asked = new Set<string | null>()
          const authenticate = ({ id, password }: { readonly id: string | null; readonly password: string }) =>
            Effect.sync(() => asked.add(id)).pipe(Effect.as(password === "key"))
          const simulator = yield* SimulatorHttp.make({ ...quick, version })
          yield* simulator.media.authenticateWith(authenticate)
          const others = [
            yield* simulator.publish({ ...rtsp, path: "live/b" }),
            yield* simulator.publish({ ...rtsp, path: "live/c" })
          ]
          for (const other of others) assert.isTrue(yield* other.ready)
          asked.clear()
          const publisher = yield* simulator.publish(rtsp)
          assert.isTrue(yield* publisher.ready)
          assert.deepStrictEqual([...asked], [publisher.authId])
          assert.strictEqual(publisher.authId === publisher.id, factsOf(version).rtspAuthId === "session")
          const sessions = (yield* get(simulator, "/v3/rtspsessions/list")).body.items
          const connections = (yield* get(simulator, "/v3/rtspconns/list")).body.items
          const session = sessions.find(({ id }: { id: string }) => id === publisher.id)
          const own = connections.filter(({ remoteAddr }: { remoteAddr: string }) => remoteAddr === session.remoteAddr)
          assert.lengthOf(own, 1)
          assert.strictEqual(own[0].session, isAtLeast(version, "1.11.0") ? publisher.id : undefined)
          assert.deepStrictEqual(session.conns, isAtLeast(version, "1.16.2") ? [own[0].id] : undefined)
          if (factsOf(version).rtspAuthId === "connection") assert.strictEqual(own[0].id, publisher.authId)
          assert.strictEqual((yield* get(simulator, "/v3/paths/get/live/a")).body.source.id, publisher.id)
          assert.strictEqual((yield* get(simulator, `/v3/rtspconns/get/${own[0].id}`)).body.id, own[0].id)
          assert.strictEqual(
            (yield* get(simulator, `/v3/rtspconns/get/${publisher.id}`)).body.error,
            "connection not found"
          )
        })
    )
  }
})

describe("simulator at another version: the auth call", () => {
  it("the body has `token` from 1.12.3 and `userAgent` from 1.19.0", () =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          for (const version of ["1.12.2", "1.12.3", "1.18.0", "1.19.0"]) {
            const auth = yield* authServer()
            const simulator = yield* SimulatorHttp.make({ ...quick, version, authHttpAddress: auth.address })
            assert.isTrue(
              yield* (yield* simulator.publishAsked({ protocol: "rtmp", path: "live/a", token: "K" })).admitted
            )
            const [body] = yield* auth.bodies
            assert.strictEqual("token" in body!, isAtLeast(version, "1.12.3"))
            assert.strictEqual("userAgent" in body!, isAtLeast(version, "1.19.0"))
            assert.strictEqual(body!.query, "token=K")
          }
        })
      )
    ))

  it("a bearer is `jwt=` in the query up to 1.12.2, and `token` since", () => {
    const whip = { id: "i", action: "publish", protocol: "webrtc", path: "live/a", token: "K", query: "a=b" } as const
    const asked = (version: string) => questionsOf(whip, factsOf(version)).map(({ query, token }) => [query, token])
    assert.deepStrictEqual(asked("1.12.2"), [["a=b&jwt=K", ""]])
    assert.deepStrictEqual(asked("1.12.3"), [["a=b", "K"]])
  })

  it("RTMP's `?token=` is `token` from 1.18.0, as the password is", () => {
    const rtmp = { id: "i", action: "publish", protocol: "rtmp", path: "live/a" } as const
    const token = (version: string, query: string) => questionsOf({ ...rtmp, query }, factsOf(version))[0]?.token
    assert.deepStrictEqual([token("1.17.1", "token=K"), token("1.18.0", "token=K")], ["", "K"])
    assert.deepStrictEqual([token("1.17.1", "user=a&pass=K"), token("1.18.0", "user=a&pass=K")], ["", "K"])
  })

  it.live("a silent auth blocks everybody behind it up to 1.16.0, and is given up since", () =>
    Effect.gen(function* () {
      for (const version of ["1.16.0", "1.16.1"]) {
        const answer = yield* Deferred.make<boolean>()
        const simulator = yield* SimulatorHttp.make({ ...quick, version, authTimeout: 50 })
        yield* simulator.media.authenticateWith(({ path }) =>
          path === "live/silent" ? Deferred.await(answer) : Effect.succeed(true)
        )
        const silent = yield* simulator.publish({ protocol: "rtmp", path: "live/silent" })
        const behind = yield* simulator.publish({ protocol: "srt", path: "live/behind" })
        const paths = yield* Effect.forkChild(get(simulator, "/v3/paths/list"))
        const givenUp = yield* Effect.raceFirst(silent.admitted, Effect.as(Effect.sleep(500), "not given up" as const))
        if (version === "1.16.1") {
          assert.isFalse(givenUp)
          assert.isTrue(yield* behind.admitted)
        } else {
          assert.strictEqual(givenUp, "not given up")
          assert.isUndefined(paths.pollUnsafe())
          yield* Deferred.succeed(answer, true)
          assert.isTrue(yield* silent.admitted)
          assert.isTrue(yield* behind.admitted)
        }
        assert.strictEqual((yield* Fiber.join(paths)).status, 200)
      }
    })
  )
})

describe("simulator at another version: the control API", () => {
  it.live("there is no /v3/info before 1.15.2, and no list of MoQ before 1.19.0", () =>
    Effect.gen(function* () {
      const noRoute = "404 page not found"
      for (const version of ["1.15.1", "1.15.2", "1.18.2", "1.19.0"]) {
        const simulator = yield* SimulatorHttp.make({ ...quick, version })
        const info = yield* get(simulator, "/v3/info")
        if (isAtLeast(version, "1.15.2")) assert.strictEqual(info.body.version, `v${version}`)
        else assert.strictEqual(info.text, noRoute)
        const moq = yield* get(simulator, "/v3/moqsessions/list")
        if (isAtLeast(version, "1.19.0")) assert.strictEqual(moq.body.itemCount, 0)
        else assert.strictEqual(moq.text, noRoute)
      }
    })
  )

  it.live("a publisher is the source of its path as soon as it is admitted, up to 1.13.0", () =>
    Effect.gen(function* () {
      const simulator = yield* SimulatorHttp.make({ ...quick, version: "1.12.3" })
      const publisher = yield* simulator.publishAsked({ ...rtsp, stall: true })
      const { body } = yield* get(simulator, "/v3/paths/get/live/a")
      assert.deepStrictEqual([body.ready, body.source.id, body.tracks], [false, publisher.id, []])
      assert.strictEqual((yield* get(simulator, "/v3/rtspsessions/list")).body.items[0].state, "publish")
      yield* publisher.record
      const ready = yield* eventually(
        { wait: Effect.sleep },
        get(simulator, "/v3/paths/get/live/a"),
        ({ body }) => body.ready
      )
      assert.lengthOf(ready.body.tracks, 2)
    })
  )

  it.live("1.21 has new names beside the old, and a later release may have them alone", () =>
    Effect.gen(function* () {
      const names = [
        ["rtmpconns/list", "rtmp/conns/list"],
        ["rtspsessions/list", "rtsp/sessions/list"],
        ["rtspconns/list", "rtsp/conns/list"],
        ["srtconns/list", "srt/conns/list"],
        ["webrtcsessions/list", "webrtc/sessions/list"],
        ["moqsessions/list", "moq/sessions/list"],
        ["config/pathdefaults/get", "config/path-defaults/get"]
      ] as const
      const servers = [
        { simulator: yield* SimulatorHttp.make(quick), answers: [200, 404] },
        { simulator: yield* SimulatorHttp.make({ ...quick, version: "1.21.1" }), answers: [200, 200] },
        { simulator: yield* SimulatorHttp.make({ ...quick, version: "1.22.0", names: "new" }), answers: [404, 200] }
      ]
      for (const { simulator, answers } of servers) {
        for (const pair of names) {
          const statuses = yield* Effect.forEach(pair, (name) => get(simulator, `/v3/${name}`))
          assert.deepStrictEqual(
            statuses.map(({ status }) => status),
            answers
          )
        }
      }
    })
  )
})

describe("what versions show of viewers", () => {
  const asked = Effect.fnUntraced(function* (version: string, protocol: "rtsp" | "hls") {
    const questions: Array<AuthQuestion> = []
    const media = yield* Simulator.make({
      version,
      authenticate: (question) =>
        Effect.sync(() => question.action === "publish" || (questions.push(question) > 0 && question.password !== ""))
    })
    assert.isTrue(yield* (yield* media.publishAsked({ protocol: "rtsp", path: "live/a", readyAfter: 0 })).ready)
    const viewer = yield* media.read({ protocol, path: "live/a", user: "bob", password: "rd" })
    const { id } = World.readersOf(yield* media.world, "live/a")[0]!
    assert.strictEqual(id, viewer.id)
    return { id, ids: questions.map((question) => question.id), users: questions.map(({ user }) => user) }
  })

  it.effect("over RTSP the session's id is in the last question since 1.19.3, and in none before", () =>
    Effect.gen(function* () {
      const newer = yield* asked("1.20.1", "rtsp")
      assert.deepStrictEqual(newer.users, ["", "bob", "bob"])
      assert.deepStrictEqual([newer.ids[0] === newer.ids[1], newer.ids[2]], [true, newer.id])
      assert.notStrictEqual(newer.ids[0], newer.id)
      const older = yield* asked("1.19.2", "rtsp")
      assert.strictEqual(new Set(older.ids).size, 1)
      assert.notInclude(older.ids, older.id)
    })
  )

  it.effect("over HLS there are sessions since 1.18.0; before that the muxer is the reader, without an id", () =>
    Effect.gen(function* () {
      const newer = yield* asked("1.18.0", "hls")
      assert.deepStrictEqual(newer.users, ["", "bob"])
      assert.strictEqual(newer.ids[1], newer.id)
      assert.notStrictEqual(newer.ids[0], newer.id)
      const older = yield* asked("1.17.1", "hls")
      assert.deepStrictEqual(older.ids, [null, null])
    })
  )
})
