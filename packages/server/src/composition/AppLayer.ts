/**
 * The composition: which adapter is behind each port, by the settings. Only this file knows all adapters; everything that it starts is
 * released with its scope, in reverse order.
 */
import * as path from "node:path"
import * as Application from "@greenroom/adapters/application"
import { NodeKeyMint } from "@greenroom/adapters/node"
import { Postgres } from "@greenroom/adapters/postgres"
import { AesSecretCipher, HttpWebhookSender } from "@greenroom/adapters/webhooks"
import { noEndpoints, type PublicEndpoints, RefusedWebhookUrl, WorkerSettings, WorkersOn } from "@greenroom/core"
import { defaultPorts, mediaMtxUrls } from "@greenroom/launcher"
import { Context, Effect, Layer, type Redacted } from "effect"
import { Settings, type Variables } from "../config/Settings.ts"
import * as EventBodies from "../http/routes/EventBodies.ts"
import { addressesFrom } from "./addresses.ts"
import { databaseAddress, databaseOptions } from "./databaseAddress.ts"
import { usableDataDirectory } from "./dataDirectory.ts"
import * as LateBound from "./LateBoundMediaServer.ts"
import { loadOrCreateSecret } from "./loadOrCreateSecret.ts"
import * as Workers from "./mediaWorkers.ts"

/** Instances that share a database need the same key, so only an embedded one makes its own. */
const encryptionKeyOf = Effect.fnUntraced(function* (settings: Variables, dataDirectory: string) {
  if (settings.ENCRYPTION_KEY !== undefined) return settings.ENCRYPTION_KEY
  return settings.DATABASE_URL === undefined ? (yield* loadOrCreateSecret(dataDirectory, "encryption-key")).value : null
})

/** What was decided from the settings before anything runs. */
export class Deployment extends Context.Service<
  Deployment,
  {
    readonly dataDirectory: string
    /** `DATABASE_URL` is absent: database and secrets are our own. */
    readonly embedded: boolean
    readonly host: string
    readonly apiSecret: Redacted.Redacted<string>
    /** The file that holds it, absolute: the one that was given, or the one that we keep. */
    readonly apiSecretFile: string | null
    readonly hookSecret: Redacted.Redacted<string> | null
    /** What secrets of webhook endpoints and signing keys are encrypted under; `null` with `DATABASE_URL` and without `ENCRYPTION_KEY`. */
    readonly encryptionKey: Redacted.Redacted<string> | null
    /** The media server is ours to find and start. */
    readonly startsMediaServer: boolean
  }
>()("greenroom/Deployment") {
  static readonly layer = Layer.effect(
    Deployment,
    Effect.gen(function* () {
      const settings = yield* Settings
      const dataDirectory = path.resolve(settings.DATA_DIR ?? ".greenroom")
      const embedded = settings.DATABASE_URL === undefined
      const startsMediaServer = settings.MEDIAMTX_API_URL === undefined
      if (embedded || startsMediaServer) yield* usableDataDirectory(dataDirectory)
      const file = settings.API_SECRET_FILE
      const api =
        settings.API_SECRET === undefined
          ? yield* loadOrCreateSecret(dataDirectory, "api-secret")
          : { value: settings.API_SECRET, file: file === undefined ? null : path.resolve(file) }
      const hook =
        settings.HOOK_SECRET !== undefined
          ? settings.HOOK_SECRET
          : startsMediaServer
            ? (yield* loadOrCreateSecret(dataDirectory, "hook-secret")).value
            : null
      return Deployment.of({
        dataDirectory,
        embedded,
        host: settings.HOST ?? (embedded ? "127.0.0.1" : "0.0.0.0"),
        apiSecret: api.value,
        apiSecretFile: api.file,
        hookSecret: hook,
        encryptionKey: yield* encryptionKeyOf(settings, dataDirectory),
        startsMediaServer
      })
    })
  )
}

const repositories = Layer.unwrap(
  Effect.gen(function* () {
    const settings = yield* Settings
    const { dataDirectory } = yield* Deployment
    const address = yield* databaseAddress(settings, dataDirectory, settings.DATABASE_MIGRATE ?? "auto")
    return Postgres.layer(address, databaseOptions(settings))
  })
)

