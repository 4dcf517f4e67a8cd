/**
 * The HTTP interface as a value, from which the server's routes, the typed client and the OpenAPI document are made. It imports
 * no handler and nothing of Node. `ServedApi` is what the HttpApi builder serves; `Api` adds what plain routes serve.
 */
import * as HttpApi from "effect/http-api/HttpApi"
import { ApiTokensApi, SessionApi } from "./ApiTokensApi.ts"
import { AuditApi } from "./AuditApi.ts"
import { AuthDecisionsApi } from "./AuthDecisionsApi.ts"
import { BroadcastersApi } from "./BroadcastersApi.ts"
import { EventsApi } from "./EventsApi.ts"
import { allErrors, noUnknownFields } from "./Input.ts"
import { MediaServerApi } from "./MediaServerApi.ts"
import { Audited } from "./OperationAccess.ts"
import { PipelineApi } from "./PipelineApi.ts"
import { PlaybackTokensApi } from "./PlaybackTokensApi.ts"
import { ProblemsAsValues } from "./problemSchemas.ts"
import { ReconcileApi } from "./ReconcileApi.ts"
import { SigningKeysApi } from "./SigningKeysApi.ts"
import { StreamKeysApi } from "./StreamKeysApi.ts"
import { StreamsApi } from "./StreamsApi.ts"
import { PagesApi, SystemApi } from "./SystemApi.ts"
import { ViewersApi } from "./ViewersApi.ts"
import { WebhookEndpointsApi } from "./WebhookEndpointsApi.ts"
import { WorkersApi } from "./WorkersApi.ts"

export class ServedApi extends HttpApi.make("greenroom")
  .add(
    StreamsApi,
    StreamKeysApi,
    BroadcastersApi,
    PlaybackTokensApi,
    ViewersApi,
    SigningKeysApi,
    WorkersApi,
    EventsApi,
    ReconcileApi,
    WebhookEndpointsApi,
    ApiTokensApi,
    AuditApi,
    SessionApi,
    AuthDecisionsApi,
    SystemApi
  )
  .middleware(Audited)
  .middleware(ProblemsAsValues)
  .annotate(HttpApi.ParseOptions, allErrors)
  .annotate(HttpApi.PayloadParseOptions, noUnknownFields) {}

export class Api extends ServedApi.add(MediaServerApi, PipelineApi, PagesApi) {}
