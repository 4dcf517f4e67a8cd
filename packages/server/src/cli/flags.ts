/** Flags, arguments and descriptions, as the commands declare them. Values are checked by the schemas of the API itself, before anything is sent. */
import { PlaybackPolicy } from "@greenroom/core"
import { Effect, Option, Schema, SchemaIssue } from "effect"
import * as Argument from "effect/cli/Argument"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"

/** What help shows of a command: what it does, and examples, each with an explanation where it needs one. */
export const described =
  (description: string, ...examples: ReadonlyArray<readonly [command: string, description?: string]>) =>
  <const Name extends string, Input, Context, E, R>(
    command: Command.Command<Name, Input, Context, E, R>
  ): Command.Command<Name, Input, Context, E, R> =>
    command.pipe(
      Command.withDescription(description),
      Command.withExamples(
        examples.map(([command, about]) => (about === undefined ? { command } : { command, description: about }))
      )
    )

/** A flag that is there or not. */
export const flag = (name: string, description: string): Flag.Flag<boolean> =>
  Flag.Boolean(name).pipe(Flag.withoutNegation, Flag.withDescription(description), Flag.withDefault(false))

/** Items that a list prints unless `--limit` is given. */
export const LIST_DEFAULT = 1000
const LIST_MAX = 1_000_000

export const Url = GlobalFlag.Setting("url")({
  flag: Flag.String("url").pipe(
    Flag.withMetavar("<url>"),
    Flag.withDescription("Where the service is; else GREENROOM_URL, else this machine at API_PORT (8080)"),
    Flag.optional
  )
})

export const Json = GlobalFlag.Setting("json")({
  flag: flag("json", "Print JSON as the API answers it")
})

const format = SchemaIssue.makeFormatterStandardSchemaV1()

const check =
  <A>(name: string, kind: "flag" | "argument", schema: Schema.Codec<A, string>) =>
  (value: string): Effect.Effect<A, CliError.CliError> =>
    Schema.decodeEffect(schema)(value).pipe(
      Effect.mapError(({ issue }) => {
        const expected = format(issue).issues.map(({ message }) => message)
        return new CliError.InvalidValue({ option: name, value, expected: expected.join("; "), kind })
      })
    )

/** A text flag that must be given, and whose value the schema decodes. */
export const requiredFlag = <A>(name: string, metavar: string, schema: Schema.Codec<A, string>, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.mapEffect(check(name, "flag", schema)),
    Flag.withDescription(description)
  )

/** The same, which may be left out. */
export const checkedFlag = <A>(name: string, metavar: string, schema: Schema.Codec<A, string>, description: string) =>
  requiredFlag(name, metavar, schema, description).pipe(Flag.optional)

/** A positional argument whose value the schema decodes. */
export const checkedArgument = <A>(name: string, schema: Schema.Codec<A, string>, description: string) =>
  Argument.String(name).pipe(Argument.mapEffect(check(name, "argument", schema)), Argument.withDescription(description))

/** A text flag in which one word (`""`, `never`) takes the value away. */
export const clearableFlag = <A>(
  name: string,
  metavar: string,
  schema: Schema.Codec<A, string>,
  description: string,
  nothing = ""
) =>
  Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.mapEffect(
      (value): Effect.Effect<A | null, CliError.CliError> =>
        value === nothing ? Effect.succeed(null) : check(name, "flag", schema)(value)
    ),
    Flag.withDescription(description),
    Flag.optional
  )

/** Who may watch, of a key or a broadcaster. */
export const playback = clearableFlag(
  "playback",
  "<policy>",
  PlaybackPolicy,
  `Who may watch: everybody (public), or who has a playback token (token); "" for what comes next: its broadcaster, the service`
)

export const limit = Flag.Int("limit").pipe(
  Flag.withMetavar("<count>"),
  Flag.withDescription(`How many at most, over all pages; ${LIST_DEFAULT} unless given`),
  Flag.filter(
    (count) => count >= 1 && count <= LIST_MAX,
    () => `Expected a whole number from 1 to ${LIST_MAX}`
  ),
  Flag.optional
)

/** The options that were given, by name: what a PATCH or a query holds. */
export const given = <O extends Readonly<Record<string, Option.Option<unknown>>>>(
  options: O
): { readonly [K in keyof O]?: O[K] extends Option.Option<infer A> ? A : never } => {
  const values: Record<string, unknown> = {}
  for (const [name, option] of Object.entries(options)) if (Option.isSome(option)) values[name] = option.value
  return values as never
}
