/**
 * `POST /v1/mediamtx/events/*`: the pipeline's events. They do what the webhooks do. The members of its log line
 * are fixed here: event, path, stream_id, direction, source_type, source_id, query, correlation_id.
 */
import { randomUUID } from "node:crypto"
import { parsePipelinePath, receiveHook, withoutKeys } from "@greenroom/core"
import { Effect, Layer, Redacted } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { HookEvent, type NotReadyReceived, type ReadyReceived } from "../api/PipelineApi.ts"
import { EVENT_REFUSED_STATUS } from "../api/problemSchemas.ts"
import { given } from "../body/given.ts"
import { jsonBody } from "../body/jsonBody.ts"
import { hookRoute } from "../middleware/HookSecret.ts"
import { note, RequestContext } from "../middleware/RequestContext.ts"
import { redactQuery } from "../middleware/redactQuery.ts"

const messages = { ready: "Ready event received", "not-ready": "Not-ready event received" } as const
const kinds = { ready: "ready", "not-ready": "not_ready" } as const
type Event = keyof typeof messages

const readBody = jsonBody(HookEvent).pipe(
  Effect.mapError((problem) =>
    "type" in problem && problem.type === "/errors/validation" ? { ...problem, status: EVENT_REFUSED_STATUS } : problem
  )
)

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The request's own id where that is a UUID, so that the caller may choose it. */
const correlationId = Effect.map(RequestContext, ({ requestId }) => (uuid.test(requestId) ? requestId : randomUUID()))

const partsOf = (path: string) => {
  const parsed = parsePipelinePath(path)
  return { stream_id: parsed?.id ?? "", direction: parsed?.direction ?? "in" }
}

const answer = Effect.fnUntraced(function* (event: Event, isProtected: boolean) {
  const { path, sourceType, sourceId, query = null } = yield* readBody
  const correlation_id = yield* correlationId
  const { stream_id, direction } = partsOf(path)
  yield* note({
    facts: {
      event,
      path: withoutKeys(path),
      stream_id: withoutKeys(stream_id),
      direction,
      source_type: sourceType,
      source_id: sourceId === null ? null : withoutKeys(sourceId),
      query: query === null ? null : redactQuery(Redacted.value(query)),
      correlation_id
    }
  })
  yield* receiveHook({
    kind: kinds[event],
    path,
    sourceType: given(sourceType),
    sourceId: given(sourceId),
    protected: isProtected
  })
  const body = { status: "received", message: messages[event], stream_id, direction, correlation_id } satisfies
    | typeof ReadyReceived.Type
    | typeof NotReadyReceived.Type
  return HttpServerResponse.jsonUnsafe(body)
})

const route = (event: Event) => hookRoute(`/v1/mediamtx/events/${event}`, (isProtected) => answer(event, isProtected))

export const layer = Layer.merge(route("ready"), route("not-ready"))
