/** The REST API as a Web-standard handler, over services that the caller has built: for hosts that embed Greenroom. */
import { AesSecretCipher, HttpWebhookSender } from "@greenroom/adapters/webhooks"
import type { OperatorSecret } from "@greenroom/core"
import { type Context, Layer, Option } from "effect"
import * as HttpRouter from "effect/http/HttpRouter"
import { EVENT_STREAMS_MAX, ListenerState } from "./http/listener/ListenerState.ts"
import { HookSecret } from "./http/middleware/HookSecret.ts"
import * as EventBodies from "./http/routes/EventBodies.ts"
import * as HttpRoutes from "./http/routes/HttpRoutes.ts"
import { type Routes, RouteTable, routerConfig } from "./http/routes/RouteTable.ts"
import * as CredentialThrottle from "./http/throttle/CredentialThrottle.ts"

/** Until a host provides its own: endpoints are listed, changed and deleted, but none is made, because there is no key. */
const webhooks = Layer.merge(
  HttpWebhookSender.layer({ allowPrivate: false, requireTls: false }),
  AesSecretCipher.layerNone
)

/** `services`: of the composition, `@greenroom/adapters/application`. The API's secret is the operator's. */
export const makeWebHandler = <Services extends OperatorSecret>(services: Context.Context<Services>) => {
  const table: Routes = { methodsAt: () => [], patternAt: () => null, direct: null }
  const ending = new AbortController()
  const state = { ending: ending.signal, eventStreamsMax: EVENT_STREAMS_MAX }
  const routes = HttpRoutes.layer({ hooks: false, metrics: false }).pipe(
    Layer.provide([
      Layer.succeed(RouteTable, table),
      Layer.succeed(ListenerState, state),
      Layer.succeed(HookSecret, Option.none()),
      CredentialThrottle.layer,
      EventBodies.layer.pipe(Layer.provideMerge(Layer.merge(webhooks, Layer.succeedContext(services))))
    ])
  )
  const { handler, dispose } = HttpRouter.toWebHandler(routes as never, { routerConfig, disableLogger: true })
  const handle = handler as (request: Request, services: Context.Context<Services>) => Promise<Response>
  // The loggers are the caller's, too.
  return {
    handler: (request: Request): Promise<Response> => handle(request, services),
    dispose: () => {
      ending.abort()
      return dispose()
    }
  }
}
