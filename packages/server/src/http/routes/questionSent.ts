/** The body of `POST /auth/check` as the question that it is: by its fields it has one of five forms. */
import { type AuthQuestion, DESCRIBED_ID } from "@greenroom/core"
import { Effect, Redacted } from "effect"
import { checkForms, FORMS_EXPECTED, type NewAuthCheck } from "../api/authCheckSchemas.ts"
import { type FieldError, invalid, type Problem } from "../problems/Problem.ts"

type Sent = typeof NewAuthCheck.Type
type Form = (typeof checkForms)[number]

/** The fields that are there; `null` is there for `id` alone, where it means something. */
const givenIn = (sent: Sent): ReadonlyArray<string> =>
  Object.entries(sent)
    .filter(([name, value]) => value !== undefined && (value !== null || name === "id"))
    .map(([name]) => name)

/** The form to which the first field of `needs` leads. */
const formOf = (given: ReadonlyArray<string>): Form | undefined =>
  checkForms.find(({ needs }) => given.includes(needs[0])) ??
  checkForms.find(({ needs, may }) => [...needs, ...may].some((name) => name !== "path" && given.includes(name)))

const errorsOf = ({ needs, may }: Form, given: ReadonlyArray<string>): ReadonlyArray<FieldError> => {
  const known: ReadonlyArray<string> = [...needs, ...may]
  const missing = needs.filter((name) => !given.includes(name))
  return [
    ...missing.map((name) => ({ pointer: `/${name}`, detail: `Expected a value beside ${needs.join(" and ")}` })),
    ...given
      .filter((name) => !known.includes(name))
      .map((name) => ({
        pointer: `/${name}`,
        detail: `Expected no ${name} beside ${needs.join(" and ")}. ${FORMS_EXPECTED}`
      }))
  ]
}

const none = Redacted.make("")

const questionIn = (sent: Sent, form: Form): AuthQuestion => {
  switch (form.needs[0]) {
    case "url":
      return { _tag: "Url", url: sent.url ?? none, bearer: sent.bearer ?? null }
    case "server":
      return { _tag: "Obs", server: sent.server ?? none, streamKey: sent.stream_key ?? none }
    case "streamid":
      return { _tag: "StreamId", streamid: sent.streamid ?? none }
    case "stream_key_id":
      return { _tag: "Key", streamKeyId: sent.stream_key_id!, path: sent.path ?? "" }
    case "action":
      return {
        _tag: "Call",
        call: {
          action: sent.action ?? undefined,
          path: sent.path ?? "",
          protocol: sent.protocol ?? undefined,
          id: sent.id === null ? null : DESCRIBED_ID,
          user: sent.user ?? undefined,
          password: sent.password ?? undefined,
          token: sent.token ?? undefined,
          query: sent.query ?? undefined
        }
      }
  }
}

export const authQuestion = (sent: Sent): Effect.Effect<AuthQuestion, Problem<"validation">> => {
  const given = givenIn(sent)
  const form = formOf(given)
  if (form === undefined) return invalid([{ pointer: "", detail: FORMS_EXPECTED }])
  const errors = errorsOf(form, given)
  return errors.length > 0 ? invalid(errors) : Effect.succeed(questionIn(sent, form))
}
