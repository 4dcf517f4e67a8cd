/** `POST /reconcile`: an operator's question to the reconciler, and its answer as the API shows it. */
import { type Reconciled, requestReconciliation } from "@greenroom/core"
import { DateTime, Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { ServedApi } from "../api/Api.ts"
import { storeFailureToDefect } from "./handling.ts"

const shown = ({ fresh, snapshot }: Reconciled, now: DateTime.Utc) => ({
  fresh,
  lookedAt: snapshot === null ? null : DateTime.subtractDuration(now, Math.round(snapshot.ageMillis)),
  publishers: snapshot?.found.publishers ?? null,
  unauthorized: snapshot?.found.unauthorized ?? null,
  kicked: snapshot?.found.kicked ?? null,
  reported: snapshot?.found.reported ?? null,
  heldBack: snapshot?.found.heldBack ?? null
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
