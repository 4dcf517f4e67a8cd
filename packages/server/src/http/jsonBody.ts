/**
 * The JSON body of a plain route, refused in the same words as an HttpApi endpoint's. The errors are problems, not schema errors:
 * a row of the store that does not decode is one of those, too, and must never be taken for a bad request.
 */
import { Effect, Schema } from "effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type { Complaint } from "./api/Problems.ts"
import { UnsupportedMediaType, ValidationFailed } from "./api/Problems.ts"
import { complaintsOf, malformedJson } from "./complaints.ts"
import { validation } from "./problemDocument.ts"

const isJson = (contentType: string | undefined): boolean =>
  contentType === undefined || /^\s*application\/json\s*(;|$)/i.test(contentType)

const parse = (text: string): Effect.Effect<unknown, ValidationFailed> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(JSON.parse(text) as unknown)
    } catch {
      return invalid([malformedJson])
    }
  })

/** A 400 that names what is wrong. */
export const invalid = (errors: ReadonlyArray<Complaint>) =>
  Effect.fail(new ValidationFailed({ errors, detail: validation(errors).detail ?? "" }))

/** `whatever`: the body is read as JSON whatever its content type says. */
export const jsonBody = <A, I>(schema: Schema.Codec<A, I>, contentType: "json" | "whatever" = "json") => {
  const decode = Schema.decodeUnknownEffect(schema, { errors: "all" })
  return Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    if (contentType === "json" && !isJson(request.headers["content-type"])) return yield* new UnsupportedMediaType({})
    const body = yield* parse(yield* request.text)
    return yield* Effect.catch(decode(body), (error) => invalid(complaintsOf(error)))
  })
}
