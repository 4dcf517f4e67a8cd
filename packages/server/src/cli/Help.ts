/**
 * What the command line prints about itself: help with examples and exit codes on request, an error with a pointer to the help after a
 * wrong invocation, errors as one line. None of it contains a stream key or a terminal's control characters.
 */
import { withoutKeys } from "@greenroom/core"
import { Console, Effect, Layer, Option } from "effect"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Completions from "effect/cli/Completions"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import type * as HelpDoc from "effect/cli/HelpDoc"
import { exitCodes } from "./CommandFailed.ts"
import { printable } from "./format.ts"
import { program } from "./program.ts"

/** A text for standard error. */
export const errorText = (text: string): string =>
  `greenroom: ${withoutKeys(text).split("\n").map(printable).join("\n")}`

const codes = [
  { code: 0, meaning: "done" },
  ...Object.values(exitCodes),
  { code: 130, meaning: "interrupted (serve and streams watch end with 0)" }
].map(({ code, meaning }) => `${String(code).padStart(5)}  ${meaning}`)

/** Usage and examples begin as this program is started here. */
const pasteable = (doc: HelpDoc.HelpDoc): HelpDoc.HelpDoc => ({
  ...doc,
  usage: doc.usage.replace(/^greenroom\b/, program),
  ...(doc.examples === undefined
    ? {}
    : {
        examples: doc.examples.map((one) => ({
          ...one,
          command: one.command.replace(/(^| )greenroom /, `$1${program} `)
        }))
      })
})

const formatter = (): CliOutput.Formatter => {
  const standard = CliOutput.defaultFormatter()
  return {
    ...standard,
    formatError: (error) => errorText(error.message),
    formatHelpDoc: (doc) => {
      const help = standard.formatHelpDoc(pasteable(doc)).replace(/([^\n])\n([^\n ]*EXAMPLES)/, "$1\n\n$2")
      const heading = help.includes("\x1b[1m") ? "\x1b[1mEXIT CODES\x1b[0m" : "EXIT CODES"
      return doc.commandPath?.length === 1 ? [help, "", heading, ...codes].join("\n") : help
    }
  }
}

/** A wrong invocation gets its error and a pointer to the help, on standard error. */
const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Console.error(
          [
            ...event.errors.map(({ message }) => errorText(message)),
            `Try ${[program, ...event.commandPath.slice(1)].join(" ")} --help.`
          ].join("\n")
        )
      : CliOutput.defaultPresenter.present(event)
}

const completions = GlobalFlag.Action({
  flag: Flag.Literals("completions", ["bash", "zsh", "fish", "powershell"]).pipe(
    Flag.withMetavar("<shell>"),
    Flag.withDescription("Print a completion script"),
    Flag.optional
  ),
  run: (shell: Option.Option<Completions.Shell>, { command }) =>
    Option.match(shell, {
      onNone: () => Effect.void,
      onSome: (chosen) => Console.log(Completions.generate(command.name, chosen, Completions.fromCommand(command)))
    })
})

/** What `Command.run` is to use. */
export const layer = Layer.mergeAll(
  Layer.suspend(() => CliOutput.layer(formatter())),
  CliOutput.layerPresenter(presenter),
  CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, completions] })
)
