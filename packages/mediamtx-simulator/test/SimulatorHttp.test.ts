/** The simulator's own habits, which the laws do not ask for: how it asks, how it hangs, how it runs hooks. */
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { eventually } from "@greenroom/testing"
import { Effect, Fiber } from "effect"
import { authServer } from "../../../verification/worlds/authServer.ts"
import { SimulatorHttp } from "../src/httpServer.ts"
import type { AuthQuestion, Hook } from "../src/index.ts"

const quick = { readyAfter: { rtmp: 20, srt: 20, webrtc: 20 }, denialDelay: 50 } as const
const live = { wait: (millis: number) => Effect.sleep(millis) }
const client = { protocol: "rtmp", path: "live/a", user: "any", password: "key" } as const

/** A server that does as it is told, and notes each request and the port that it came from. */
const recorder = (handle: (request: Http.IncomingMessage, body: string, response: Http.ServerResponse) => void) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<Http.Server>((resume) => {
        const server = Http.createServer((request, response) => {
          let body = ""
          request.on("data", (chunk: Buffer) => {
            body += chunk.toString()
          })
          request.on("end", () => handle(request, body, response))
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    ),
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  )

const get = (simulator: SimulatorHttp.SimulatorServer, path: string, headers: Record<string, string> = {}) =>
  Effect.promise(async () => {
    const response = await fetch(`${simulator.apiUrl}${path}`, { headers })
    return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) }
  })

describe("simulator: whom it asks", () => {
  it.live("one publisher at a time, on a new connection each", () =>
    Effect.gen(function* () {
      let inside = 0
      let most = 0
      const ports = new Set<number | undefined>()
      const url = yield* recorder((request, _, response) => {
        ports.add(request.socket.remotePort)
        inside += 1
        most = Math.max(most, inside)
        setTimeout(() => {
          inside -= 1
          response.end()
        }, 15)
      })
      const simulator = yield* SimulatorHttp.make({ ...quick, authHttpAddress: `${url}/auth` })
      const publishers = yield* Effect.forEach([1, 2, 3, 4], (n) => simulator.publish({ ...client, path: `live/${n}` }))
      for (const publisher of publishers) assert.isTrue(yield* publisher.ready)
      assert.strictEqual(most, 1)
      assert.strictEqual(ports.size, 4)
    })
  )

  it.live("an RTSP client with a password twice, under one id, the first time without it", () =>
    Effect.gen(function* () {
      const auth = yield* authServer(({ password }) => Effect.succeed(password === "key"))
      const simulator = yield* SimulatorHttp.make({ ...quick, authHttpAddress: auth.address })
      const publisher = yield* simulator.publish({ ...client, protocol: "rtsp" })
      assert.isTrue(yield* publisher.ready)
      const questions = yield* auth.questions
      assert.deepStrictEqual(
        questions.map(({ id, password }) => [id, password]),
        [
          [publisher.id, ""],
          [publisher.id, "key"]
        ]
      )
    })
  )

  for (const status of [301, 302, 303, 307, 308]) {
    it.live(`it follows a ${status}, and takes the target's 200 for an allow, as the real one does`, () =>
      Effect.gen(function* () {
        const methods: Array<string | undefined> = []
        const url = yield* recorder((request, _, response) => {
          methods.push(request.method)
          if (request.url === "/auth") response.writeHead(status, { Location: "/login" })
          response.end()
        })
        const simulator = yield* SimulatorHttp.make({ ...quick, authHttpAddress: `${url}/auth` })
        const publisher = yield* simulator.publish(client)
        assert.isTrue(yield* publisher.admitted)
        assert.deepStrictEqual(methods, ["POST", status < 304 ? "GET" : "POST"])
      })
    )
  }

  it.live("an auth server that does not answer within the read timeout, or is not there, refuses", () =>
    Effect.gen(function* () {
      const silent = yield* recorder(() => {})
      for (const authHttpAddress of [`${silent}/auth`, "http://127.0.0.1:1/auth"]) {
        const simulator = yield* SimulatorHttp.make({ ...quick, readTimeout: 100, authHttpAddress })
        const publisher = yield* simulator.publish(client)
        assert.isFalse(yield* publisher.admitted)
        assert.isFalse(yield* publisher.ready)
        assert.strictEqual(yield* publisher.closed, "denied")
      }
    })
  )

  it.live("nobody, for a publisher from before auth was configured", () =>
    Effect.gen(function* () {
      const auth = yield* authServer(() => Effect.succeed(false))
      const simulator = yield* SimulatorHttp.make({ ...quick, authHttpAddress: auth.address, authExclude: ["api"] })
      const publisher = yield* simulator.publish({ ...client, unasked: true })
      assert.isTrue(yield* publisher.ready)
      const { body } = yield* get(simulator, "/v3/rtmpconns/list")
      assert.strictEqual(body.items[0].state, "publish")
      assert.deepStrictEqual(yield* auth.questions, [])
    })
  )

  it.live("its own API's callers, too, also while a publisher is being asked about", () =>
    Effect.gen(function* () {
      const auth = yield* authServer(({ action, password }) =>
        action === "api" ? Effect.succeed(password === "secret") : Effect.never
      )
      const simulator = yield* SimulatorHttp.make({ ...quick, authHttpAddress: auth.address })
      yield* simulator.publish(client)
      const basic = (password: string) => ({ authorization: `Basic ${btoa(`any:${password}`)}` })
      assert.strictEqual((yield* get(simulator, "/v3/rtmpconns/list", basic("secret"))).status, 200)
      const wrong = yield* get(simulator, "/v3/info", basic("wrong"))
      assert.deepStrictEqual([wrong.status, wrong.body.error], [401, "authentication error"])
      const none = yield* get(simulator, "/v3/info")
      assert.strictEqual(none.headers.get("www-authenticate"), 'Basic realm="mediamtx"')
    })
  )
})

