/** The control API over a `Simulator`: a call waits where MediaMTX lets it wait, and is answered, and takes effect, at one moment. */
import { Clock, Effect } from "effect"
import type { Simulator } from "./Simulator.ts"
import { type ApiReply, type ApiRequest, type ApiServer, replyTo, routeOf, waitOf } from "./SimulatorApi.ts"

export const answerRequests =
  (media: Simulator["Service"], server: ApiServer) =>
  (request: ApiRequest): Effect.Effect<ApiReply> =>
    Effect.gen(function* () {
      const route = routeOf(request.method, request.path, server)
      const wait = waitOf(route)
      if (wait === "paths") yield* media.pathsAnswer
      if (wait === "rtsp") yield* media.rtspAnswers
      if (wait === "hls") yield* media.hlsAnswers
      const reply = Effect.gen(function* () {
        return replyTo(server, route, request, yield* media.world, yield* Clock.currentTimeMillis)
      })
      let outcome = yield* reply
      // A configuration that is refused is refused at once; one that is taken waits until no auth is pending.
      if (outcome.change !== undefined && route._tag === "PathConfiguration") {
        yield* media.pathsAnswer
        outcome = yield* reply
      }
      if (outcome.change !== undefined) yield* media.change(outcome.change)
      return outcome.reply
    })
