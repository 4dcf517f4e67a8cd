/** Health, readiness, name and version. No check takes longer than its caller would wait. */
import { MediaServer, publicSigningKeys, Reconciler, StoreHealth } from "@greenroom/core"
import { Effect, Layer } from "effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { ServedApi } from "../api/Api.ts"
import { version } from "../api/version.ts"
import { note } from "../middleware/RequestContext.ts"
import { failWith } from "../problems/Problem.ts"
import { storeFailureToDefect } from "./handling.ts"

const CHECK_WITHIN = "1500 millis"

const database = StoreHealth.pipe(
  Effect.flatMap((store) => store.ping),
  Effect.as("ok" as const),
  Effect.timeoutOrElse({ duration: CHECK_WITHIN, orElse: () => Effect.succeed("unreachable" as const) }),
  Effect.orElseSucceed(() => "unreachable" as const)
)

const FRESH_MS = 10_000

/** The last look, while it is fresh enough. */
const lastLook = Reconciler.pipe(
  Effect.flatMap((reconciler) => reconciler.lastSnapshot),
  Effect.map((look) => (look === null || look.ageMillis > FRESH_MS ? null : look))
)

/** A follower does not call the media server: it knows that the leader has taken a snapshot. */
const mediaServer = Effect.gen(function* () {
  const { health } = yield* MediaServer
  const own = yield* Effect.timeoutOrElse(health, {
    duration: CHECK_WITHIN,
    orElse: () => Effect.succeed("unreachable" as const)
  })
  const look = yield* lastLook
  return own === "unreachable" && look !== null && !look.own ? ("ok" as const) : own
})

const unauthorizedPublishers = Effect.map(lastLook, (look) =>
  look === null ? null : look.found.heldBack + look.found.reported
)

const warnings = Effect.flatMap(Reconciler, (reconciler) => reconciler.warnings)

const health = Effect.gen(function* () {
  const parts = yield* Effect.all(
    { database, media_server: mediaServer, unauthorized_publishers: unauthorizedPublishers, warnings },
    { concurrency: 2 }
  )
  const service = "greenroom" as const
  const { database: store, ...others } = parts
  if (store === "unreachable") {
    yield* note({ exempt: true, facts: parts })
    return { status: "degraded" as const, service, database: store, ...others }
  }
  const status = others.media_server === "unreachable" ? ("degraded" as const) : ("ok" as const)
  return { status, service, database: store, ...others }
})

/** What is asked every few seconds is logged at debug level. That the store is away has a log line of its own, once. */
const probe = note({ quiet: true })

const ready = Effect.andThen(
  probe,
  Effect.flatMap(database, (state) =>
    state === "ok" ? Effect.succeed({ status: "ok" as const }) : failWith("store-unavailable")
  )
)

const alive = Effect.as(probe, { status: "ok" as const })

/** Who verifies tokens learns of a new key within a minute. */
const jwks = publicSigningKeys.pipe(
  Effect.map((body) => HttpApiSchema.withHeaders({ body, headers: { "cache-control": "public, max-age=60" } })),
  storeFailureToDefect
)

/** `/livez` and `/readyz` for a listener without the API. */
export const layerProbes = Layer.merge(
  HttpRouter.add("GET", "/livez", Effect.map(alive, HttpServerResponse.jsonUnsafe)),
  HttpRouter.add("GET", "/readyz", Effect.map(ready, HttpServerResponse.jsonUnsafe))
)

export const layer = HttpApiBuilder.group(ServedApi, "system", (handlers) =>
  handlers.handleAll({
    index: () => Effect.succeed({ name: "greenroom", version }),
    health: () => health,
    alive: () => alive,
    ready: () => ready,
    jwks: () => jwks
  })
)