describe("simulator: where it hangs", () => {
  it.live("paths list and path hang while a publisher is being asked about; other lists and info do not", () =>
    Effect.gen(function* () {
      let answer: (() => void) | undefined
      const authenticate = ({ action }: AuthQuestion) =>
        action === "api"
          ? Effect.succeed(true)
          : Effect.callback<boolean>((resume) => {
              answer = () => resume(Effect.succeed(true))
            })
      const simulator = yield* SimulatorHttp.make({ ...quick, authenticate })
      yield* simulator.publish({ ...client, readyAfter: "1 minute" })
      const hanging = [
        yield* Effect.forkChild(get(simulator, "/v3/paths/list")),
        yield* Effect.forkChild(get(simulator, "/v3/paths/get/live/a"))
      ]
      for (const path of ["/v3/rtmpconns/list", "/v3/srtconns/list", "/v3/rtspsessions/list", "/v3/info"]) {
        assert.strictEqual((yield* get(simulator, path)).status, 200)
      }
      assert.isTrue(hanging.every((fiber) => fiber.pollUnsafe() === undefined))
      answer?.()
      assert.deepStrictEqual(
        (yield* Effect.forEach(hanging, Fiber.join)).map(({ status }) => status),
        [200, 404]
      )
    })
  )
})

describe("simulator: hooks", () => {
  const run = (plan?: (hook: Hook) => ReadonlyArray<number>) =>
    Effect.gen(function* () {
      const seen: Array<{ readonly url: string | undefined; readonly body: Record<string, unknown> }> = []
      const url = yield* recorder((request, body, response) => {
        seen.push({ url: request.url, body: JSON.parse(body) })
        response.writeHead(204).end()
      })
      const hooks = { url: ({ event }: Hook) => `${url}/webhook/${event}`, ...(plan === undefined ? {} : { plan }) }
      const simulator = yield* SimulatorHttp.make({ ...quick, hooks })
      const publisher = yield* simulator.publish({ ...client, query: "user=any&pass=key" })
      assert.isTrue(yield* publisher.ready)
      yield* publisher.drop
      return { seen, publisher }
    })

  it.live("are run when a path becomes ready, and when it stops being so", () =>
    Effect.gen(function* () {
      const { seen, publisher } = yield* run()
      yield* eventually(
        live,
        Effect.sync(() => seen.length),
        (count) => count === 2
      )
      const body = { path: "live/a", source_type: "rtmpConn", source_id: publisher.id, query: "user=any&pass=key" }
      assert.sameDeepMembers(seen, [
        { url: "/webhook/ready", body },
        { url: "/webhook/not-ready", body }
      ])
    })
  )

  it.live("can be lost, doubled, and overtake one another", () =>
    Effect.gen(function* () {
      const { seen } = yield* run(({ event }) => (event === "ready" ? [1_500, 1_500] : [0]))
      yield* eventually(
        live,
        Effect.sync(() => seen.length),
        (count) => count === 3
      )
      assert.deepStrictEqual(
        seen.map(({ url }) => url),
        ["/webhook/not-ready", "/webhook/ready", "/webhook/ready"]
      )
      const lost = yield* run(() => [])
      yield* Effect.sleep(50)
      assert.deepStrictEqual(lost.seen, [])
    })
  )
})

describe("simulator: many", () => {
  it.live("100 publishers are listed", () =>
    Effect.gen(function* () {
      const simulator = yield* SimulatorHttp.make({ ...quick, off: [] })
      const protocols = ["rtmp", "rtsp", "srt", "webrtc"] as const
      const publishers = yield* Effect.forEach(Array.from({ length: 100 }), (_, n) =>
        simulator.publish({ protocol: protocols[n % 4]!, path: `live/${n}`, token: "t" })
      )
      for (const publisher of publishers) assert.isTrue(yield* publisher.ready)
      const { body } = yield* get(simulator, "/v3/paths/list?itemsPerPage=1000")
      assert.lengthOf(body.items, 100)
      const page = yield* get(simulator, "/v3/paths/list?itemsPerPage=30&page=3")
      assert.deepStrictEqual([page.body.itemCount, page.body.pageCount, page.body.items.length], [100, 4, 10])
    })
  )
})
