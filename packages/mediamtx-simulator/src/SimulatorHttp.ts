/**
 * A simulated MediaMTX on a port of 127.0.0.1: the control API in front of a `Simulator`, asking an HTTP auth server as the real
 * one does, running hooks, and failing in every way that it is told. It is trusted because it passes the suite of laws that the
 * real one passes, at each version of which there was a real one. Media does not flow: a publisher is what `publish` says it is.
 */
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import type { Protocol } from "@greenroom/core"
import { familyOf } from "@greenroom/core"
import { Effect, Exit, Fiber, Scope } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { type AuthQuestion, withBearer } from "./AuthQuestion.ts"
import { answerRequests } from "./answerRequests.ts"
import type { Fault } from "./Fault.ts"
import { type HookOptions, runHooks } from "./Hooks.ts"
import { httpAuthenticate } from "./httpAuthenticate.ts"
import * as Simulator from "./Simulator.ts"
import { type ApiReply, type ApiServer, routeOf } from "./SimulatorApi.ts"
import type { VersionFacts } from "./versions.ts"

export interface SimulatorHttpOptions extends Simulator.SimulatorOptions {
  /** MediaMTX's `authHTTPAddress`; nobody is asked, and everybody let in, without it and without `authenticate`. */
  readonly authHttpAddress?: string
  /** Actions that are allowed without asking, as MediaMTX's `authHTTPExclude`. */
  readonly authExclude?: ReadonlyArray<AuthQuestion["action"]>
  /** Protocols that are off; RTMPS and RTSPS by default. MoQ is off in versions that do not know it. */
  readonly off?: ReadonlyArray<Protocol>
  readonly hooks?: HookOptions
}

export interface SimulatorRequest {
  readonly method: string
  readonly url: string
}

export interface SimulatorServer
  extends Pick<Simulator.Simulator["Service"], "publish" | "publishAsked" | "read" | "preflight" | "until" | "world"> {
  readonly apiUrl: string
  readonly media: Simulator.Simulator["Service"]
  readonly authenticateAt: (address: string) => Effect.Effect<void>
  readonly fault: (fault: Fault | null) => Effect.Effect<void>
  readonly switchOff: (off: ReadonlyArray<Protocol>) => Effect.Effect<void>
  /** Nobody listens, nobody is connected, until `start`. */
  readonly stop: Effect.Effect<void>
  readonly start: Effect.Effect<void>
  readonly restart: Effect.Effect<void>
  /** What the control API was asked, oldest first. */
  readonly requests: Effect.Effect<ReadonlyArray<SimulatorRequest>>
  /** How many calls about RTSP sessions ran beside a kick of one, or were such a kick: each could have crashed the real one. */
  readonly rtspOverlaps: Effect.Effect<number>
}

/** The question about a call of the API itself. */
const questionOf = (request: HttpServerRequest.HttpServerRequest, inUrl: string, facts: VersionFacts): AuthQuestion => {
  const [scheme = "", value = ""] = (request.headers.authorization ?? "").split(" ")
  const pair = scheme === "Basic" ? Buffer.from(value, "base64").toString() : scheme === "Bearer" ? value : ""
  const colon = pair.indexOf(":")
  const [user, password] = colon === -1 ? ["", ""] : [pair.slice(0, colon), pair.slice(colon + 1)]
  const bearer = scheme === "Bearer" && colon === -1 ? pair : ""
  const token = facts.authToken === "absent" ? "" : bearer || (facts.authToken === "bearer" ? "" : password)
  const query = facts.authToken === "absent" && bearer !== "" ? withBearer(inUrl, bearer) : inUrl
  const nowhere = { action: "api", path: "", protocol: "", id: null, userAgent: "" } as const
  return { ip: "127.0.0.1", user, password, token, ...nowhere, query }
}

const respond = ({ status, body }: ApiReply, headers: Readonly<Record<string, string>> = {}) => {
  if (body === null) return HttpServerResponse.empty({ status, headers: { server: "mediamtx", ...headers } })
  const text = typeof body === "string" ? body : JSON.stringify(body)
  const contentType = typeof body === "string" ? "text/plain" : "application/json; charset=utf-8"
  return HttpServerResponse.text(text, { status, contentType, headers: { server: "mediamtx", ...headers } })
}

const halved = (reply: ApiReply): ApiReply => {
  if (reply.body === null || typeof reply.body === "string" || !Array.isArray(reply.body.items)) return reply
  const { items } = reply.body as { items: ReadonlyArray<unknown> }
  return { ...reply, body: { ...reply.body, items: items.slice(0, Math.floor(items.length / 2)) } }
}

