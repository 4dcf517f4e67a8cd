/** Pruning of the history in the background, unless it is kept for ever. */
import { pruneHistory } from "@greenroom/core"
import { Effect } from "effect"
import { Settings } from "../config/Settings.ts"

/** Days. */
export const HISTORY_KEEP_DEFAULT = 400

/** In the background, until the scope closes. */
export const startPruning = Effect.gen(function* () {
  const { HISTORY_KEEP: keepDays = HISTORY_KEEP_DEFAULT } = yield* Settings
  if (keepDays > 0) yield* Effect.forkScoped(pruneHistory(keepDays))
})
