/** The event log's endpoints: a page of it, and the stream of what is new. */
import {
  CurrentCaller,
  type CursorLost,
  EventFeed,
  type EventFilter,
  end,
  type EventCursor as LogCursor,
  StoreUnavailable
} from "@greenroom/core"
import { withinCallersLimit } from "@greenroom/core/internal"
import { Effect, Stream } from "effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { ServedApi } from "../api/Api.ts"
import type { EventQuery, EventStreamQuery } from "../api/EventsApi.ts"
import { LIMIT_DEFAULT } from "../api/Input.ts"
import { EventPolls } from "../events/EventPolls.ts"
import { EventStreams } from "../events/EventStreams.ts"
import { keepApart } from "../listener/ConnectionLimits.ts"
import { note, RequestContext } from "../middleware/RequestContext.ts"
import { isProblem, problem } from "../problems/Problem.ts"
import { storeFailureToDefect } from "./handling.ts"

const RETRY_AFTER_SECONDS = 5

const whyLost: { readonly [W in CursorLost["why"]]: string } = {
  pruned: "Events after this cursor are not kept any more: go on from the cursor in oldest, or from now",
  other_log: "This cursor is of the log as it was before a restore: go on from the cursor in oldest, or from now",
  future: "The log has no such position yet: go on from the cursor in oldest, or from now"
}

const lostToProblem = <A, E, R>(effect: Effect.Effect<A, E | CursorLost, R>) =>
  Effect.catchTag(effect as Effect.Effect<A, CursorLost, R>, "CursorLost", ({ why, oldest }) =>
    Effect.fail(problem("cursor-lost", { detail: whyLost[why], reason: why, oldest }))
  ) as Effect.Effect<A, Exclude<E, CursorLost> | ReturnType<typeof problem<"cursor-lost">>, R>

/** A refusal is expected while the condition lasts, which has its own line. */
const noteRefusal = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.tapError(effect, (error) =>
    isProblem(error) && error.type === "/errors/too-many-readers"
      ? note({ quiet: true, retryAfterSeconds: RETRY_AFTER_SECONDS })
      : Effect.void
  )

/** One look at the log may answer several callers, so the caller's limit is in the question. */
const filterOf = ({ types, broadcasterId, streamId, path }: typeof EventStreamQuery.Type): Effect.Effect<EventFilter> =>
  withinCallersLimit({
    ...(types === undefined ? {} : { types }),
    ...(broadcasterId === undefined ? {} : { broadcasterId }),
    ...(streamId === undefined ? {} : { streamId }),
    ...(path === undefined ? {} : { path })
  })

/** The feed knows the end of the log once the store has answered it. */
const END_KNOWN_WITHIN = "3500 millis"

const endOfLog = Effect.flatMap(EventFeed, ({ head }) =>
  Effect.timeoutOrElse(Effect.map(head, end), {
    duration: END_KNOWN_WITHIN,
    orElse: () =>
      Effect.fail(new StoreUnavailable({ operation: "EventFeed.head", cause: new Error("The log was never read") }))
  })
)

const placeOf = (after: LogCursor | "now" | undefined) => (after === "now" ? endOfLog : Effect.succeed(after ?? null))

type Polls = EventPolls["Service"]
type Streams = EventStreams["Service"]

const poll = Effect.fnUntraced(function* (
  polls: Polls,
  { after, limit = LIMIT_DEFAULT, wait = 0, ...rest }: typeof EventQuery.Type
) {
  const question = { after: yield* placeOf(after), filter: yield* filterOf(rest), limit }
  const { body } = yield* polls.poll(question, wait)
  return HttpServerResponse.text(body, { contentType: "application/json" })
})

interface Connected {
  readonly socket: import("node:net").Socket
}

/** Of a request that came in through a listener of ours. */
const socketOf = ({ source }: HttpServerRequest) =>
  typeof source === "object" && "socket" in source ? (source as unknown as Connected).socket : null

const headers = { "content-type": "text/event-stream", "x-accel-buffering": "no" }

const stream = Effect.fnUntraced(function* (
  streams: Streams,
  request: HttpServerRequest,
  from: LogCursor | "now",
  query: typeof EventStreamQuery.Type
) {
  // A HEAD request is answered by this route, too.
  if (request.method !== "GET") return HttpServerResponse.stream(Stream.empty, { headers })
  const socket = socketOf(request)
  const cut = socket === null ? null : () => void socket.destroy()
  const { actor } = yield* CurrentCaller
  const { session } = yield* RequestContext
  const token = actor._tag === "Token" ? actor.id : null
  const output = yield* streams.open({ from, filter: yield* filterOf(query), token, ends: session?.ends ?? null, cut })
  if (socket !== null) keepApart(socket)
  return HttpServerResponse.raw(output, { headers })
})

export const layer = HttpApiBuilder.group(
  ServedApi,
  "events",
  Effect.fnUntraced(function* (handlers) {
    const polls = yield* EventPolls
    const streams = yield* EventStreams
    return handlers
      .handle("list", ({ query }) => noteRefusal(storeFailureToDefect(lostToProblem(poll(polls, query)))))
      .handleRaw("stream", ({ request, query, headers }) =>
        noteRefusal(stream(streams, request, headers["last-event-id"] ?? query.after ?? "now", query))
      )
  })
)
