/** A problem as it is answered, for the document and the error pages. */
import { logCursorExample } from "../api/Cursor.ts"
import { documentOf, problem } from "../problems/Problem.ts"
import { type ProblemName, problemType } from "../problems/problemTypes.ts"
import { isRefusalName } from "../problems/refusals.ts"

const errors = [{ pointer: "/expires_at", detail: "Expected a time in the future" }]

const EXAMPLE_DECISION = "e2b5e3a4-95a9-4c0b-8a77-3d0f5a6c1b20"

/** Of a refusal. */
const remedyOfRefusal = (name: ProblemName): { readonly remedy?: string } =>
  isRefusalName(name) ? { remedy: problemType(name).remedy } : {}

const members: { readonly [N in ProblemName]?: object } = {
  validation: { errors },
  "cursor-lost": { reason: "pruned", oldest: logCursorExample }
}

export const problemExample = (name: ProblemName, status: number = problemType(name).status) => {
  const { title, example = {} } = problemType(name)
  const shown = problem(name, { detail: example.detail ?? title, ...remedyOfRefusal(name), ...members[name] })
  const instance = example.instance ?? "/stream-keys"
  const decisionId = isRefusalName(name) ? EXAMPLE_DECISION : null
  return { ...documentOf(shown, instance, "6b0c5c1e-0a57-4a0e-9a86-58b1a2a0b7c4", decisionId), status }
}
