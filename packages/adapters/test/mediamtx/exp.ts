import { MediaServer } from "@greenroom/core"
import { Context, Effect, Layer, Redacted } from "effect"
import { MediaMtx } from "../../src/mediamtx/index.ts"
import { authServer } from "../fixtures/authServer.ts"
import { ffmpegPublisher, realMediaMtx } from "../fixtures/realMediaMtx.ts"
await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
  const auth = yield* authServer()
  const mtx = yield* realMediaMtx({ authHttpAddress: auth.address })
  const ms = Context.get(yield* Layer.build(MediaMtx.layer({ apiUrl: mtx.apiUrl, user: "g", password: Redacted.make("p") })), MediaServer)
  yield* ffmpegPublisher(mtx, { protocol: "rtsp", path: "live/a", key: "k" })
  yield* ffmpegPublisher(mtx, { protocol: "rtmp", path: "live/b", key: "k" })
  yield* Effect.sleep(4000)
  const look = yield* ms.look
  const rtsp = look.sources.find((s) => s.protocol === "rtsp")!, rtmp = look.sources.find((s) => s.protocol === "rtmp")!
  for (const kind of ["rtmp", "rtsp"] as const) {
    yield* auth.decideWith((q) => q.action === "api" ? Effect.succeed(true) : Effect.as(Effect.sleep(2500), false))
    const n = (yield* auth.questions).filter((q) => q.action === "publish").length
    yield* ffmpegPublisher(mtx, { protocol: kind, path: "live/new" + kind, key: "k" })
    while ((yield* auth.questions).filter((q) => q.action === "publish").length === n) yield* Effect.sleep(5)
    const timed = (name: string, e: Effect.Effect<unknown, any>) => Effect.gen(function* () { const t = performance.now(); const x = yield* Effect.exit(e); console.log(kind, "auth pending:", name, x._tag, (performance.now() - t).toFixed(0), x._tag === "Failure" ? String((x.cause.reasons[0] as any).error) : typeof x.value === "string" ? x.value : "") })
    yield* timed("find rtmp", ms.find(rtmp))
    yield* timed("find rtsp", ms.find(rtsp))
    yield* timed("find rtsp again", ms.find(rtsp))
    yield* timed("look", ms.look)
    yield* timed("find rtsp", ms.find(rtsp))
    yield* timed("curePath", ms.curePath("live/zz"))
    yield* Effect.sleep(6000)
  }
  const log = yield* mtx.log
  console.log(log.split("\n").filter((l) => /ERR|panic|fatal/.test(l)).slice(0, 5).join("\n"))
})))
