/**
 * The problems that an endpoint declares, as schemas, for the document and for the types of what handlers may fail with. `instance`,
 * `code` and `request_id` are added to each where the answer leaves the service.
 */
import { Effect, Layer, Schema } from "effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { FieldError, isProblem, type Problem } from "../problems/Problem.ts"
import { type ProblemName, problemNames, problemType, typeOf } from "../problems/problemTypes.ts"
import { refusalNames } from "../problems/refusals.ts"

const pascalCase = (name: string): string => name.replaceAll(/(?:^|-)([a-z])/g, (_, letter) => letter.toUpperCase())

export const schemaNameOf = (name: ProblemName): string => problemType(name).schema ?? pascalCase(name)

const optionalText = Schema.optionalKey(Schema.String)
const members = {
  detail: optionalText,
  instance: optionalText,
  code: optionalText.annotate({ description: "The problem's stable name, for programs" }),
  request_id: optionalText.annotate({ description: "The X-Request-ID of this answer" })
}

const lostMembers = {
  reason: Schema.Literals(["pruned", "other_log", "future"]),
  oldest: Schema.String.annotate({ description: "The cursor before the oldest event that is left" })
}

/** What an answer to an auth call has beside. */
const ofDecision = {
  decision_id: optionalText.annotate({ description: "The decision's id in GET /auth-decisions" }),
  remedy: optionalText.annotate({ description: "What to do about it" })
}

const hasDecision = (name: ProblemName): boolean =>
  name === "unauthorized" || name === "store-unavailable" || refusalNames.some((refusal) => refusal === name)

const make = (name: ProblemName, status: number, identifier: string) =>
  Schema.Struct({
    type: Schema.Literal(typeOf(name)),
    status: Schema.Literal(status),
    title: Schema.Literal(problemType(name).title),
    ...members,
    ...(hasDecision(name) ? ofDecision : {}),
    ...(name === "validation" || name === "playback-token-too-long" ? { errors: Schema.Array(FieldError) } : {}),
    ...(name === "cursor-lost" ? lostMembers : {}),
    ...(name === "conflict" ? { errors: Schema.optionalKey(Schema.Array(FieldError)) } : {})
  })
    .annotate({ identifier, description: problemType(name).title })
    .pipe(HttpApiSchema.asJson({ contentType: "application/problem+json" }), HttpApiSchema.status(status))

const schemas = new Map(problemNames.map((name) => [name, make(name, problemType(name).status, schemaNameOf(name))]))

type ProblemSchemas<N extends ProblemName> = ReadonlyArray<Schema.Codec<Problem<N>, object>>

/** The schemas of the problems with these names. */
export const problems = <const Names extends ReadonlyArray<ProblemName>>(
  ...names: Names
): ProblemSchemas<Names[number]> => names.map((name) => schemas.get(name)) as never

/** What the /v1/mediamtx calls answer instead of validation's 400. */
export const EVENT_REFUSED_STATUS = 422
export const eventRefused: ProblemSchemas<"validation"> = [
  make("validation", EVENT_REFUSED_STATUS, "EventRefused")
] as never

const always = ["store-unavailable", "internal"] as const
/** What a call with parameters may answer besides its own problems. */
export const onInput = ["validation", ...always] as const
/** What a list may answer. */
export const onList = ["busy", ...onInput] as const
/** What a call with a JSON body may answer. */
export const onBody = ["validation", "payload-too-large", "unsupported-media-type", ...always] as const

/** Problems leave endpoints as defects, so that the request middleware gets the value and not a response that it would have to parse. */
export class ProblemsAsValues extends HttpApiMiddleware.Service<ProblemsAsValues>()("greenroom/http/ProblemsAsValues") {
  static readonly layer = Layer.succeed(ProblemsAsValues, (endpoint) =>
    Effect.catch(endpoint, (error) => (isProblem(error) ? Effect.die(error) : Effect.fail(error)))
  )
}
