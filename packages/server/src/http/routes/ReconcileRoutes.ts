/** `POST /reconcile`: an operator's question to the reconciler, and its answer as the API shows it. */
import { type Reconciled, requestReconciliation } from "@greenroom/core"
import { DateTime, Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { ServedApi } from "../api/Api.ts"
import { storeFailureToDefect } from "./handling.ts"

const shown = ({ fresh, look }: Reconciled, now: DateTime.Utc) => ({
  fresh,
  lookedAt: look === null ? null : DateTime.subtractDuration(now, Math.round(look.ageMillis)),
  publishers: look?.found.publishers ?? null,
  unauthorized: look?.found.unauthorized ?? null,
  kicked: look?.found.kicked ?? null,
  reported: look?.found.reported ?? null,
  heldBack: look?.found.heldBack ?? null
})

export const layer = HttpApiBuilder.group(ServedApi, "reconcile", (handlers) =>
  handlers.handleAll({
    now: ({ payload }) =>
      requestReconciliation(payload.enforce === true).pipe(
        Effect.flatMap((answer) => Effect.map(DateTime.now, (now) => shown(answer, now))),
        storeFailureToDefect
      )
  })
)
