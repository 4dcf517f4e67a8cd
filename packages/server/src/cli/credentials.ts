/**
 * Where the service is and with which secret it is called: `--url`, `GREENROOM_URL`, `API_SECRET` or `API_SECRET_FILE`. Beside an embedded
 * service nothing needs to be set: its secret is in its data folder, which is read only when the service is on this machine. The secret is
 * never an argument (those are public on a machine) and never printed.
 */
import { Config, Effect, FileSystem, Option, Redacted } from "effect"
import { bracketed, reachableHost } from "../config/reachableHost.ts"
import { isSendable, sendable } from "../config/secretText.ts"
import { type CommandFailed, failed } from "./CommandFailed.ts"
import { Url } from "./flags.ts"

export interface Secret {
  readonly value: Redacted.Redacted<string>
  /** Where it was found, in words. */
  readonly origin: string
}

const variable = (name: string): Effect.Effect<Option.Option<string>, CommandFailed> =>
  Config.option(Config.String(name)).pipe(
    Effect.mapError(() => failed("configuration", `${name} cannot be read from the environment.`)),
    Effect.map(Option.filter((value) => value !== ""))
  )

/** What is wrong with it, without repeating it: credentials in a URL are a secret, too. */
const flawOf = (text: string): string | undefined => {
  if (!URL.canParse(text)) return "is no URL: expected one such as http://127.0.0.1:8080"
  const url = new URL(text)
  if (url.protocol !== "http:" && url.protocol !== "https:") return "begins with neither http:// nor https://"
  if (url.username !== "" || url.password !== "") return "holds credentials: put the secret into API_SECRET instead"
  return url.search !== "" || url.hash !== ""
    ? "has a query or a fragment: expected the service's address alone"
    : undefined
}

const checked = (text: string, origin: string): Effect.Effect<string, CommandFailed> => {
  const wrong = flawOf(text)
  return wrong === undefined
    ? Effect.succeed(text.replace(/\/+$/, ""))
    : Effect.fail(failed("configuration", `The address in ${origin} ${wrong}.`))
}

/** The service's base URL, without a slash at its end. */
export const address = Effect.gen(function* () {
  const flag = yield* Url
  if (Option.isSome(flag)) return yield* checked(flag.value, "--url")
  const environment = yield* variable("GREENROOM_URL")
  if (Option.isSome(environment)) return yield* checked(environment.value, "GREENROOM_URL")
  const port = Option.getOrElse(yield* variable("API_PORT"), () => "8080")
  const host = Option.getOrElse(yield* variable("HOST"), () => "127.0.0.1")
  return yield* checked(`http://${bracketed(reachableHost(host))}:${port}`, "HOST and API_PORT")
})

const isLoopback = (base: string): boolean => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(base).hostname)

const readText = Effect.fnUntraced(function* (file: string) {
  const files = yield* FileSystem.FileSystem
  return (yield* files.readFileString(file)).replace(/\r?\n$/, "")
})

const secretOf = (text: string, origin: string): Effect.Effect<Secret, CommandFailed> =>
  isSendable(text)
    ? Effect.succeed({ value: Redacted.make(text, { label: "API_SECRET" }), origin })
    : Effect.fail(failed("configuration", `The API secret in ${origin} is not ${sendable}.`))

const keptSecret = Effect.fnUntraced(function* () {
  const folder = Option.getOrElse(yield* variable("DATA_DIR"), () => "./.greenroom")
  const file = `${folder.replace(/\/+$/, "")}/api-secret`
  const text = yield* Effect.mapError(readText(file), ({ reason }) =>
    reason._tag === "NotFound"
      ? failed(
          "configuration",
          `There is no API secret: set API_SECRET or API_SECRET_FILE (a service in embedded mode keeps its own in ${file}, which is not there; DATA_DIR names another folder).`
        )
      : failed("configuration", `The API secret in ${file} cannot be read (${reason._tag}): set API_SECRET instead.`)
  )
  return yield* secretOf(text, file)
})

/** The API secret for the service at this address. */
export const secretFor = Effect.fnUntraced(function* (base: string) {
  const direct = yield* variable("API_SECRET")
  const file = yield* variable("API_SECRET_FILE")
  if (Option.isSome(direct) && Option.isSome(file)) {
    return yield* failed("configuration", "Both API_SECRET and API_SECRET_FILE are set: set one of them.")
  }
  if (Option.isSome(direct)) return yield* secretOf(direct.value, "API_SECRET")
  if (Option.isSome(file)) {
    const text = yield* Effect.mapError(readText(file.value), ({ reason }) =>
      failed("configuration", `The file that API_SECRET_FILE names cannot be read (${reason._tag}).`)
    )
    return yield* secretOf(text, "API_SECRET_FILE")
  }
  if (isLoopback(base)) return yield* keptSecret()
  return yield* failed("configuration", "There is no API secret: set API_SECRET or API_SECRET_FILE.")
})
