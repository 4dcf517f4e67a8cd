/**
 * Errors of a call as a sentence and an exit code: problem documents (declared by the endpoint or not), other error answers, and no answer
 * at all. They are read before the generated decoders see the response, because those know declared statuses only.
 */
import { Effect, Option, Predicate, Schema, SchemaIssue } from "effect"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as ProblemDetails from "effect/http/ProblemDetails"
import { FieldError } from "../http/problems/Problem.ts"
import { CommandFailed, type Failure, failed } from "./CommandFailed.ts"
import { program } from "./program.ts"

type Problem = ProblemDetails.ProblemDetails

const failures: Readonly<Record<number, Failure>> = {
  401: "permission",
  403: "permission",
  404: "notFound",
  408: "tryAgain",
  429: "tryAgain",
  502: "tryAgain",
  503: "tryAgain",
  504: "tryAgain"
}
const failureOf = (status: number): Failure => failures[status] ?? (status < 500 ? "data" : "internal")

const decodeProblem = Schema.decodeUnknownEffect(ProblemDetails.Schema)
const decodeFieldErrors = Schema.decodeUnknownOption(Schema.Array(FieldError))

const fieldErrorsIn = (problem: Problem): ReadonlyArray<string> => {
  const errors = decodeFieldErrors(problem.errors)
  return errors._tag === "None" ? [] : errors.value.map(({ pointer, detail }) => `${pointer || "/"}: ${detail}`)
}

const advice: { readonly [F in Failure]?: string } = {
  tryAgain: ": try again in a moment",
  internal: ": see the service's log"
}

/** One sentence, the field errors of a validation error below it. `origin`: where the secret came from. */
export const sentence = (status: number, problem: Problem, origin: string | null): string => {
  const errors = fieldErrorsIn(problem)
  const failure = failureOf(status)
  const { title = `HTTP ${status}` } = problem
  const refused = status === 401 && origin !== null
  const detail = refused ? `the service refuses the secret or token from ${origin}` : problem.detail
  const text = detail === undefined || detail === title || errors.length > 0 ? title : `${title}: ${detail}`
  const id = typeof problem.request_id === "string" ? ` (request ${problem.request_id})` : ""
  return [`${text.replace(/\.$/, "")}${advice[failure] ?? ""}${id}`, ...errors].join("\n  ")
}

/** Greenroom's own problems name one of its error pages as their type. */
const isOurs = (problem: Problem): boolean => problem.type.startsWith("/errors/")

const foreignAnswer = (status: number, url: string): CommandFailed =>
  failed(
    failureOf(status) === "tryAgain" ? "tryAgain" : "protocol",
    `${url} answers HTTP ${status}, and not as Greenroom does: is this its address (--url, GREENROOM_URL)?`
  )

const isDegradedHealth = (path: string, body: unknown): boolean =>
  path.endsWith("/health") && Predicate.hasProperty(body, "status") && body.status === "degraded"

/** Lets results through; everything else fails. A degraded health is a result. */
export const refuse = Effect.fnUntraced(function* (
  response: HttpClientResponse.HttpClientResponse,
  url: string,
  origin: string | null
) {
  const { status } = response
  if (status < 300) return response
  if (status < 400) {
    const instead = "give the address that it leads to (--url, GREENROOM_URL)"
    return yield* failed("protocol", `${url} redirects (HTTP ${status}): ${instead}.`)
  }
  const path = new URL(response.request.url).pathname
  const body = yield* Effect.orElseSucceed(response.json, () => null)
  if (isDegradedHealth(path, body)) return response
  const problem = yield* Effect.option(decodeProblem(body))
  return yield* Option.isSome(problem) && isOurs(problem.value)
    ? failed(failureOf(status), sentence(status, problem.value, origin))
    : foreignAnswer(status, `${new URL(url).origin}${path}`)
})

const codeIn = (cause: unknown): string | undefined => {
  for (let at = cause, depth = 0; typeof at === "object" && at !== null && depth < 5; depth++) {
    if ("code" in at && typeof at.code === "string") return at.code
    at = "cause" in at ? at.cause : undefined
  }
  return undefined
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection was cut",
  UND_ERR_SOCKET: "the connection was cut",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "its name cannot be resolved now",
  ETIMEDOUT: "it does not answer",
  UND_ERR_CONNECT_TIMEOUT: "it does not answer"
}

const format = SchemaIssue.makeFormatterStandardSchemaV1()

const placeOf = (error: Schema.SchemaError): string => {
  const [issue] = format(error.issue).issues
  const path = (issue?.path ?? []).map((key) => `/${String(typeof key === "object" ? key.key : key)}`).join("")
  return issue === undefined ? "" : ` (${path || "/"}: ${issue.message})`
}

/** Whatever else went wrong on the way: no connection, an answer that the definition does not have. */
export const asFailure =
  (url: string) =>
  (error: unknown): CommandFailed => {
    if (error instanceof CommandFailed) return error
    if (HttpClientError.isHttpClientError(error) && error.reason._tag === "TransportError") {
      const code = codeIn(error.reason.cause)
      const why = code === undefined ? "no connection" : (words[code] ?? code)
      return failed(
        "unavailable",
        `Cannot reach ${url} (${why}): start the service (${program} serve) or give its address (--url, GREENROOM_URL).`
      )
    }
    const where = Schema.isSchemaError(error) ? placeOf(error) : ""
    return failed(
      "protocol",
      `The answer of ${url} is not what this release expects${where}: is this Greenroom, and of the CLI's release?`
    )
  }