export const make = Effect.fnUntraced(function* (
  options: SimulatorHttpOptions = {}
): Effect.fn.Return<SimulatorServer, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const media = yield* Simulator.make(options)
  const { facts, readTimeout } = (yield* media.world).options
  const unauthorized: ApiReply = {
    status: 401,
    body: facts.unauthorizedBody ? { status: "error", error: "authentication error" } : null
  }
  const excluded = new Set(options.authExclude ?? [])
  let decide = options.authenticate ?? (() => Effect.succeed(true))
  let off = new Set<Protocol>(options.off ?? ["rtmps", "rtsps"])
  let fault: Fault | null = null
  let listening: { readonly port: number; readonly scope: Scope.Closeable } | undefined
  const rtspRunning: Array<{ readonly protocol: Protocol; readonly kick: boolean }> = []
  let rtspOverlaps = 0
  const requests: Array<SimulatorRequest> = []

  const authenticate: Simulator.Authenticate = (question) =>
    excluded.has(question.action) ? Effect.succeed(true) : Effect.suspend(() => decide(question))
  const authenticateAt = Effect.fnUntraced(function* (address: string) {
    decide = httpAuthenticate(address, (yield* media.world).options.authTimeout, facts)
  })
  yield* media.authenticateWith(authenticate)
  if (options.authHttpAddress !== undefined) yield* authenticateAt(options.authHttpAddress)
  if (options.hooks !== undefined) yield* runHooks(media, options.hooks)
  yield* Effect.forkIn(
    media.until<never>(() => undefined),
    scope
  )

  const isOn = (protocol: Protocol) => !off.has(protocol) && (protocol !== "moq" || facts.moq)
  const configured = {
    authHTTPAddress: options.authHttpAddress ?? "",
    authHTTPExclude: [...excluded].map((action) => ({ action, path: "" })),
    readTimeout: `${readTimeout / 1_000}s`
  }
  const apiServer: ApiServer = { facts, isOn, configured, items: "whole" }
  const api = answerRequests(media, apiServer)

  /** A handler of MediaMTX runs to its end, whether or not its client still listens. */
  const toItsEnd = <A>(effect: Effect.Effect<A>) => Effect.flatMap(Effect.forkIn(effect, scope), Fiber.join)

  const counted = (method: string, path: string, effect: Effect.Effect<ApiReply>) => {
    const route = routeOf(method, path, apiServer)
    if (route._tag !== "List" || familyOf(route.protocol) !== "rtsp") return effect
    const { protocol, verb } = route
    return Effect.suspend(() => {
      const call = { protocol, kick: verb === "kick" }
      rtspOverlaps += rtspRunning.filter((one) => one.protocol === protocol && (one.kick || call.kick)).length
      rtspRunning.push(call)
      return Effect.ensuring(
        effect,
        Effect.sync(() => {
          rtspRunning.splice(rtspRunning.indexOf(call), 1)
        })
      )
    })
  }

  const handle = Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const url = new URL(request.url, "http://simulator")
    requests.push({ method: request.method, url: request.url })
    const trouble = fault !== null && request.url.includes(fault.only ?? "") ? fault : null
    if (trouble?._tag === "Frozen") return yield* Effect.never
    if (trouble?._tag === "HangUp") {
      NodeHttpServerRequest.toIncomingMessage(request).socket.destroy()
      return yield* Effect.never
    }
    if (trouble?._tag === "Status") {
      const location = trouble.location === undefined ? {} : { location: trouble.location }
      return respond({ status: trouble.status, body: trouble.body ?? "" }, location)
    }
    const question = questionOf(request, url.search.slice(1), facts)
    if (!(yield* authenticate(question))) {
      if (question.token === "" && question.user === "") {
        return respond(unauthorized, { "www-authenticate": 'Basic realm="mediamtx"' })
      }
      yield* Effect.sleep((yield* media.world).options.denialDelay)
      return respond(unauthorized)
    }
    const body = yield* Effect.orElseSucceed(request.text, () => "")
    const path = decodeURIComponent(url.pathname)
    const slow = trouble?._tag === "Slow" ? Effect.sleep(trouble.by) : Effect.void
    const answered = Effect.andThen(slow, api({ method: request.method, path, query: url.searchParams, body }))
    const reply = yield* toItsEnd(counted(request.method, path, answered))
    if (trouble?._tag === "Garbage") return respond({ status: 200, body: "<html>welcome</html>" })
    return respond(trouble?._tag === "HalfList" ? halved(reply) : reply)
  })

  /** Interruptible, because a handler is not by default: one that hangs must not outlive its client or the server. */
  const listen = Effect.fnUntraced(function* (port: number) {
    const own = yield* Scope.fork(scope)
    const handler = yield* NodeHttpServer.makeHandler(Effect.interruptible(handle), { scope: own })
    const server = Http.createServer(handler)
    yield* Scope.addFinalizer(
      own,
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
    )
    yield* Effect.callback<void>((resume) => {
      server.once("error", (error) => resume(Effect.die(error)))
      server.listen(port, "127.0.0.1", () => resume(Effect.void))
    })
    listening = { port: (server.address() as AddressInfo).port, scope: own }
    return listening.port
  })

  const port = yield* listen(0)
  const stop = Effect.gen(function* () {
    if (listening === undefined) return
    const { scope: own } = listening
    listening = undefined
    yield* Scope.close(own, Exit.void)
    yield* media.stop
  })
  const start = Effect.gen(function* () {
    if (listening !== undefined) return
    yield* media.start
    yield* listen(port)
  })

  return {
    apiUrl: `http://127.0.0.1:${port}`,
    media,
    publish: media.publish,
    publishAsked: media.publishAsked,
    read: media.read,
    preflight: media.preflight,
    until: media.until,
    world: media.world,
    authenticateAt,
    fault: (next) =>
      Effect.sync(() => {
        fault = next
      }),
    switchOff: (next) =>
      Effect.sync(() => {
        off = new Set(next)
      }),
    stop,
    start,
    restart: Effect.andThen(stop, start),
    requests: Effect.sync(() => [...requests]),
    rtspOverlaps: Effect.sync(() => rtspOverlaps)
  }
})
