/** A 400 that names what is wrong. */
import { Effect } from "effect"
import { type Complaint, ValidationFailed } from "./api/Problems.ts"
import { validation } from "./problemDocument.ts"

export const invalid = (errors: ReadonlyArray<Complaint>): Effect.Effect<never, ValidationFailed> =>
  Effect.fail(new ValidationFailed({ errors, detail: validation(errors).detail ?? "" }))
