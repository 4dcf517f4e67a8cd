/**
 * `COMPAT_RESCUESTREAM=on`: on `/rescuestream`, the calls of the frontend that was written for the system of the requirements. It signs its requests, takes
 * whole lists, and knows fewer fields and states. Everything is done by the use cases of the API.
 */
import { StoreHealth } from "@greenroom/core"
import { Effect, Layer } from "effect"
import * as HttpRouter from "effect/http/HttpRouter"
import { note } from "../middleware/RequestContext.ts"
import { answer } from "./mountAnswers.ts"
import * as AuditRoutes from "./mountAuditRoutes.ts"
import * as ResourceRoutes from "./resourceRoutes.ts"
import { MOUNT } from "./signedRoute.ts"

const CHECK_WITHIN = "1500 millis"

const database = StoreHealth.pipe(
  Effect.flatMap((store) => store.ping),
  Effect.timeout(CHECK_WITHIN),
  Effect.as("ok" as const),
  Effect.orElseSucceed(() => "unreachable" as const)
)

/** Asked every few seconds, and not signed. */
const health = HttpRouter.add(
  "GET",
  `${MOUNT}/health`,
  Effect.gen(function* () {
    const state = yield* database
    yield* note({ quiet: true, exempt: true })
    return yield* state === "ok"
      ? answer({ status: "ok", database: state })
      : answer({ status: "degraded", database: state }, 503)
  })
)

export const layer = Layer.mergeAll(health, ResourceRoutes.layer, AuditRoutes.layer)
