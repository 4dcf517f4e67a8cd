/**
 * The command line as a whole: `makeCommand` puts the commands together, `runCommandLine` is the process around them. What `serve` and
 * `migrate` do is the composition's, and given as Effects; every other command speaks to a running service over HTTP. Results go
 * to standard output; help that nobody asked for, and errors, to standard error.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { withoutKeys } from "@greenroom/core"
import { Console, Effect, Layer, Predicate, Runtime } from "effect"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import { version } from "../http/api/version.ts"
import { broadcastersCommand } from "./BroadcastersCommand.ts"
import { exitCodes, failed } from "./CommandFailed.ts"
import { Json, Url } from "./flags.ts"
import { healthCommand } from "./HealthCommand.ts"
import { endless, Interruption, teardown } from "./Interruption.ts"
import { keysCommand } from "./KeysCommand.ts"
import { streamsCommand } from "./StreamsCommand.ts"

/** What the composition gives. Their failures are printed as one sentence: `[CliError.userMessage]`, else the message. */
export interface Composed<E1, R1, E2, R2> {
  /** Runs until it is interrupted. */
  readonly serve: Effect.Effect<unknown, E1, R1>
  readonly migrate: Effect.Effect<unknown, E2, R2>
}

/** An error of the composition with a sentence; its exit code is its own `[Runtime.errorExitCode]`, else 70. */
class NotStarted extends Error {
  override readonly [CliError.userMessage]: string
  override readonly [Runtime.errorExitCode]: number
  override readonly [Runtime.errorReported] = false
  constructor(cause: unknown) {
    const sentence = Predicate.isObject(cause)
      ? (CliError.getUserMessage(cause) ?? (cause instanceof Error ? cause.message : JSON.stringify(cause)))
      : String(cause)
    super(sentence, { cause })
    this[CliError.userMessage] = sentence
    const own = Predicate.hasProperty(cause, Runtime.errorExitCode) ? cause[Runtime.errorExitCode] : undefined
    this[Runtime.errorExitCode] = typeof own === "number" ? own : exitCodes.internal.code
  }
}

const composed = <E, R>(effect: Effect.Effect<unknown, E, R>): Effect.Effect<void, NotStarted, R> =>
  Effect.asVoid(Effect.mapError(effect, (cause) => new NotStarted(cause)))

/** Loaded when a command calls the service: help and completions do without. */
const greenroom = Layer.unwrap(
  Effect.map(
    Effect.promise(() => import("./HttpGreenroom.ts")),
    ({ layer }) => layer
  )
)

const description = `Who may publish, who is live, and taking them off the air.

  The commands other than serve and migrate speak to a running service. It is found at --url or GREENROOM_URL, else at
  http://127.0.0.1:8080, and wants the API secret: API_SECRET, API_SECRET_FILE, or, for a service in embedded mode on
  this machine, the file that it keeps in DATA_DIR (./.greenroom). They take --json, and print what the API answers.`

export const makeCommand = <E1, R1, E2, R2>({ serve, migrate }: Composed<E1, R1, E2, R2>) => {
  const remote = <const Name extends string, Input, Context, E, R>(
    command: Command.Command<Name, Input, Context, E, R>
  ) => command.pipe(Command.provide(greenroom), Command.withGlobalFlags([Url, Json]))
  return Command.make("greenroom").pipe(
    Command.withDescription(description),
    Command.withExamples([
      {
        command: "greenroom serve",
        description: "A control plane with its own PostgreSQL and, where one can be had, MediaMTX"
      },
      { command: 'greenroom broadcasters create "Studio One"', description: "Somebody who may broadcast" },
      {
        command: "greenroom keys create --broadcaster <id>",
        description: "Their key, and what to type into an encoder"
      },
      { command: "greenroom streams watch", description: "Who is live, as it changes" }
    ]),
    Command.withSubcommands([
      Command.make("serve", {}, () => endless(composed(serve))).pipe(
        Command.withDescription("Run the service; everything is set by environment variables (docs/configuration.md)"),
        Command.withExamples([
          { command: "greenroom serve", description: "Embedded: keeps its state in ./.greenroom" },
          {
            command: "DATABASE_URL=postgres://… API_SECRET=… MEDIAMTX_API_URL=http://mediamtx:9997 greenroom serve",
            description: "With your own PostgreSQL and MediaMTX"
          }
        ])
      ),
      Command.make("migrate", {}, () => composed(migrate)).pipe(
        Command.withDescription("Bring the database up to date and end; serve does so by itself"),
        Command.withExamples([{ command: "DATABASE_URL=postgres://… greenroom migrate" }])
      ),
      remote(broadcastersCommand),
      remote(keysCommand),
      remote(streamsCommand),
      remote(healthCommand)
    ])
  )
}

const complaint = (text: string): string => `greenroom: ${withoutKeys(text)}`

const codes = [
  { code: 0, meaning: "done" },
  ...Object.values(exitCodes),
  { code: 130, meaning: "interrupted (serve and streams watch end with 0)" }
].map(({ code, meaning }) => `${String(code).padStart(5)}  ${meaning}`)

const formatter = (): CliOutput.Formatter => {
  const standard = CliOutput.defaultFormatter()
  return {
    ...standard,
    formatError: (error) => complaint(error.message),
    formatHelpDoc: (doc) => {
      const help = standard.formatHelpDoc(doc).replace(/([^\n])\n([^\n ]*EXAMPLES)/, "$1\n\n$2")
      const heading = help.includes("\x1b[1m") ? "\x1b[1mEXIT CODES\x1b[0m" : "EXIT CODES"
      return doc.commandPath?.length === 1 ? [help, "", heading, ...codes].join("\n") : help
    }
  }
}

/** A wrong invocation gets its complaint and where to read on, on standard error; help is for those who ask. */
const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Console.error(
          [...event.errors.map(({ message }) => complaint(message)), `Try ${event.commandPath.join(" ")} --help.`].join(
            "\n"
          )
        )
      : CliOutput.defaultPresenter.present(event)
}

const settings = Layer.mergeAll(
  Layer.suspend(() => CliOutput.layer(formatter())),
  CliOutput.layerPresenter(presenter),
  CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] })
)

/** Runs the arguments; fails with whatever the exit code is to be made of. */
export const runWith = <E1, R1, E2, R2>(commands: Composed<E1, R1, E2, R2>, args: ReadonlyArray<string>) =>
  Command.runWith(makeCommand(commands), { version })(args).pipe(
    Effect.mapError((error) =>
      CliError.isCliError(error) && error._tag === "ShowHelp" && error.errors.length > 0 ? failed("usage", "") : error
    ),
    Effect.catchDefect((defect) => {
      const story = defect instanceof Error ? (defect.stack ?? defect.message) : String(defect)
      const sentence = "Something broke in the CLI itself; please report this:"
      return Effect.andThen(
        Console.error(complaint(`${sentence}\n${story}`)),
        Effect.fail(failed("internal", sentence))
      )
    }),
    Effect.provide(settings)
  )

/** The process: arguments, signals, exit code. */
export const runCommandLine = <E1, E2>(commands: Composed<E1, Command.Environment, E2, Command.Environment>): void => {
  const interruption = { exitCode: 130 }
  runWith(commands, process.argv.slice(2)).pipe(
    Effect.provideService(Interruption, interruption),
    Effect.provide(NodeServices.layer),
    NodeRuntime.runMain({ teardown: teardown(interruption) })
  )
}
