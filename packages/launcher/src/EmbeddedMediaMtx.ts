/**
 * Runs a MediaMTX: writes its configuration, starts the given binary, restarts it whenever it exits, and stops it when the scope
 * closes. It never outlives this process. It sends every client to our `/auth`, the control API's client included, so it is
 * useful only while the service answers there. This module does not check its API. `MediaMtxBinary` finds the binary,
 * `mediaMtxConfig` has the configuration, and `mediaMtxLog` interprets its output.
 */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { Context, Deferred, type Duration, Effect, Layer, Redacted, type Scope } from "effect"
import * as ChildProcessGroup from "./ChildProcessGroup.ts"
import type { MediaMtxBinary } from "./MediaMtxBinary.ts"
import { MediaMtxUnavailable } from "./MediaMtxUnavailable.ts"
import { makePrivateDirectory } from "./makePrivateDirectory.ts"
import {
  defaultPorts,
  hookEnvironment,
  mediaMtxConfig,
  mediaMtxUrls,
  type Ports,
  type Settings,
  type Urls
} from "./mediaMtxConfig.ts"
import { describePortInUse, type PortInUse, portInUse, readLine } from "./mediaMtxLog.ts"

export interface Options {
  readonly binary: MediaMtxBinary
  /** Holds the configuration file: `DATA_DIR/mediamtx`. Made when absent, mode 0700. */
  readonly directory: string
  /** Where our `/auth` listens, and the secret that the media server sends there as `mediamtx:<secret>`. */
  readonly auth: { readonly host?: string; readonly port: number; readonly secret: Redacted.Redacted }
  /** Where clients connect: an IP address, or `localhost`. Default 127.0.0.1. */
  readonly host?: string
  /** The host in the URLs. Default: `host`, or 127.0.0.1 when `host` is the wildcard address. */
  readonly publicHost?: string
  readonly ports?: Partial<Ports>
  /** From SIGTERM to SIGKILL. Default 5 seconds. */
  readonly stopGrace?: Duration.Input
  /** After this it counts as up even without a known log line about its control API. Default 2 seconds. */
  readonly upAfter?: Duration.Input
}

export interface MediaMtxExit {
  /** `exit code 1`, `killed by SIGKILL`. */
  readonly how: string
  /** Its last error line. */
  readonly error: string | null
  readonly portInUse: PortInUse | null
}

export class EmbeddedMediaMtx extends Context.Service<
  EmbeddedMediaMtx,
  Urls & {
    readonly binary: MediaMtxBinary
    /** Whether a process runs and its control API listens. */
    readonly running: Effect.Effect<boolean>
    /** Its last exit that was not a stop; `null` before the first. */
    readonly lastExit: Effect.Effect<MediaMtxExit | null>
  }
>()("greenroom/EmbeddedMediaMtx") {}

/** The pause before the first restart: short, because encoders reconnect at once. */
const firstDelayMillis = 100
/** Pauses double up to this, so that it starts within a second after an obstacle, such as a used port, is gone. */
const longestDelayMillis = 1000
/** From SIGTERM to SIGKILL: longer than MediaMTX needs to close its connections. */
const STOP_GRACE = "5 seconds"
/** MediaMTX opens all its listeners within a fraction of this. */
const UP_AFTER = "2 seconds"
/** MediaMTX opens the control API's listener last. */
const apiListens = /^\[API\] (started|listener opened)/

const writeConfig = (directory: string, config: object) =>
  Effect.tryPromise({
    try: async () => {
      const file = path.join(directory, "mediamtx.json")
      await makePrivateDirectory(directory)
      await fs.rm(`${file}.new`, { force: true })
      await fs.writeFile(`${file}.new`, JSON.stringify(config, null, 2), { mode: 0o600, flag: "wx" })
      await fs.rename(`${file}.new`, file)
      return file
    },
    catch: (error) =>
      new MediaMtxUnavailable({ reason: "storage", detail: `its configuration cannot be written: ${error}` })
  })

const explain = (exit: MediaMtxExit): string => {
  if (exit.portInUse !== null) return describePortInUse(exit.portInUse)
  return exit.error === null ? exit.how : `${exit.how}: ${exit.error}`
}

interface Supervised {
  readonly options: Options
  readonly config: string
  readonly environment: Readonly<Record<string, string>>
  readonly ports: Ports
  readonly secrets: ReadonlyArray<string>
  running: boolean
  lastExit: MediaMtxExit | null
}

