/**
 * What a complete pass of the reconciler found on the media server, and what it did about unauthorized publishers. It is kept
 * beside the lease, so that every instance can show it to an operator.
 */
import { Schema } from "effect"
import { holdReasons } from "./planForUnauthorized.ts"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

export const PassSummary = Schema.Struct({
  /** Connections that publish, admitted or not. */
  publishers: Count,
  /** Of them: without a session. */
  unauthorized: Count,
  /** Unauthorized publishers that were kicked for the first time; while enforcement is requested, all since then. */
  kicked: Count,
  /** Left on the air, as configured. */
  reported: Count,
  /** Left on the air until an operator decides. */
  heldBack: Count,
  /** Why; as if `too_many` where it is missing. */
  heldWhy: Schema.optionalKey(Schema.Literals(holdReasons)),
  /** Admitted publishers do not appear on this media server. Missing where they do. */
  notAppearing: Schema.optionalKey(Schema.Boolean),
  /** With `notAppearing`: how many milliseconds before the pass the last such absence was found. */
  notAppearingForMillis: Schema.optionalKey(Count),
  /** Publishers in no list that neither have nor had a session, those seen once included. Missing where there are none. */
  unlisted: Schema.optionalKey(Count),
  /** Whether an operator's request to kick them, however many they are, was in force. */
  enforced: Schema.Boolean
})
export type PassSummary = typeof PassSummary.Type
