/** Why the service does not start: one sentence for people, and the exit code (sysexits.h) that goes with it. */
import { Runtime, Schema } from "effect"

const codes = { configuration: 78, unavailable: 69, internal: 70 } as const

export class StartFailed extends Schema.TaggedError<StartFailed>()("StartFailed", {
  kind: Schema.Literals(["configuration", "unavailable", "internal"]),
  sentence: Schema.String
}) {
  override get message() {
    return this.sentence
  }
  override get [Runtime.errorExitCode]() {
    return codes[this.kind]
  }
}

/** A setting is missing or wrong. */
export const misconfigured = (sentence: string) => new StartFailed({ kind: "configuration", sentence })

/** Something that is needed is not there. */
export const unavailable = (sentence: string) => new StartFailed({ kind: "unavailable", sentence })
