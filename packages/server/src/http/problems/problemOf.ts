/**
 * The problem that a failure or a defect is answered with: what the router, the body reader and the schemas refuse, and what breaks. It
 * contains nothing of the inside.
 */
import { InvalidArgument, StoreUnavailable } from "@greenroom/core"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpApiError from "effect/http-api/HttpApiError"
import { argumentErrorsOf, fieldErrorsOf, malformedJson, queryFieldErrorsOf } from "./fieldErrors.ts"
import { isProblem, type Problem, problem, validation } from "./Problem.ts"

export interface Answered {
  readonly problem: Problem
  /** The log must have the whole cause. */
  readonly isFault: boolean
}

const expected = (problem: Problem): Answered => ({ problem, isFault: false })
const broken: Answered = { problem: problem("internal"), isFault: true }

/** Of a schema error: the request's fault only when it was the request that did not decode. A row may not, either. */
const ofSchema = (error: HttpApiError.HttpApiSchemaError): Answered =>
  error.kind === "Body" || error.kind === "ResponseHeaders"
    ? broken
    : expected(validation((error.kind === "Query" ? queryFieldErrorsOf : fieldErrorsOf)(error.cause)))

const ofServer = ({ reason }: HttpServerError.HttpServerError, allowed: ReadonlyArray<string>): Answered => {
  switch (reason._tag) {
    case "RouteNotFound":
      return expected(problem(allowed.length === 0 ? "not-found" : "method-not-allowed"))
    case "RequestParseError":
      return expected(reason.reason === "BodyTooLarge" ? problem("payload-too-large") : validation([malformedJson]))
    default:
      return broken
  }
}

/** `allowed`: the methods that the path has. */
export const problemOf = (error: unknown, allowed: ReadonlyArray<string>): Answered => {
  if (isProblem(error)) return expected(error)
  if (error instanceof StoreUnavailable) return { problem: problem("store-unavailable"), isFault: true }
  if (error instanceof InvalidArgument) return expected(validation(argumentErrorsOf(error)))
  if (HttpApiError.HttpApiSchemaError.is(error)) return ofSchema(error)
  if (HttpServerError.isHttpServerError(error)) return ofServer(error, allowed)
  return broken
}