/** The port is bound at once when a media server is configured, else when one has been found and started. */
const mediaServer = Layer.effectDiscard(
  Effect.gen(function* () {
    const settings = yield* Settings
    const { apiSecret } = yield* Deployment
    if (settings.MEDIAMTX_API_URL === undefined) return
    const slot = yield* LateBound.LateBoundMediaServer
    yield* slot.bind({
      apiUrl: settings.MEDIAMTX_API_URL,
      user: settings.MEDIAMTX_API_USER ?? "greenroom",
      password: settings.MEDIAMTX_API_PASSWORD ?? apiSecret
    })
  })
).pipe(Layer.provideMerge(LateBound.layer))

/** Where the media server that we start will be; on a wildcard address, by this machine's loopback unless it is configured. */
const ownAddresses = (host: string, ports: Variables["MEDIAMTX_PORTS"]): PublicEndpoints => {
  const urls = mediaMtxUrls({ host, ports: { ...defaultPorts, ...ports } })
  return { hls: urls.hlsUrl, webrtc: urls.webrtcUrl, rtmp: urls.rtmpUrl, rtsp: urls.rtspUrl, srt: urls.srtUrl }
}

const workers = Layer.unwrap(
  Effect.gen(function* () {
    const settings = yield* Settings
    return Layer.mergeAll(
      Layer.succeed(WorkersOn, settings.WORKERS === "on"),
      Layer.succeed(WorkerSettings, {
        ...Workers.workerAddresses(settings, yield* fallbackAddresses),
        max: settings.MAX_WORKERS ?? Workers.MAX_WORKERS_DEFAULT
      })
    )
  })
)

/** What webhooks need beside the store. */
const webhooks = Layer.unwrap(
  Effect.gen(function* () {
    const { WEBHOOKS_ALLOW_PRIVATE, WEBHOOKS_REQUIRE_TLS } = yield* Settings
    const { encryptionKey } = yield* Deployment
    const limits = { allowPrivate: WEBHOOKS_ALLOW_PRIVATE === "true", requireTls: WEBHOOKS_REQUIRE_TLS === "true" }
    return Layer.mergeAll(
      HttpWebhookSender.layer(limits),
      Layer.succeed(RefusedWebhookUrl, HttpWebhookSender.refusedUrl(limits)),
      encryptionKey === null ? AesSecretCipher.layerNone : AesSecretCipher.layer(encryptionKey)
    )
  })
)

const fallbackAddresses = Effect.gen(function* () {
  const { MEDIAMTX_PORTS } = yield* Settings
  const { startsMediaServer, host } = yield* Deployment
  return startsMediaServer ? ownAddresses(host, MEDIAMTX_PORTS) : noEndpoints
})

const application = Layer.unwrap(
  Effect.gen(function* () {
    const settings = yield* Settings
    const { apiSecret } = yield* Deployment
    return Application.layer(
      {
        operatorSecret: apiSecret,
        previousOperatorSecret: settings.API_SECRET_PREVIOUS,
        endpoints: addressesFrom(settings, yield* fallbackAddresses),
        duplicates: settings.ON_DUPLICATE_PUBLISH,
        unauthorized: settings.UNAUTHORIZED_PUBLISHERS,
        massKickLimit: settings.MASS_KICK_LIMIT,
        playback: playbackOf(settings)
      },
      Layer.mergeAll(repositories, mediaServer, workers, Workers.layer, webhooks)
    )
  })
)

/** `deny` asks for a token there, too: one that covers the path lets in. */
const playbackOf = ({ PLAYBACK_DEFAULT = "public", PLAYBACK_UNKNOWN_PATHS = "allow" }: Variables) => ({
  streams: PLAYBACK_DEFAULT,
  unknownPaths: PLAYBACK_UNKNOWN_PATHS === "deny" ? ("token" as const) : ("public" as const)
})

/** Everything that the use cases need, over the adapters that the settings choose. */
export const layer = EventBodies.layer.pipe(
  Layer.provideMerge(application),
  Layer.provideMerge(Layer.merge(NodeKeyMint.layer, Deployment.layer))
)
