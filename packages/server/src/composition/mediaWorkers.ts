/** Media workers in this process, when they are on: started last and ended first, because they need everything else. */
import { CommandWorker, defaultCommand } from "@greenroom/adapters/worker"
import { type MediaWorker, superviseWorkers, type WorkerAddresses } from "@greenroom/core"
import { Effect, Layer } from "effect"
import { Settings, type Variables } from "../config/Settings.ts"
import type { StartFailed } from "../config/StartFailed.ts"
import { WorkerUser } from "./workerUser.ts"

export const MAX_WORKERS_DEFAULT = 10

/** Where workers reach the media server: as configured, else where ours is, else on the host of its control API. */
export const workerAddresses = (
  settings: Variables,
  own: { readonly rtsp: string | null; readonly rtmp: string | null }
): WorkerAddresses => {
  const api = settings.MEDIAMTX_API_URL === undefined ? null : new URL(settings.MEDIAMTX_API_URL).hostname
  return {
    rtsp: settings.MEDIAMTX_RTSP_URL ?? (api === null ? own.rtsp : null) ?? `rtsp://${api ?? "127.0.0.1"}:8554`,
    rtmp: settings.MEDIAMTX_RTMP_URL ?? (api === null ? own.rtmp : null) ?? `rtmp://${api ?? "127.0.0.1"}:1935`
  }
}

const worker = Effect.gen(function* () {
  const { WORKER_COMMAND } = yield* Settings
  const user = yield* WorkerUser
  const options: CommandWorker.CommandWorkerOptions = {
    command: WORKER_COMMAND ?? defaultCommand,
    as: user._tag === "Another" ? user.as : undefined
  }
  return options
})

export const layer: Layer.Layer<MediaWorker | WorkerUser, StartFailed, Settings> = Layer.unwrap(
  Effect.map(worker, CommandWorker.layer)
).pipe(Layer.provideMerge(WorkerUser.layer))

/** A service whose workers cannot run is still useful: that is logged and stops nothing. */
export const logMissingProgram = Effect.fnUntraced(function* (options: CommandWorker.CommandWorkerOptions) {
  if (yield* CommandWorker.isInstalled(options)) return
  const user = options.as === undefined ? "" : ` for user ${options.as.uid}`
  yield* Effect.logWarning(
    `workers are on, but their program is not there${user}: ${options.command[0]} (WORKER_COMMAND, PATH)`
  )
})

const logSharedUser = Effect.flatMap(WorkerUser, (user) =>
  user._tag === "Ours" && !user.asked
    ? Effect.logWarning(
        "workers run as the user of this service and can read its secrets: start it as root, or accept that with WORKER_USER"
      )
    : Effect.void
)

/** In the background, until the scope closes; then no worker is left. */
export const startWorkers = Effect.gen(function* () {
  const settings = yield* Settings
  if (settings.WORKERS !== "on") return
  const options = yield* worker
  yield* logSharedUser
  yield* logMissingProgram(options)
  yield* Effect.forkScoped(superviseWorkers)
  yield* Effect.logInfo("workers are on").pipe(
    Effect.annotateLogs({
      program: options.command[0],
      user: options.as?.uid ?? process.getuid?.() ?? "",
      max_workers: settings.MAX_WORKERS ?? MAX_WORKERS_DEFAULT
    })
  )
})
