/**
 * The command line as a whole: `makeCommand` puts the commands together; `runProcess.ts` is the process around them. `serve` and `migrate`
 * come from the composition as Effects; every other command calls a running service over HTTP. Results go to standard output; errors, and
 * help after a wrong invocation, go to standard error.
 */
import { Console, Effect, Layer } from "effect"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import { version } from "../http/api/version.ts"
import { auditCommand } from "./AuditCommand.ts"
import { authCommand } from "./AuthCommand.ts"
import { broadcastersCommand } from "./BroadcastersCommand.ts"
import { failed } from "./CommandFailed.ts"
import { eventsCommand } from "./EventsCommand.ts"
import { described, flag, Json, Url } from "./flags.ts"
import { healthCommand } from "./HealthCommand.ts"
import * as Help from "./Help.ts"
import { endless } from "./Interruption.ts"
import { keysCommand } from "./KeysCommand.ts"
import { composed, type LocalCommands } from "./LocalCommands.ts"
import { playbackTokensCommand } from "./PlaybackTokensCommand.ts"
import { reconcileCommand } from "./ReconcileCommand.ts"
import { signingKeysCommand } from "./SigningKeysCommand.ts"
import { streamsCommand } from "./StreamsCommand.ts"
import { tokensCommand } from "./TokensCommand.ts"
import { viewersCommand } from "./ViewersCommand.ts"
import { webhooksCommand } from "./WebhooksCommand.ts"
import { workersCommand } from "./WorkersCommand.ts"

/** Loaded when a command calls the service: help and completions do without. */
const greenroom = Layer.unwrap(
  Effect.map(
    Effect.promise(() => import("./HttpApiClient.ts")),
    ({ layer }) => layer
  )
)

const description = `Who may publish, who is live, and taking them off the air.

  serve and migrate read their settings from the environment; the other commands speak to a running service.
  Where it is: --url, else GREENROOM_URL, else this machine (HOST, 127.0.0.1) at API_PORT (8080).
  The API secret, or an API token in its place: API_SECRET, else the file that API_SECRET_FILE names, else, for a service on this machine that
  generated its own, the file api-secret in DATA_DIR (./.greenroom). Never an argument.`

const Print = flag("print", "Print the SQL of what is pending and change nothing")

const makeCommand = <E1, R1, E2, R2>({ serve, migrate }: LocalCommands<E1, R1, E2, R2>) => {
  const remote = <const Name extends string, Input, Context, E, R>(
    command: Command.Command<Name, Input, Context, E, R>
  ) => command.pipe(Command.provide(greenroom), Command.withGlobalFlags([Url, Json]))
  return Command.make("greenroom").pipe(
    described(
      description,
      ["greenroom serve", "A control plane with its own PostgreSQL and, where one can be had, MediaMTX"],
      ['greenroom broadcasters create "Studio One"', "A person or team that may broadcast"],
      ["greenroom keys create --broadcaster <id>", "Their key, and what to type into an encoder"],
      ["greenroom streams watch", "Who is live, as it changes"],
      ["greenroom auth check -", "Why can my encoder not connect? Paste what it is given"]
    ),
    Command.withSubcommands([
      Command.make("serve", {}, () => endless(composed(serve))).pipe(
        described(
          "Run the service; everything is set by environment variables (docs/configuration.md)",
          ["greenroom serve", "Embedded: keeps its state in ./.greenroom"],
          [
            "DATABASE_URL=postgres://… API_SECRET=… MEDIAMTX_API_URL=http://mediamtx:9997 greenroom serve",
            "With your own PostgreSQL and MediaMTX"
          ]
        )
      ),
      Command.make("migrate", { print: Print }, ({ print }) => composed(migrate({ print }))).pipe(
        described(
          "Bring the database up to date and end; serve does so by itself",
          ["DATABASE_URL=postgres://… greenroom migrate"],
          ["DATABASE_URL=postgres://… greenroom migrate --print", "The SQL of what is pending; nothing is changed"]
        )
      ),
      remote(broadcastersCommand),
      remote(keysCommand),
      remote(streamsCommand),
      remote(viewersCommand),
      remote(playbackTokensCommand),
      remote(signingKeysCommand),
      remote(workersCommand),
      remote(eventsCommand),
      remote(authCommand),
      remote(webhooksCommand),
      remote(tokensCommand),
      remote(auditCommand),
      remote(reconcileCommand),
      remote(healthCommand)
    ])
  )
}

/** Runs the arguments; fails with the error that the exit code is made of. */
export const runWith = <E1, R1, E2, R2>(commands: LocalCommands<E1, R1, E2, R2>, args: ReadonlyArray<string>) =>
  Command.runWith(makeCommand(commands), { version })(args).pipe(
    Effect.mapError((error) =>
      CliError.isCliError(error) && error._tag === "ShowHelp" && error.errors.length > 0 ? failed("usage", "") : error
    ),
    Effect.catchDefect((defect) => {
      const story = defect instanceof Error ? (defect.stack ?? defect.message) : String(defect)
      const sentence = "Something broke in the CLI itself; please report this:"
      return Effect.andThen(
        Console.error(Help.errorText(`${sentence}\n${story}`)),
        Effect.fail(failed("internal", sentence))
      )
    }),
    Effect.provide(Help.layer)
  )
