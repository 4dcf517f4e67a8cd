/**
 * The listeners: the API, and, where they are wanted, what the media server calls and the metrics on ports of their own. Listeners
 * share no connections and no bounds, so clients of one cannot keep those of another out.
 */
import { Context, Effect, Layer, Option } from "effect"
import * as HttpServer from "effect/http/HttpServer"
import { Settings, type Variables } from "../config/Settings.ts"
import { HookSecret, PreviousHookSecret } from "../http/middleware/HookSecret.ts"
import { CorsOrigins } from "../http/middleware/pageOrigin.ts"
import { SignatureSecrets } from "../http/rescuestream/signedRoute.ts"
import * as HttpRoutes from "../http/routes/HttpRoutes.ts"
import { type Listen, serve } from "../http/Serve.ts"
import * as CredentialThrottle from "../http/throttle/CredentialThrottle.ts"
import { Deployment } from "./AppLayer.ts"

/** Where a listener accepts connections. */
export interface ListenerAddress {
  readonly host: string
  readonly port: number
}

/** The listener that is for the media server's calls alone; `null` when there is none. */
class HookListener extends Context.Service<HookListener, { readonly address: ListenerAddress | null }>()(
  "greenroom/HookListener"
) {}

/** Of a server that listens on TCP. */
const portOf = (server: HttpServer.HttpServer["Service"]): number =>
  "port" in server.address ? server.address.port : 0

const hookSecret = Layer.unwrap(
  Effect.gen(function* () {
    const { hookSecret } = yield* Deployment
    const { HOOK_SECRET_PREVIOUS } = yield* Settings
    return Layer.merge(
      Layer.succeed(HookSecret, Option.fromNullOr(hookSecret)),
      Layer.succeed(PreviousHookSecret, HOOK_SECRET_PREVIOUS ?? null)
    )
  })
)

const corsOrigins = Layer.effect(
  CorsOrigins,
  Effect.map(Settings, ({ CORS_ORIGINS = [] }) => new Set(CORS_ORIGINS))
)

/** A second server. Only its port is given along: if its router were in reach, both servers would fill and serve the same one. */
const second = <E, R>(routes: Layer.Layer<never, E, R>, listen: Listen) =>
  Effect.map(Layer.build(Layer.fresh(serve(routes, listen))), (context) =>
    portOf(Context.get(context, HttpServer.HttpServer))
  )

/** On by default for a media server of our own, which gets the port; on loopback then, where it runs. */
const hookListen = (
  settings: Variables,
  { host, startsMediaServer }: Deployment["Service"]
): Pick<Listen, "host" | "port"> | null => {
  const port = settings.HOOK_PORT ?? (startsMediaServer ? 0 : undefined)
  return port === undefined ? null : { host: settings.HOOK_HOST ?? (startsMediaServer ? "127.0.0.1" : host), port }
}

const hooks = Layer.effect(
  HookListener,
  Effect.gen(function* () {
    const deployment = yield* Deployment
    const listen = hookListen(yield* Settings, deployment)
    if (listen === null) return { address: null }
    return { address: { host: listen.host, port: yield* second(HttpRoutes.layerHooks, { ...listen, name: "hooks" }) } }
  })
)

const metrics = Layer.effectDiscard(
  Effect.gen(function* () {
    const { METRICS_PORT: port } = yield* Settings
    const { host } = yield* Deployment
    if (port !== undefined) yield* second(HttpRoutes.layerMetrics, { host, port, name: "metrics" })
  })
)

const api = Layer.unwrap(
  Effect.gen(function* () {
    const settings = yield* Settings
    const { host } = yield* Deployment
    const routes = HttpRoutes.layer({
      hooks: settings.HOOKS_ON_API_PORT !== "off",
      metrics: settings.METRICS_PORT === undefined,
      rescuestream: settings.COMPAT_RESCUESTREAM === "on"
    })
    return serve(routes, { host, port: settings.API_PORT ?? 8080, name: "api" })
  })
)

const signatureSecrets = Layer.effect(
  SignatureSecrets,
  Effect.gen(function* () {
    const { apiSecret } = yield* Deployment
    const { API_SECRET_PREVIOUS } = yield* Settings
    return API_SECRET_PREVIOUS === undefined ? [apiSecret] : [apiSecret, API_SECRET_PREVIOUS]
  })
)

/** Wrong secrets are counted once for all listeners: with a count each, a network would have its guesses on each. */
export const layer = Layer.mergeAll(api, metrics, hooks).pipe(
  Layer.provide([hookSecret, corsOrigins, signatureSecrets, CredentialThrottle.layer])
)

/** Where the API answers, and where the media server calls: the same when it has no listener of its own. */
export const listenerAddresses = Effect.gen(function* () {
  const { host } = yield* Deployment
  const api: ListenerAddress = { host, port: portOf(yield* HttpServer.HttpServer) }
  const { address } = yield* HookListener
  return { api, hooks: address ?? api }
})
