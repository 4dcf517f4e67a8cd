/** A pass of the reconciler on an operator's request: which publishers are unauthorized, and kicking them. */
import { Timestamp } from "@greenroom/core"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import { ApiKey } from "./ApiKey.ts"
import { needsWholeFleet } from "./OperationAccess.ts"
import { onBody, problems } from "./problemSchemas.ts"
import { named, wire } from "./wire.ts"

export const ReconcileOrder = Schema.Struct({
  enforce: Schema.optionalKey(Schema.Boolean).annotate({
    description:
      "Kick unauthorized publishers, even when they are more than `MASS_KICK_LIMIT`. The request stands for 30 seconds or until none is left"
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
      description: "`null` before the first look; so are the counts then"
    }),
    publishers: count("Connections that publish"),
    unauthorized: count("Of them: without a stream here"),
    kicked: count("Kicked by this pass, or since enforcement was requested"),
    reported: count("Left on the air, because `UNAUTHORIZED_PUBLISHERS` is `report`"),
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
    })
      .annotateMerge(needsWholeFleet("operate", "reconciliation.request"))
      .annotateMerge(
        OpenApi.annotations({
          summary: "Look at the media server now",
          description:
            "The answer has what was found. Without `enforce` this is the look that comes every second by itself. With it, unauthorized publishers are kicked, however many they are, and the answer waits, up to 4 seconds, for a look that finds none left. Any instance takes it; the one that reconciles does it."
        })
      )
  )
  .middleware(ApiKey)
  .annotateMerge(
    OpenApi.annotations({ title: "Reconciliation", description: "Store and media server, made to agree." })
  ) {}
