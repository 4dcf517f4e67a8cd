/**
 * A simulated MediaMTX on a port of 127.0.0.1: the control API in front of a `Simulator`, asking an HTTP auth server as the real
 * one does, running hooks, and failing in every way that a test sets. It is trusted because it passes the suite of laws that the
 * real one passes, at each version of which there was a real one. Media does not flow: a publisher is what `publish` describes.
 */
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type { ViewerProtocol } from "@greenroom/core"
import { Effect, Exit, Scope } from "effect"
import type { HttpServerRequest, HttpServerResponse } from "effect/http"
import type { AuthQuestion } from "./AuthQuestion.ts"
import { answerRequests } from "./answerRequests.ts"
import type { Authenticate } from "./authQueue.ts"
import type { Fault } from "./Fault.ts"
import { type HookOptions, runHooks } from "./Hooks.ts"
import { makeHandler, makeOverlapCounter, type SimulatorRequest } from "./handleRequests.ts"
import { httpAuthenticate } from "./httpAuthenticate.ts"
import * as Simulator from "./Simulator.ts"
import type { ApiServer } from "./SimulatorApi.ts"

export interface SimulatorHttpOptions extends Simulator.SimulatorOptions {
  /** MediaMTX's `authHTTPAddress`; without it and without `authenticate`, every client is admitted without a call. */
  readonly authHttpAddress?: string
  /** Actions that are allowed without asking, as MediaMTX's `authHTTPExclude`. */
  readonly authExclude?: ReadonlyArray<AuthQuestion["action"]>
  /** Protocols that are off; RTMPS and RTSPS by default. MoQ is off in versions that do not know it. */
  readonly off?: ReadonlyArray<ViewerProtocol>
  readonly hooks?: HookOptions
}

export interface SimulatorServer
  extends Pick<Simulator.Simulator["Service"], "publish" | "publishAsked" | "read" | "preflight" | "until" | "world"> {
  readonly apiUrl: string
  readonly media: Simulator.Simulator["Service"]
  readonly authenticateAt: (address: string) => Effect.Effect<void>
  readonly fault: (fault: Fault | null) => Effect.Effect<void>
  readonly switchOff: (off: ReadonlyArray<ViewerProtocol>) => Effect.Effect<void>
  /** Until `start` it does not listen and no client is connected. */
  readonly stop: Effect.Effect<void>
  readonly start: Effect.Effect<void>
  readonly restart: Effect.Effect<void>
  /** What the control API was asked, oldest first. */
  readonly requests: Effect.Effect<ReadonlyArray<SimulatorRequest>>
  /** How many calls about RTSP sessions ran beside a kick of one, or were such a kick: each could have crashed the real one. */
  readonly rtspOverlaps: Effect.Effect<number>
}

/** Interruptible, because a handler is not by default: one that hangs must not outlive its client or the server. */
const listen = Effect.fnUntraced(function* (
  handle: Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest>,
  port: number,
  own: Scope.Closeable
) {
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
  return (server.address() as AddressInfo).port
})

/** Listens from now on, on the same port after each start. While it is stopped, MediaMTX is. */
const makeListener = Effect.fnUntraced(function* (
  handle: Parameters<typeof listen>[0],
  media: Simulator.Simulator["Service"],
  scope: Scope.Scope
) {
  let listening: Scope.Closeable | undefined
  const listenOn = Effect.fnUntraced(function* (wanted: number) {
    const own = yield* Scope.fork(scope)
    const given = yield* listen(handle, wanted, own)
    listening = own
    return given
  })
  const port = yield* listenOn(0)
  const stop = Effect.gen(function* () {
    if (listening === undefined) return
    const own = listening
    listening = undefined
    yield* Scope.close(own, Exit.void)
    yield* media.stop
  })
  const start = Effect.gen(function* () {
    if (listening !== undefined) return
    yield* media.start
    yield* listenOn(port)
  })
  return { port, stop, start }
})

export const make = Effect.fnUntraced(function* (
  options: SimulatorHttpOptions = {}
): Effect.fn.Return<SimulatorServer, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const media = yield* Simulator.make(options)
  const { facts, readTimeout, denialDelay } = (yield* media.world).options
  const excluded = new Set(options.authExclude ?? [])
  let decide = options.authenticate ?? (() => Effect.succeed(true))
  let off = new Set<ViewerProtocol>(options.off ?? ["rtmps", "rtsps"])
  let fault: Fault | null = null
  const requests: Array<SimulatorRequest> = []

  const authenticate: Authenticate = (question) =>
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

  const isOn = (protocol: ViewerProtocol) => !off.has(protocol) && (protocol !== "moq" || facts.moq)
  const configured = {
    authHTTPAddress: options.authHttpAddress ?? "",
    authHTTPExclude: [...excluded].map((action) => ({ action, path: "" })),
    readTimeout: `${readTimeout / 1_000}s`
  }
  const apiServer: ApiServer = { facts, isOn, configured, items: "whole" }

  const overlaps = makeOverlapCounter()
  const handle = makeHandler({
    server: apiServer,
    api: answerRequests(media, apiServer),
    authenticate,
    denialDelay,
    faultOf: (url) => (fault !== null && url.includes(fault.only ?? "") ? fault : null),
    asked: (request) => void requests.push(request),
    overlaps,
    scope
  })

  const { port, stop, start } = yield* makeListener(handle, media, scope)

  return {
    apiUrl: `http://127.0.0.1:${port}`,
    media,
    ...media,
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
    rtspOverlaps: Effect.sync(overlaps.count)
  }
})
