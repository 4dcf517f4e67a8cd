/** The store gave no answer within its deadline, or none that makes sense. The one way in which every repository fails. */
import { Schema } from "effect"
import { DecisionId } from "../domain/values/Ids.ts"

export class StoreUnavailable extends Schema.TaggedError<StoreUnavailable>()("StoreUnavailable", {
  /** What was being done, in the repository's words: `Admissions.admit`. */
  operation: Schema.String,
  cause: Schema.Defect(),
  /** The store itself answered that it did nothing. Otherwise the operation may have been done, or may yet be. */
  rolledBack: Schema.optionalKey(Schema.Boolean),
  /** Of an auth call: under which id the decision log has it. */
  decisionId: Schema.optionalKey(DecisionId)
}) {
  override get message() {
    return `The store did not answer ${this.operation}`
  }
}
