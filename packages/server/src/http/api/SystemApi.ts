/** The service about itself, without credentials: health, version, metrics, documentation. */
import { warningKinds } from "@greenroom/core"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { problems } from "./problemSchemas.ts"
import { JwkSet } from "./SigningKeysApi.ts"
import { version } from "./version.ts"
import { named, summary } from "./wire.ts"

export const Index = Schema.Struct({ name: Schema.String, version: Schema.String }).annotate(
  named("Index", { name: "greenroom", version })
)

const health = {
  service: Schema.Literal("greenroom"),
  media_server: Schema.Literals(["ok", "unreachable", "absent"]),
  unauthorized_publishers: Schema.NullOr(Schema.Int).annotate({
    description:
      "Publishers without a session that the last snapshot showed and that were left on the air, because there are, or were, more than `MASS_KICK_LIMIT` at once, because they are only reported, or because it is not certain that they had to be admitted (see `warnings`); `null` when the last snapshot is older than 10 seconds"
  }),
  warnings: Schema.Array(
    Schema.Struct({
      kind: Schema.Literals(warningKinds).annotate({ description: "A stable word for programs" }),
      detail: Schema.String.annotate({ description: "What follows from it, and what to do" })
    })
  ).annotate({
    description:
      "What is unsafe or wrong with the media server: its version, its configuration, or what the reconciler sees. Each is logged when it begins and when it is over. Empty as long as nothing is known of the media server."
  })
}
const healthExample = {
  status: "ok",
  service: "greenroom",
  database: "ok",
  media_server: "ok",
  unauthorized_publishers: 0,
  warnings: []
}
export const Healthy = Schema.Struct({
  status: Schema.Literals(["ok", "degraded"]).annotate({
    description: "`degraded`: the media server does not answer"
  }),
  database: Schema.Literal("ok"),
  ...health
}).annotate(named("Healthy", healthExample))
export const Degraded = Schema.Struct({
  status: Schema.Literal("degraded"),
  database: Schema.Literal("unreachable"),
  ...health
}).annotate(named("Degraded", { ...healthExample, status: "degraded", database: "unreachable" }))

export const Alive = Schema.Struct({ status: Schema.Literal("ok") }).annotate(named("Alive", { status: "ok" }))

const html = Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/html" }))

export class SystemApi extends HttpApiGroup.make("system")
  .add(
    HttpApiEndpoint.get("index", "/", { success: Index }).annotateMerge(summary("Name and version")),
    HttpApiEndpoint.get("health", "/health", {
      success: [Healthy, Degraded.pipe(HttpApiSchema.status(503))]
    }).annotateMerge(
      summary(
        "Health",
        "503, with the same body, when the database is unreachable; in at most 2 seconds. When the media server does not answer, `status` is `degraded`, with 200: nothing is wrong with this service. Unauthorised publishers and warnings change no status."
      )
    ),
    HttpApiEndpoint.get("alive", "/livez", { success: Alive }).annotateMerge(summary("Is the process alive?")),
    HttpApiEndpoint.get("ready", "/readyz", { success: Alive, error: problems("store-unavailable") }).annotateMerge(
      summary("Can it serve requests?", "That is, does the database answer.")
    ),
    HttpApiEndpoint.get("jwks", "/.well-known/jwks.json", {
      success: HttpApiSchema.WithHeaders(JwkSet, { "cache-control": Schema.String }),
      error: problems("store-unavailable")
    }).annotateMerge(
      summary(
        "Keys of playback tokens",
        "The public halves of all signing keys (RFC 7517), with which a CDN or another service can verify tokens. It answers without the database once it was read."
      )
    )
  )
  .annotateMerge(OpenApi.annotations({ title: "System", description: "The service about itself; no credentials." })) {}

/** Pages and texts: plain routes, here for the document. */
export class PagesApi extends HttpApiGroup.make("pages")
  .add(
    HttpApiEndpoint.get("openapi", "/openapi.json", {
      success: Schema.Record(Schema.String, Schema.Unknown)
    }).annotateMerge(summary("This document")),
    HttpApiEndpoint.get("docs", "/docs", { success: html }).annotateMerge(summary("The reference, as a page")),
    HttpApiEndpoint.get("error", "/errors/:name", {
      params: { name: Schema.String },
      success: html,
      error: problems("not-found")
    }).annotateMerge(summary("What a problem type means", "The page that a problem's `type` refers to.")),
    HttpApiEndpoint.get("metrics", "/metrics", {
      success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain" }))
    }).annotateMerge(summary("Metrics", "In Prometheus' text format; on a port of its own when `METRICS_PORT` is set."))
  )
  .annotateMerge(OpenApi.annotations({ title: "Pages", description: "Documentation and metrics." })) {}
