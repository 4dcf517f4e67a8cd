/** That an admission is refused, and that the domain finds the reason in the store's facts. */
import { type AdmissionRequest, Admissions, decideAdmission, type RefusalReason } from "@greenroom/core"
import { Effect, Option } from "effect"
import * as assert from "../assert.ts"

/** Nothing is written, and the facts show why. */
export const refused = Effect.fnUntraced(function* (request: AdmissionRequest, reason: RefusalReason) {
  const admissions = yield* Admissions
  assert.isTrue(Option.isNone(yield* admissions.admit(request)), `admitted instead of ${reason}`)
  const decision = decideAdmission(request, yield* admissions.facts(request))
  if (decision._tag === "InUse") return assert.strictEqual(decision.refusal.reason, reason)
  if (decision._tag !== "Refuse") return assert.fail(`${decision._tag} instead of ${reason}`)
  assert.strictEqual(decision.reason, reason)
})
