/**
 * The one place where errors become problem documents. What a handler fails with, what the router, the body reader and the
 * schemas refuse, and what breaks: each finds its type here, and a client learns nothing of the inside.
 */
import { StoreUnavailable, withoutKeys } from "@greenroom/core"
import { Predicate } from "effect"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpApiError from "effect/http-api/HttpApiError"
import type { FieldError } from "../api/Problems.ts"
import { fieldErrorsOf, malformedJson, queryFieldErrorsOf } from "./fieldErrors.ts"
import { codeOf, type ProblemName, problemTypes, typeOf } from "./problemTypes.ts"

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail?: string | undefined
  readonly errors?: ReadonlyArray<FieldError> | undefined
}

/** A problem document as it leaves the service. */
export interface ProblemDocument extends Problem {
  readonly detail: string
  readonly instance: string
  readonly code: string
  readonly request_id: string
}

export const problem = (name: ProblemName, more?: Pick<Problem, "detail" | "errors">): Problem => ({
  type: typeOf(name),
  title: problemTypes[name].title,
  status: problemTypes[name].status,
  ...more
})

export const validation = (errors: ReadonlyArray<FieldError>): Problem =>
  problem("validation", {
    errors,
    detail: errors
      .map(({ pointer, detail }) => (pointer === "" ? detail : `${pointer}: ${detail}`))
      .join("; ")
      .slice(0, 2000)
  })

const statusNames: Readonly<Record<number, ProblemName>> = {
  400: "validation",
  401: "unauthorized",
  403: "forbidden",
  404: "not-found",
  405: "method-not-allowed",
  408: "request-timeout",
  409: "conflict",
  413: "payload-too-large",
  414: "uri-too-long",
  415: "unsupported-media-type",
  429: "too-many-requests",
  431: "headers-too-large",
  503: "store-unavailable"
}

/** The problem that goes with a bare status, as the HttpApi builder answers some errors. */
export const problemOfStatus = (status: number): Problem => {
  const name = statusNames[status] ?? "internal"
  return name === "validation" ? validation([{ pointer: "", detail: "Expected a well-formed request" }]) : problem(name)
}

const isProblem = (error: unknown): error is Problem =>
  Predicate.hasProperty(error, "type") &&
  typeof error.type === "string" &&
  error.type.startsWith("/errors/") &&
  Predicate.hasProperty(error, "status") &&
  typeof error.status === "number"

export interface Verdict {
  readonly problem: Problem
  /** The log must have the whole cause. */
  readonly telling: boolean
}

const quietly = (problem: Problem): Verdict => ({ problem, telling: false })
const broken: Verdict = { problem: problem("internal"), telling: true }

/** Of a schema error: the request's fault only when it was the request that did not decode. A row may not, either. */
const ofSchema = (error: HttpApiError.HttpApiSchemaError): Verdict =>
  error.kind === "Body" || error.kind === "ResponseHeaders"
    ? broken
    : quietly(validation((error.kind === "Query" ? queryFieldErrorsOf : fieldErrorsOf)(error.cause)))

const ofServer = ({ reason }: HttpServerError.HttpServerError, allowed: ReadonlyArray<string>): Verdict => {
  switch (reason._tag) {
    case "RouteNotFound":
      return quietly(problem(allowed.length === 0 ? "not-found" : "method-not-allowed"))
    case "RequestParseError":
      return quietly(reason.reason === "BodyTooLarge" ? problem("payload-too-large") : validation([malformedJson]))
    default:
      return broken
  }
}

/** What a failure or a defect looks like from outside. `allowed`: the methods that the path has. */
export const verdictOn = (error: unknown, allowed: ReadonlyArray<string>): Verdict => {
  if (isProblem(error)) return quietly(error)
  if (error instanceof StoreUnavailable) return { problem: problem("store-unavailable"), telling: true }
  if (HttpApiError.HttpApiSchemaError.is(error)) return ofSchema(error)
  if (HttpServerError.isHttpServerError(error)) return ofServer(error, allowed)
  return broken
}

/** Whole and in the members' usual order. Details and pointers may quote what a client sent, so no key stays in them. */
export const documentOf = (problem: Problem, instance: string, requestId: string): ProblemDocument => {
  const name = problem.type.slice("/errors/".length) as ProblemName
  return {
    type: problem.type,
    title: problem.title,
    status: problem.status,
    detail: withoutKeys(problem.detail ?? problem.title),
    instance,
    code: codeOf(name),
    request_id: requestId,
    ...(problem.errors === undefined
      ? {}
      : { errors: problem.errors.map((error) => ({ pointer: withoutKeys(error.pointer), detail: error.detail })) })
  }
}
