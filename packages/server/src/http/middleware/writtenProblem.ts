/** A problem as it is sent: the document, and the headers that go with its status. The one place where a problem is written out. */
import { documentOf, type Problem } from "../problems/Problem.ts"
import type { RequestContext } from "./RequestContext.ts"

export const PROBLEM_JSON = "application/problem+json"

export interface WrittenProblem {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** `allowed`: the methods that the path has. */
export const writtenProblem = (
  problem: Problem,
  note: RequestContext["Service"],
  allowed: ReadonlyArray<string>
): WrittenProblem => {
  const { status } = problem
  return {
    status,
    headers: {
      "x-request-id": note.requestId,
      "cache-control": "no-store",
      ...(status === 401 ? { "www-authenticate": note.challenge } : {}),
      ...(note.decisionId === null ? {} : { "x-decision-id": note.decisionId }),
      ...(status === 405 ? { allow: allowed.join(", ") } : {}),
      ...(status === 503 || status === 429 ? { "retry-after": String(note.retryAfterSeconds) } : {})
    },
    body: JSON.stringify(documentOf(problem, note.path, note.requestId, note.decisionId))
  }
}
