/** Media workers in this process, when they are on: started last and ended first, because they need everything else. */
import { CommandWorker, defaultCommand, type WorkerCommand } from "@greenroom/adapters/worker"
import { type MediaWorker, superviseWorkers, type WorkerAddresses } from "@greenroom/core"
import { Effect, Layer } from "effect"
import { Settings, type Variables } from "../config/Settings.ts"

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

export const adapter: Layer.Layer<MediaWorker, never, Settings> = Layer.unwrap(
  Effect.map(Settings, (settings) => CommandWorker.layer({ command: settings.WORKER_COMMAND ?? defaultCommand }))
)

/** A service whose workers cannot run is of use all the same: that is told, and stops nothing. */
export const tellMissingProgram = (command: WorkerCommand): Effect.Effect<void> =>
  CommandWorker.isInstalled(command)
    ? Effect.void
    : Effect.logWarning(`workers are on, but their program is not there: ${command[0]} (WORKER_COMMAND, PATH)`)

/** In the background, until the scope closes; then no worker is left. */
export const startWorkers = Effect.gen(function* () {
  const settings = yield* Settings
  if (settings.WORKERS !== "on") return
  const command = settings.WORKER_COMMAND ?? defaultCommand
  yield* tellMissingProgram(command)
  yield* Effect.forkScoped(superviseWorkers)
  yield* Effect.logInfo("workers are on").pipe(
    Effect.annotateLogs({ program: command[0], max_workers: settings.MAX_WORKERS ?? MAX_WORKERS_DEFAULT })
  )
})
