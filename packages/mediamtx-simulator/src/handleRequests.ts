/** One request to the simulated control API over HTTP: faults, authentication, and the answer as MediaMTX sends it. */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import type { ViewerProtocol } from "@greenroom/core"
import { Effect, Fiber, type Scope } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { type AuthQuestion, withBearer } from "./AuthQuestion.ts"
import type { Authenticate } from "./authQueue.ts"
import type { Fault } from "./Fault.ts"
import { isRtspProtocol } from "./families.ts"
import { type ApiReply, type ApiRequest, type ApiRoute, type ApiServer, routeOf } from "./SimulatorApi.ts"
import type { VersionFacts } from "./versions.ts"

export interface SimulatorRequest {
  readonly method: string
  readonly url: string
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

/** Counts the calls about RTSP sessions that ran beside a kick of one, or were such a kick. */
export const makeOverlapCounter = () => {
  const running: Array<{ readonly protocol: ViewerProtocol; readonly kick: boolean }> = []
  let overlaps = 0
  return {
    count: () => overlaps,
    around: (route: ApiRoute, effect: Effect.Effect<ApiReply>) => {
      if (route._tag !== "List" || !isRtspProtocol(route.protocol)) return effect
      const { protocol, verb } = route
      return Effect.suspend(() => {
        const call = { protocol, kick: verb === "kick" }
        overlaps += running.filter((one) => one.protocol === protocol && (one.kick || call.kick)).length
        running.push(call)
        return Effect.ensuring(
          effect,
          Effect.sync(() => {
            running.splice(running.indexOf(call), 1)
          })
        )
      })
    }
  }
}

export interface HandlerOptions {
  readonly server: ApiServer
  readonly api: (request: ApiRequest) => Effect.Effect<ApiReply>
  readonly authenticate: Authenticate
  readonly denialDelay: number
  readonly faultOf: (url: string) => Fault | null
  readonly asked: (request: SimulatorRequest) => void
  readonly overlaps: ReturnType<typeof makeOverlapCounter>
  readonly scope: Scope.Scope
}

export const makeHandler = ({
  server,
  api,
  authenticate,
  denialDelay,
  faultOf,
  asked,
  overlaps,
  scope
}: HandlerOptions) => {
  const { facts } = server
  const unauthorized: ApiReply = {
    status: 401,
    body: facts.unauthorizedBody ? { status: "error", error: "authentication error" } : null
  }
  /** A handler of MediaMTX runs to its end, whether or not its client still listens. */
  const toItsEnd = <A>(effect: Effect.Effect<A>) => Effect.flatMap(Effect.forkIn(effect, scope), Fiber.join)

  return Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const url = new URL(request.url, "http://simulator")
    asked({ method: request.method, url: request.url })
    const trouble = faultOf(request.url)
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
      yield* Effect.sleep(denialDelay)
      return respond(unauthorized)
    }
    const body = yield* Effect.orElseSucceed(request.text, () => "")
    const path = decodeURIComponent(url.pathname)
    const slow = trouble?._tag === "Slow" ? Effect.sleep(trouble.by) : Effect.void
    const answered = Effect.andThen(slow, api({ method: request.method, path, query: url.searchParams, body }))
    const reply = yield* toItsEnd(overlaps.around(routeOf(request.method, path, server), answered))
    if (trouble?._tag === "Garbage") return respond({ status: 200, body: "<html>welcome</html>" })
    return respond(trouble?._tag === "HalfList" ? halved(reply) : reply)
  })
}
