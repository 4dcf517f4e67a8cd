/** A 400 that names what is wrong. */
import { Effect } from "effect"
import { type FieldError, ValidationFailed } from "../api/Problems.ts"
import { validation } from "./problemDocument.ts"

export const invalid = (errors: ReadonlyArray<FieldError>): Effect.Effect<never, ValidationFailed> =>
  Effect.fail(new ValidationFailed({ errors, detail: validation(errors).detail ?? "" }))
