/** Looking at the media server now, for an operator: what publishes there that nobody admitted, and ridding it of that. */
import { Timestamp } from "@greenroom/core"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import { ApiKey } from "./ApiKey.ts"
import { onBody, problems } from "./problemSchemas.ts"
import { named, wire } from "./wire.ts"

export const ReconcileOrder = Schema.Struct({
  enforce: Schema.optionalKey(Schema.Boolean).annotate({
    description:
      "Kick the publishers that nobody admitted, even when they are more than `MASS_KICK_LIMIT`. The wish stands for 30 seconds or until none is left"
  })
}).annotate(named("ReconcileOrder", { enforce: true }))

const count = (description: string) =>
  Schema.NullOr(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))).annotate({ description })

export const Reconciliation = wire(
  {
    fresh: Schema.Boolean.annotate({
      description:
        "Whether the look began after the question; if not, the media server could not be looked at within 4 seconds"
    }),
    lookedAt: Schema.NullOr(Timestamp).annotate({
      description: "`null` when nobody has looked yet; so are the counts then"
    }),
    publishers: count("Connections that publish"),
    unauthorized: count("Of them: without a stream here"),
    kicked: count("Told to go: by this look, or since enforcement was wished"),
    reported: count("Left on the air, because `UNAUTHORIZED_PUBLISHERS` says so"),
    heldBack: count(
      "Left on the air until an operator decides, because they are, or were, more than `MASS_KICK_LIMIT` at once"
    )
  },
  named(
    "Reconciliation",
    {
      fresh: true,
      looked_at: "2026-11-21T01:33:14.640Z",
      publishers: 3,
      unauthorized: 0,
      kicked: 20,
      reported: 0,
      held_back: 0
    },
    "What the last look at the media server found"
  )
)

export class ReconcileApi extends HttpApiGroup.make("reconcile")
  .add(
    HttpApiEndpoint.post("now", "/reconcile", {
      payload: ReconcileOrder,
      success: Reconciliation,
      error: problems(...onBody)
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Look at the media server now",
        description:
          "And say what was found. Without `enforce` it does no more than the look that comes every second by itself. With it, publishers that nobody admitted are kicked, however many they are, and the answer waits, up to 4 seconds, for a look that finds none left. Any instance takes it; the one that reconciles does it."
      })
    )
  )
  .middleware(ApiKey)
  .annotateMerge(
    OpenApi.annotations({ title: "Reconciliation", description: "Store and media server, made to agree." })
  ) {}
