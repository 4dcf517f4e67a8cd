/**
 * A media worker of one's own, without ffmpeg and without a process: an adapter of the `MediaWorker` port that publishes from within
 * this program. Greenroom starts it when the source at `live/<id>/in` is on the air, tries it again when it is lost, and stops it
 * with the source. Here everything is in memory; a real one would speak to a transcoder, a GPU service or a library.
 */
import { MemoryMediaServer, layer as memoryStore } from "@greenroom/adapters/memory"
import { JoseTokenSigner, NodeKeyMint } from "@greenroom/adapters/node"
import * as Greenroom from "@greenroom/core"
import { Simulator } from "@greenroom/mediamtx-simulator"
import { Effect, Layer, Option, Redacted } from "effect"

/** Where `rtsp://worker:<key>@host/live/<id>/out` leads, and with what. */
const publishAt = (output: Redacted.Redacted<string>) => {
  const url = new URL(Redacted.value(output))
  return { protocol: "rtsp", path: url.pathname.slice(1), user: url.username, password: url.password } as const
}

const worker = Layer.effect(
  Greenroom.MediaWorker,
  Effect.map(Simulator.Simulator, (media) =>
    Greenroom.MediaWorker.of({
      // Ends when the work has ended, with the reason; an interruption is Greenroom's wish that it stop.
      run: Effect.fnUntraced(function* (order) {
        // Its URLs have the worker's key in them.
        console.log(`the worker reads live/${order.id}/in`)
        const publisher = yield* media.publishAsked(publishAt(order.output))
        if (!(yield* publisher.admitted)) return "the media server does not let it publish"
        return yield* publisher.closed.pipe(
          Effect.map((reason) => `its output was closed: ${reason}`),
          Effect.onInterrupt(() => publisher.drop)
        )
      }),
      // There is no process that a crash could leave behind.
      end: () => Effect.succeed("gone")
    })
  )
)

const policies = Layer.mergeAll(
  Layer.succeed(Greenroom.OperatorSecret, { hash: new Uint8Array(32) }),
  Layer.succeed(Greenroom.ReconcilePolicy, { unauthorized: "kick", massKickLimit: 10, enforce: false, holder: "me" }),
  Layer.succeed(Greenroom.WorkersOn, true),
  Layer.succeed(Greenroom.WorkerSettings, { max: 2, rtsp: "rtsp://127.0.0.1:8554", rtmp: "rtmp://127.0.0.1:1935" })
)
const keys = Layer.merge(NodeKeyMint.layer, JoseTokenSigner.layer)
const ports = Layer.mergeAll(memoryStore, MemoryMediaServer.layer(), keys, policies, worker)
const greenroom = Greenroom.layerBackground.pipe(Layer.provideMerge(ports), Layer.provideMerge(Simulator.layer()))

/** The media server asks our door about every publisher, the worker included. */
const askTheDoor = Effect.gen(function* () {
  const media = yield* Simulator.Simulator
  const door = yield* Effect.context<Effect.Services<ReturnType<typeof Greenroom.authenticate>>>()
  yield* media.authenticateWith(({ action, path, id, protocol, password }) =>
    // Whoever reads does so as viewers of a public stream do.
    action !== "publish" || protocol === "hls"
      ? Effect.succeed(true)
      : Greenroom.authenticate({
          _tag: "Publish",
          path,
          sourceId: id ?? "",
          protocol: protocol || null,
          key: Redacted.make(password)
        }).pipe(
          Effect.map(({ _tag }) => _tag !== "Refuse"),
          Effect.orElseSucceed(() => false),
          Effect.provideContext(door)
        )
  )
})

const until = Effect.fnUntraced(function* (state: Greenroom.WorkerStateName) {
  const id = Greenroom.PipelineId.make("studio-1")
  while (true) {
    const found = Option.getOrUndefined(yield* Greenroom.describeWorker(id))
    if (found?.state === state) return console.log(`the worker is ${state}`)
    yield* Effect.sleep("20 millis")
  }
})

const program = Effect.gen(function* () {
  yield* askTheDoor
  yield* Effect.forkScoped(Greenroom.superviseWorkers)
  const studio = yield* Greenroom.createBroadcaster({ displayName: "Studio One", contact: null, metadata: {} })
  const path = Greenroom.NewPathLimit.make("live/studio-1/in")
  const issued = yield* Greenroom.issueKey({ broadcasterId: studio.id, label: null, path, expiresAt: null })
  if (issued._tag !== "Issued") return yield* Effect.die(issued._tag)

  const media = yield* Simulator.Simulator
  const encoder = yield* media.publish({ protocol: "rtsp", path, password: Redacted.value(issued.value) })
  yield* until("running")
  const { connections } = yield* media.world
  console.log(`on the air: ${[...connections.values()].map((one) => one.path).join(", ")}`)
  yield* encoder.drop
  yield* until("stopped")
})

await Effect.runPromise(Effect.scoped(Effect.provide(program, greenroom)))
