/**
 * An error as a value: what a handler fails with, and what leaves as a problem document (RFC 9457). It travels as it is until the
 * request middleware completes and encodes it, once.
 */
import { type LostCursor, withoutKeys } from "@greenroom/core"
import { Effect, Predicate, Schema } from "effect"
import { codeOf, type ProblemName, problemNames, problemType, typeOf } from "./problemTypes.ts"

/** One value that was not as expected; `pointer` is a JSON pointer into the body, or `/` and a parameter's name. */
export const FieldError = Schema.Struct({ pointer: Schema.String, detail: Schema.String }).annotate({
  identifier: "FieldError",
  description:
    "One value that was not as expected: a JSON pointer (RFC 6901) into the body, or / and a parameter's name"
})
export type FieldError = typeof FieldError.Type

export interface Problem<N extends ProblemName = ProblemName> {
  readonly type: `/errors/${N}`
  readonly title: string
  readonly status: number
  readonly detail?: string
  readonly errors?: ReadonlyArray<FieldError>
  /** Of a refusal: one sentence of what to do. */
  readonly remedy?: string
  /** Of a lost cursor: why, and the cursor before the oldest event that is left. */
  readonly reason?: LostCursor
  readonly oldest?: string
}

/** A problem document as it leaves the service. */
export interface ProblemDocument extends Problem {
  readonly detail: string
  readonly instance: string
  readonly code: string
  readonly request_id: string
  /** Of an auth call: under which id the decision log has the answer. */
  readonly decision_id?: string
}

export const problem = <N extends ProblemName>(
  name: N,
  more?: Pick<Problem, "detail" | "errors" | "remedy" | "reason" | "oldest">
): Problem<N> => ({
  type: typeOf(name),
  title: problemType(name).title,
  status: problemType(name).status,
  ...more
})

export const failWith = <N extends ProblemName>(name: N, detail?: string): Effect.Effect<never, Problem<N>> =>
  Effect.fail(problem(name, detail === undefined ? {} : { detail }))

/** A 400 that names what is wrong. */
export const validation = (errors: ReadonlyArray<FieldError>): Problem<"validation"> =>
  problem("validation", {
    errors,
    detail: errors
      .map(({ pointer, detail }) => (pointer === "" ? detail : `${pointer}: ${detail}`))
      .join("; ")
      .slice(0, 2000)
  })

/** A 409 that names the value that something else has. */
export const conflictAt = (pointer: string, detail: string) =>
  Effect.fail(problem("conflict", { detail, errors: [{ pointer, detail }] }))

export const invalid = (errors: ReadonlyArray<FieldError>) => Effect.fail(validation(errors))

/** The problem that goes with a bare status, as the HttpApi builder answers some errors. */
export const problemOfStatus = (status: number): Problem => {
  const name = problemNames.find((each) => problemType(each).status === status) ?? "internal"
  return name === "validation" ? validation([{ pointer: "", detail: "Expected a well-formed request" }]) : problem(name)
}

export const isProblem = (error: unknown): error is Problem =>
  Predicate.hasProperty(error, "type") &&
  typeof error.type === "string" &&
  error.type.startsWith("/errors/") &&
  Predicate.hasProperty(error, "status") &&
  typeof error.status === "number"

/** Whole and in the members' usual order. Details and pointers may quote what a client sent, so no key stays in them. */
export const documentOf = (
  problem: Problem,
  instance: string,
  requestId: string,
  decisionId: string | null = null
): ProblemDocument => ({
  type: problem.type,
  title: problem.title,
  status: problem.status,
  detail: withoutKeys(problem.detail ?? problem.title),
  instance,
  code: codeOf(problem.type.slice("/errors/".length) as ProblemName),
  request_id: requestId,
  ...(decisionId === null ? {} : { decision_id: decisionId }),
  ...(problem.remedy === undefined ? {} : { remedy: problem.remedy }),
  ...(problem.errors === undefined
    ? {}
    : { errors: problem.errors.map((error) => ({ pointer: withoutKeys(error.pointer), detail: error.detail })) }),
  ...(problem.reason === undefined ? {} : { reason: problem.reason }),
  ...(problem.oldest === undefined ? {} : { oldest: problem.oldest })
})
