/**
 * The JSON body of a plain route, with the same errors as an HttpApi endpoint's. The errors are problems, not schema errors: a row of the
 * store that does not decode is a schema error, too, and must never count as a bad request.
 */
import { Effect, Schema } from "effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import { allErrors, noUnknownFields } from "../api/Input.ts"
import { fieldErrorsOf, malformedJson } from "../problems/fieldErrors.ts"
import { type FieldError, failWith, invalid, type Problem } from "../problems/Problem.ts"
import { bodyText, jsonText } from "./bodyText.ts"

export const isJson = (contentType: string | undefined): boolean =>
  contentType === undefined || /^\s*application\/json\s*(;|$)/i.test(contentType)

export const parseJson = (text: string): Effect.Effect<unknown, Problem<"validation">> => {
  try {
    return Effect.succeed(JSON.parse(text) as unknown)
  } catch {
    return invalid([malformedJson])
  }
}

/** What was parsed of a request's body, not decoded yet. */
export const jsonValue = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
  isJson(request.headers["content-type"])
    ? Effect.flatMap(jsonText(request), parseJson)
    : failWith("unsupported-media-type")
)

const whatever = Effect.flatMap(Effect.flatMap(HttpServerRequest.HttpServerRequest, bodyText), parseJson)

/**
 * Only a body with an error is searched for all of them: that takes longer than to stop at the first, and nearly all have none.
 */
export const decoder = <A, I>(schema: Schema.Codec<A, I>) => {
  const decode = Schema.decodeUnknownEffect(schema)
  const decodeForAllErrors = Schema.decodeUnknownEffect(schema, allErrors)
  return (body: unknown) =>
    Effect.catch(decode(body), () => Effect.catch(decodeForAllErrors(body), (error) => invalid(fieldErrorsOf(error))))
}

/** `whatever`: the body is read as JSON whatever its content type. Unknown fields are ignored. */
export const jsonBody = <A, I>(schema: Schema.Codec<A, I>, contentType: "json" | "whatever" = "json") =>
  Effect.flatMap(contentType === "json" ? jsonValue : whatever, decoder(schema))

/**
 * An operator's body: unknown fields are refused. When it does not decode, `alsoWrong` gets the fields that were sent and adds what a
 * schema cannot know, so that the answer lists everything at once.
 */
export const operatorBody = <A, I, R>(
  schema: Schema.Codec<A, I>,
  alsoWrong: (sent: Readonly<Record<string, unknown>>) => Effect.Effect<ReadonlyArray<FieldError>, never, R>
) => {
  const decode = Schema.decodeUnknownEffect(schema, noUnknownFields)
  // What breaks in reading leaves as a defect, as it does from the HttpApi builder, and the request middleware answers it.
  return Effect.flatMap(Effect.catchTag(jsonValue, "HttpServerError", Effect.die), (body) =>
    Effect.catch(decode(body), (error) =>
      Effect.flatMap(alsoWrong(Object(body)), (more) => invalid([...fieldErrorsOf(error), ...more]))
    )
  )
}
