/** Pruning in the background: of the history, unless it is kept for ever, of the event log, of the audit log, and of expired playback tokens. */
import { pruneAuditLog, pruneEvents, pruneHistory, prunePlaybackTokens } from "@greenroom/core"
import { Effect } from "effect"
import { Settings } from "../config/Settings.ts"

/** Days. */
export const HISTORY_KEEP_DEFAULT = 400
const EVENTS_KEEP_DEFAULT = 30
export const AUDIT_KEEP_DEFAULT = 400

/** In the background, until the scope closes. */
export const startPruning = Effect.gen(function* () {
  const settings = yield* Settings
  const { HISTORY_KEEP: keepDays = HISTORY_KEEP_DEFAULT, EVENTS_KEEP = EVENTS_KEEP_DEFAULT } = settings
  if (keepDays > 0) yield* Effect.forkScoped(pruneHistory(keepDays))
  yield* Effect.forkScoped(pruneEvents(EVENTS_KEEP))
  yield* Effect.forkScoped(pruneAuditLog(settings.AUDIT_KEEP ?? AUDIT_KEEP_DEFAULT))
  yield* Effect.forkScoped(prunePlaybackTokens)
})
