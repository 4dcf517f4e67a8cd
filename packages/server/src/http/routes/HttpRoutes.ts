/**
 * All routes, inside the request middleware. What they need (ports, secrets, addresses) is in the layers' types and is provided by the
 * composition. `/metrics` and the media server's calls may have ports of their own.
 */
import { Effect, Layer } from "effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { ServedApi } from "../api/Api.ts"
import { ProblemsAsValues } from "../api/problemSchemas.ts"
import { strict } from "../body/bodyText.ts"
import * as EventPolls from "../events/EventPolls.ts"
import * as EventStreams from "../events/EventStreams.ts"
import * as ListSlots from "../lists/ListSlots.ts"
import * as ApiKeyCheck from "../middleware/ApiKeyCheck.ts"
import * as AuditRequests from "../middleware/auditRequests.ts"
import * as RequestMiddleware from "../middleware/requestMiddleware.ts"
import * as RescueStreamRoutes from "../rescuestream/RescueStreamRoutes.ts"
import * as ApiTokenRoutes from "./ApiTokenRoutes.ts"
import * as AuditRoutes from "./AuditRoutes.ts"
import * as AuthDecisionRoutes from "./AuthDecisionRoutes.ts"
import * as AuthRoute from "./AuthRoute.ts"
import * as BroadcasterRoutes from "./BroadcasterRoutes.ts"
import * as EventRoutes from "./EventRoutes.ts"
import * as MetricsRoute from "./MetricsRoute.ts"
import * as PageRoutes from "./PageRoutes.ts"
import * as PipelineRoutes from "./PipelineRoutes.ts"
import * as PlaybackTokenRoutes from "./PlaybackTokenRoutes.ts"
import * as ReconcileRoutes from "./ReconcileRoutes.ts"
import * as RouteTable from "./RouteTable.ts"
import * as SessionRoutes from "./SessionRoutes.ts"
import * as SigningKeyRoutes from "./SigningKeyRoutes.ts"
import * as StreamKeyRoutes from "./StreamKeyRoutes.ts"
import * as StreamRoutes from "./StreamRoutes.ts"
import * as SystemRoutes from "./SystemRoutes.ts"
import * as ViewerRoutes from "./ViewerRoutes.ts"
import * as WebhookEndpointRoutes from "./WebhookEndpointRoutes.ts"
import * as WebhookRoutes from "./WebhookRoutes.ts"
import * as WorkerRoutes from "./WorkerRoutes.ts"

const withMiddleware = <A, E, R>(routes: Layer.Layer<A, E, R>) =>
  routes.pipe(Layer.provide(RequestMiddleware.layer), Layer.provide(RouteTable.layer))

/** The HttpApi builder reads bodies by itself, so it is given a request that reads them strictly. */
const strictBodies = HttpRouter.middleware()((app) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    Effect.provideService(app, HttpServerRequest.HttpServerRequest, strict(request))
  )
).layer

const api = HttpApiBuilder.layer(ServedApi).pipe(
  Layer.provide([
    BroadcasterRoutes.layer,
    StreamKeyRoutes.layer,
    StreamRoutes.layer,
    PlaybackTokenRoutes.layer,
    ViewerRoutes.layer,
    SigningKeyRoutes.layer,
    WorkerRoutes.layer,
    EventRoutes.layer,
    ReconcileRoutes.layer,
    WebhookEndpointRoutes.layer,
    ApiTokenRoutes.layer,
    AuditRoutes.layer,
    SessionRoutes.layer,
    AuthDecisionRoutes.layer,
    SystemRoutes.layer
  ]),
  Layer.provide([ApiKeyCheck.layer, AuditRequests.layer, ListSlots.layer, ProblemsAsValues.layer, EventPolls.layer]),
  Layer.provide(EventStreams.layer),
  Layer.provide(strictBodies)
)

/** What the media server calls. */
const hooks = Layer.mergeAll(AuthRoute.layer, WebhookRoutes.layer, PipelineRoutes.layer)

/** Which of the routes stand on the API port beside the API itself. */
export interface OnApiPort {
  readonly hooks: boolean
  readonly metrics: boolean
  /** The calls of the frontend of the requirements. */
  readonly rescuestream?: boolean
}

/** The API and its pages. */
export const layer = (beside: OnApiPort) =>
  withMiddleware(
    Layer.mergeAll(
      api,
      PageRoutes.layer,
      beside.hooks ? hooks : Layer.empty,
      beside.metrics ? MetricsRoute.layer : Layer.empty,
      beside.rescuestream === true ? RescueStreamRoutes.layer : Layer.empty
    ).pipe(Layer.provide(AuditRequests.layerAuditor))
  )

/** The media server's calls, for a port of their own, and whether the service is alive and ready, for checks on that port. */
export const layerHooks = withMiddleware(Layer.merge(hooks, SystemRoutes.layerProbes))

/** The metrics alone, for a port of their own. */
export const layerMetrics = withMiddleware(MetricsRoute.layer)
