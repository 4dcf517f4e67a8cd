/** The check of the stored streams against their events. */
import { checkHistory } from "@greenroom/core"
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { ServedApi } from "../api/Api.ts"
import { LIMIT_DEFAULT } from "../api/Input.ts"
import { ListSlots, noteBusy } from "../lists/ListSlots.ts"
import { storeFailureToDefect } from "./storeFailureToDefect.ts"
import { checkToWire } from "./toWire.ts"

export const layer = HttpApiBuilder.group(
  ServedApi,
  "history",
  Effect.fnUntraced(function* (handlers) {
    const slots = yield* ListSlots
    return handlers.handleAll({
      check: ({ query: { limit = LIMIT_DEFAULT, cursor = null } }) =>
        checkHistory(cursor, limit).pipe(Effect.map(checkToWire), storeFailureToDefect, slots.run, noteBusy)
    })
  })
)
