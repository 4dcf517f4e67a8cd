/**
 * The media server beside the service: the simulated one, with publishers that were asked about, are ready and stay. The
 * reconciler's passes look at a list of a realistic length, and each of their calls comes back through `/auth`, as MediaMTX has it.
 */
import type { Protocol } from "@greenroom/core"
import { SimulatorHttp } from "@greenroom/mediamtx-simulator/http"
import { Effect } from "effect"

/** Asks for publishers, one a key, at the auth address. */
export interface PublishThese {
  readonly authHttpAddress: string
  readonly keys: ReadonlyArray<string>
}

export interface LivePublisher {
  readonly id: string
  readonly protocol: Protocol
  readonly path: string
  readonly key: string
}

const protocols = ["rtmp", "srt", "webrtc", "rtsp"] as const

const received = <A>() =>
  Effect.callback<A>((resume) => void process.once("message", (message) => resume(Effect.succeed(message as A))))
const say = (message: unknown) => Effect.sync(() => void process.send?.(message))

const life = Effect.gen(function* () {
  const simulator = yield* SimulatorHttp.make({ readyAfter: { rtmp: 20, srt: 20, webrtc: 20, rtsp: 20 } })
  yield* say(simulator.apiUrl)
  const { authHttpAddress, keys } = yield* received<PublishThese>()
  yield* simulator.authenticateAt(authHttpAddress)
  const live: Array<LivePublisher> = []
  for (const [index, key] of keys.entries()) {
    const protocol = protocols[index % protocols.length]!
    const publisher = yield* simulator.publishAsked({
      protocol,
      path: `live/studio-${index}`,
      user: "any",
      password: key
    })
    if (!(yield* publisher.ready)) return yield* Effect.die(new Error("a publisher was refused"))
    live.push({ id: publisher.id, protocol, path: publisher.path, key })
  }
  yield* say(live)
  return yield* Effect.never
})

Effect.runFork(Effect.scoped(life))
