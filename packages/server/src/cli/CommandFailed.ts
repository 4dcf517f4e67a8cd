/**
 * How a command fails: one sentence for people, with what to do, and one exit code for scripts (sysexits.h). The sentence
 * goes to standard error, with `--json`, too. What went wrong on the way to the server and back is sorted in `apiErrors.ts`.
 */
import { Runtime, Schema } from "effect"
import * as CliError from "effect/cli/CliError"

/** The codes with what they mean, as `greenroom --help` shows them. */
export const exitCodes = {
  usage: { code: 64, meaning: "a flag or an argument is wrong" },
  data: { code: 65, meaning: "the server refuses what was asked (validation, conflict)" },
  notFound: { code: 66, meaning: "nothing has this id" },
  unavailable: { code: 69, meaning: "nothing answers at the address" },
  internal: { code: 70, meaning: "something broke, in the server or here" },
  tryAgain: { code: 75, meaning: "try again later (the database does not answer, a timeout)" },
  protocol: { code: 76, meaning: "the answer is not Greenroom's, or another release's" },
  permission: { code: 77, meaning: "the API secret is refused" },
  configuration: { code: 78, meaning: "a setting is missing or wrong" }
} as const
export type Failure = keyof typeof exitCodes

export class CommandFailed extends Schema.TaggedError<CommandFailed>()("CommandFailed", {
  failure: Schema.Literals(Object.keys(exitCodes) as ReadonlyArray<Failure>),
  sentence: Schema.String
}) {
  override get message() {
    return this.sentence
  }
  override get [CliError.userMessage]() {
    return this.sentence
  }
  override get [Runtime.errorExitCode]() {
    return exitCodes[this.failure].code
  }
  override readonly [Runtime.errorReported] = false
}

export const failed = (failure: Failure, sentence: string) => new CommandFailed({ failure, sentence })
