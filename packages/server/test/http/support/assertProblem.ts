/** What every error must be, whatever went wrong: one assertion for all tests. */
import { expect } from "vitest"
import { codeOf, type ProblemName, problemTypes } from "../../../src/http/problems/problemTypes.ts"
import { isRefusalName } from "../../../src/http/problems/refusals.ts"
import type { Answer } from "./client.ts"

const members = ["type", "title", "status", "detail", "instance", "code", "request_id"]

export const assertProblem = (answer: Pick<Answer, "status" | "headers" | "json">, name: ProblemName): void => {
  const problem = answer.json
  expect({ status: answer.status, type: problem?.type }).toEqual({
    status: problemTypes[name].status,
    type: `/errors/${name}`
  })
  expect(answer.headers.get("content-type")).toBe("application/problem+json")
  const more =
    name === "cursor-lost"
      ? ["reason", "oldest"]
      : ["validation", "playback-token-too-long"].includes(name) ||
          (name === "conflict" && problem.errors !== undefined)
        ? ["errors"]
        : []
  const ofDecision = ["decision_id", "remedy"].filter((member) => problem[member] !== undefined)
  expect(Object.keys(problem)).toEqual([...members, ...ofDecision, ...more])
  if (isRefusalName(name)) expect(ofDecision).toHaveLength(2)
  expect(problem.decision_id ?? null).toBe(answer.headers.get("x-decision-id"))
  expect(problem.title).toBe(problemTypes[name].title)
  expect(problem.status).toBe(answer.status)
  expect(problem.code).toBe(codeOf(name))
  expect(problem.detail).toEqual(expect.stringMatching(/\S/))
  expect(problem.instance).toEqual(expect.stringMatching(/^\//))
  expect(problem.request_id).toBe(answer.headers.get("x-request-id"))
  if (["validation", "playback-token-too-long"].includes(name)) expect(problem.errors.length).toBeGreaterThan(0)
  if (answer.status === 401) expect(answer.headers.get("www-authenticate")).toMatch(/Bearer realm=/)
  if (answer.status === 405) expect(answer.headers.get("allow")).toMatch(/[A-Z]+/)
  if (answer.status === 503) expect(answer.headers.get("retry-after")).toMatch(/^\d+$/)
}

/** The pointers of a validation problem, in order. */
export const pointersOf = (answer: Answer): ReadonlyArray<string> =>
  answer.json.errors.map((error: { readonly pointer: string }) => error.pointer)