/** Runs the process once. Returns its exit, and whether it was up before. */
const runOnce = Effect.fnUntraced(function* (it: Supervised) {
  const forward = Effect.runForkWith(yield* Effect.context<never>())
  const listening = Deferred.makeUnsafe<void>()
  const lastTime = it.lastExit?.error
  let error: string | null = null
  let taken: PortInUse | null = null
  const child = yield* ChildProcessGroup.start({
    command: it.options.binary.path,
    args: [it.config],
    cwd: path.dirname(it.config),
    env: it.environment,
    stop: { signal: "TERM", grace: it.options.stopGrace ?? STOP_GRACE, last: "KILL" },
    onLine: (raw, cut) => {
      const line = readLine(raw, cut, it.secrets)
      if (line.isError) {
        error = line.text
        taken = portInUse(line.text, it.ports) ?? taken
      }
      if (apiListens.test(line.text)) Deferred.doneUnsafe(listening, Effect.void)
      // The reason of a failing start is logged once, not at each attempt.
      const isNews = line.level === "info" && (it.running || line.text !== lastTime)
      forward((isNews ? Effect.logInfo : Effect.logDebug)(`mediamtx: ${line.text}`))
    }
  })
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      it.running = false
    })
  )
  const up = Effect.raceFirst(Deferred.await(listening), Effect.sleep(it.options.upAfter ?? UP_AFTER)).pipe(
    Effect.tap(() =>
      Effect.sync(() => {
        it.running = true
      })
    ),
    Effect.andThen(Effect.logInfo(`the media server is up: ${it.options.binary.path}`)),
    Effect.as(true)
  )
  const wasUp = yield* Effect.raceFirst(up, Effect.as(child.exited, false))
  const exit = yield* child.exited
  return { wasUp, exit: { how: ChildProcessGroup.describeExit(exit), error, portInUse: taken } satisfies MediaMtxExit }
}, Effect.scoped)

const supervise = Effect.fnUntraced(function* (it: Supervised) {
  let delay = firstDelayMillis
  let loggedReason = ""
  while (true) {
    const { wasUp, exit } = yield* runOnce(it).pipe(
      Effect.catchTag("SpawnFailed", ({ detail }) =>
        Effect.succeed({ wasUp: false, exit: { how: "not started", error: detail, portInUse: null } })
      )
    )
    it.lastExit = exit
    if (wasUp) {
      delay = firstDelayMillis
      loggedReason = ""
    }
    const why = explain(exit)
    const message = wasUp
      ? `the media server stopped and is started again: ${why}`
      : `the media server does not start: ${why}`
    yield* why === loggedReason ? Effect.logDebug(message) : Effect.logError(message)
    loggedReason = why
    yield* Effect.sleep(delay)
    delay = Math.min(delay * 2, longestDelayMillis)
  }
})

export const make = Effect.fn("EmbeddedMediaMtx.make")(function* (
  options: Options
): Effect.fn.Return<EmbeddedMediaMtx["Service"], MediaMtxUnavailable, Scope.Scope> {
  const settings: Settings = {
    host: options.host ?? "127.0.0.1",
    ports: { ...defaultPorts, ...options.ports },
    auth: { host: "127.0.0.1", ...options.auth },
    version: options.binary.version
  }
  const secret = Redacted.value(options.auth.secret)
  const it: Supervised = {
    options,
    config: yield* writeConfig(path.resolve(options.directory), mediaMtxConfig(settings)),
    environment: hookEnvironment(settings),
    ports: settings.ports,
    secrets: [secret, encodeURIComponent(secret)].filter((text) => text !== ""),
    running: false,
    lastExit: null
  }
  yield* Effect.addFinalizer(() => Effect.logInfo("the media server was stopped"))
  yield* Effect.forkScoped(supervise(it))
  return EmbeddedMediaMtx.of({
    ...mediaMtxUrls(settings, options.publicHost),
    binary: options.binary,
    running: Effect.sync(() => it.running),
    lastExit: Effect.sync(() => it.lastExit)
  })
})

export const layer = (options: Options): Layer.Layer<EmbeddedMediaMtx, MediaMtxUnavailable> =>
  Layer.effect(EmbeddedMediaMtx, make(options))
