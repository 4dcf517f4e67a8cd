/**
 * The service's life: settings, ports, HTTP, the media server in the background, the banner; then until a signal, and back in
 * reverse order. Fails only before it is ready, with one sentence.
 */
import { readlink } from "node:fs/promises"
import * as path from "node:path"
import { isatty } from "node:tty"
import { Endpoints, noEndpoints } from "@greenroom/core"
import type { EmbeddedPostgresFailed } from "@greenroom/launcher"
import { Deferred, Effect, Layer, Option } from "effect"
import { program } from "../cli/program.ts"
import { warningsOf } from "../config/contradictions.ts"
import { bracketed, reachableHost } from "../config/reachableHost.ts"
import { Settings } from "../config/Settings.ts"
import type { StartFailed } from "../config/StartFailed.ts"
import { limitsWithin, OPEN_FILES_WANTED, openFilesAllowed } from "../http/listener/listenerLimits.ts"
import * as AppLayer from "./AppLayer.ts"
import { banner } from "./banner.ts"
import * as Http from "./http.ts"
import { LateBoundMediaServer } from "./LateBoundMediaServer.ts"
import { cannotListen } from "./lifecycle.ts"
import { startWorkers } from "./mediaWorkers.ts"
import { startPruning } from "./pruning.ts"
import { type MediaServerStart, startMediaServer } from "./startMediaServer.ts"
import { startWebhooks } from "./webhooks.ts"

const STDOUT = 1

/** The banner waits this long for the media server, to show whether it came up. */
const MEDIA_SERVER_PATIENCE = "1500 millis"

/** Few open files mean few connections, which otherwise shows only under load. */
const fewOpenFiles = (openFiles: number): ReadonlyArray<string> =>
  openFiles >= OPEN_FILES_WANTED
    ? []
    : [
        `this process may have ${openFiles} files open, so the API takes ${limitsWithin(openFiles, "api").total} connections: allow ${OPEN_FILES_WANTED} (ulimit -n, LimitNOFILE)`
      ]

const warnings = Effect.flatMap(Settings, (settings) =>
  Effect.forEach([...warningsOf(settings), ...fewOpenFiles(openFilesAllowed())], (text) => Effect.logWarning(text))
)

const notYet: MediaServerStart = { runs: null, sentence: "is being fetched or started: see the log" }

const mediaServer = Effect.gen(function* () {
  const settings = yield* Settings
  const deployment = yield* AppLayer.Deployment
  const hook = deployment.hookSecret
  if (settings.MEDIAMTX_API_URL !== undefined || hook === null) {
    return { runs: true, sentence: `as configured, ${settings.MEDIAMTX_API_URL}` }
  }
  const outcome = yield* Deferred.make<MediaServerStart>()
  const { start } = yield* LateBoundMediaServer
  const { hooks } = yield* Http.listenerAddresses
  const auth = { host: reachableHost(hooks.host), port: hooks.port, secret: hook }
  yield* start(Effect.flatMap(startMediaServer(auth), (started) => Deferred.succeed(outcome, started)))
  return Option.getOrElse(yield* Effect.timeoutOption(Deferred.await(outcome), MEDIA_SERVER_PATIENCE), () => notYet)
})

/** As root the data may be kept elsewhere, and a link shows where. */
const databaseSentence = Effect.flatMap(AppLayer.Deployment, ({ embedded, dataDirectory }) => {
  const here = path.join(dataDirectory, "postgres")
  const kept = Effect.promise(() => readlink(path.join(here, "kept-at")).catch(() => here))
  return embedded
    ? Effect.map(kept, (place) => `PostgreSQL of its own, in ${place}`)
    : Effect.succeed("as configured (DATABASE_URL)")
})

const urlOf = ({ host, port }: Http.ListenerAddress) => `http://${bracketed(reachableHost(host))}:${port}`

/** Where a program reads the lines, as a container's, the banner would be lines that are no JSON, with commands for another machine. */
const areLinesForPrograms = Effect.map(Settings, ({ LOG_FORMAT }) => LOG_FORMAT === "json" && !isatty(STDOUT))

const announced = Effect.gen(function* () {
  const { api, hooks } = yield* Http.listenerAddresses
  const deployment = yield* AppLayer.Deployment
  const media = yield* mediaServer
  const text = banner({
    url: urlOf(api),
    secretFile: deployment.apiSecretFile,
    database: yield* databaseSentence,
    mediaServer: media.sentence,
    hooks: hooks === api ? null : urlOf(hooks),
    addresses: media.runs === false ? noEndpoints : yield* Endpoints,
    program,
    folder: process.cwd(),
    readyAfter: performance.now()
  })
  if (!(yield* areLinesForPrograms)) yield* Effect.sync(() => process.stdout.write(text))
  yield* Effect.logInfo("ready").pipe(
    Effect.annotateLogs({
      host: api.host,
      port: api.port,
      hook_host: hooks.host,
      hook_port: hooks.port,
      ready_after_ms: Math.round(performance.now())
    })
  )
})

/** Runs until it is interrupted. */
export const serve: Effect.Effect<never, StartFailed | EmbeddedPostgresFailed, Settings> = Effect.gen(function* () {
  yield* announced
  yield* startPruning
  yield* startWebhooks
  yield* startWorkers
  return yield* Effect.never
}).pipe(
  Effect.scoped,
  Effect.provide(Http.layer.pipe(Layer.provideMerge(AppLayer.layer))),
  // Before anything is waited for: also a start that fails logs them.
  (started) => Effect.andThen(warnings, started),
  Effect.catchTag("ServeError", (error) => Effect.fail(cannotListen(error.cause)))
)
