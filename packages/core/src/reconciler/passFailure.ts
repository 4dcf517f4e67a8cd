/** Why a pass did not complete, as a value. */
import { Cause, Schema } from "effect"
import type { PassFailure, PassFailureKind } from "../domain/reconciliation/PassReport.ts"
import { MediaServerUnavailable } from "../ports/MediaServer.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { LeaseLost } from "./LeaseGuard.ts"

export const PASS_DEADLINE_MS = 15_000

export class PassTooLong extends Schema.TaggedError<PassTooLong>()("PassTooLong", {}) {
  override get message() {
    return `the pass took more than ${PASS_DEADLINE_MS / 1_000} s and was given up`
  }
}

const kindOf = (error: unknown): PassFailureKind => {
  if (error instanceof StoreUnavailable) return "reconciler_store"
  if (error instanceof LeaseLost) return "lease_lost"
  if (error instanceof PassTooLong) return "pass_too_long"
  return error instanceof MediaServerUnavailable ? `media_server_${error.reason}` : "reconciler_failed"
}

export const passFailure = (cause: Cause.Cause<unknown>): PassFailure => {
  const error = Cause.squash(cause)
  return { kind: kindOf(error), message: error instanceof Error ? error.message : String(error) }
}
