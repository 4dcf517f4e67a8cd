/**
 * A route in front of Effect's router, on Node's own request and response: the request's context, log line, metrics, span and problem
 * documents are those of the request middleware. It takes plain requests alone; whatever is unusual about one is left to the router's
 * route of the same path. It saves a sixth to a quarter of the processor time of an auth call (docs/measurements.md).
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http"
import { Cause, Context, Effect, Exit, Fiber, References } from "effect"
import { LinkedList } from "../listener/LinkedList.ts"
import { newRequestContext, pathOf, RequestContext } from "../middleware/RequestContext.ts"
import { CLIENT_GONE, recordRequest } from "../middleware/recordRequest.ts"
import { refusedByHead } from "../middleware/requestHead.ts"
import { traced } from "../middleware/serverSpan.ts"
import { PROBLEM_JSON, writtenProblem } from "../middleware/writtenProblem.ts"
import { problemOf } from "../problems/problemOf.ts"

/** Whether it answers the request; false: the router does. */
export type DirectHandler = (request: IncomingMessage, response: ServerResponse) => boolean

type Note = RequestContext["Service"]

export interface DirectRoute<E, R> {
  readonly method: string
  readonly path: `/${string}`
  /** By the headers alone. */
  readonly takes: (headers: IncomingHttpHeaders) => boolean
  /** The JSON of a 200. A failure is answered as the request middleware would. */
  readonly answer: (body: Buffer, note: Note) => Effect.Effect<string, E, R>
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A whole body of known length, and nothing to be negotiated. */
const isPlain = (request: IncomingMessage, { method, path }: DirectRoute<unknown, unknown>): boolean => {
  const { url = "", headers } = request
  return (
    request.method === method &&
    pathOf(url) === path &&
    headers["content-length"] !== undefined &&
    headers["transfer-encoding"] === undefined &&
    refusedByHead({ url, headers, source: request }) === undefined
  )
}

const allowed = (body: string, { requestId, decisionId }: Note): Answer => ({
  status: 200,
  headers: {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-request-id": requestId,
    ...(decisionId === null ? {} : { "x-decision-id": decisionId })
  },
  body
})

/** What the fiber of one request does and leaves. */
const answerOf = <E, R>(effect: Effect.Effect<string, E, R>, note: Note, noteFault: (fault: Cause.Cause<E>) => void) =>
  Effect.matchCauseEffect(effect, {
    onSuccess: (body) => Effect.succeed(allowed(body, note)),
    onFailure: (cause): Effect.Effect<Answer, E> => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
      const { problem, isFault } = problemOf(Cause.squash(cause), [])
      if (isFault) noteFault(cause)
      const { status, headers, body } = writtenProblem(problem, note, [])
      return Effect.succeed({ status, headers: { "content-type": PROBLEM_JSON, ...headers }, body })
    }
  })

const send = (response: ServerResponse, { status, headers, body }: Answer): void => {
  if (response.destroyed) return
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) })
  response.end(body)
}

/** `route` runs in fibers that end with the scope, with the services of the caller. */
export const directHandler = Effect.fnUntraced(function* <E, R>(route: DirectRoute<E, R | RequestContext>) {
  const services = yield* Effect.context<Exclude<R, RequestContext>>()
  const open = new LinkedList<Fiber.Fiber<Answer, E>>()
  yield* Effect.addFinalizer(() => Fiber.interruptAll(open))

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const began = performance.now()
    const { method = "", url = "", headers, socket } = request
    const sentId = headers["x-request-id"]
    const note = newRequestContext(url, typeof sentId === "string" ? sentId : undefined, socket.remoteAddress)
    note.route = route.path
    const context = services.pipe(
      Context.add(RequestContext, note),
      Context.add(References.CurrentLogAnnotations, { request_id: note.requestId })
    ) as Context.Context<R | RequestContext>
    let fault: Cause.Cause<unknown> | undefined
    let fiber: Fiber.Fiber<Answer, E> | undefined

    const record = (status: number): void =>
      recordRequest(services as Context.Context<never>, {
        method,
        status,
        millis: performance.now() - began,
        note,
        fault
      })
    /** Total: it runs outside of any listener, where an exception would end the process. */
    const finish = (exit: Exit.Exit<Answer, E>): void => {
      if (Exit.isSuccess(exit)) {
        send(response, exit.value)
        record(exit.value.status)
        return
      }
      response.destroy()
      if (Cause.hasInterruptsOnly(exit.cause)) record(CLIENT_GONE)
      else {
        fault = exit.cause
        record(500)
      }
    }
    const answer = (body: Buffer): void => {
      const suspended = Effect.suspend(() => route.answer(body, note))
      const answered = answerOf(suspended, note, (cause) => {
        fault = cause
      })
      fiber = Effect.runForkWith(context)(traced(answered, { method, headers }, note, () => route.path))
      const node = open.add(fiber)
      fiber.addObserver((exit) => {
        open.remove(node)
        finish(exit)
      })
    }

    const pieces: Array<Buffer> = []
    request.on("data", (piece: Buffer) => pieces.push(piece))
    request.once("end", () => answer(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)))
    response.once("close", () => {
      if (response.writableEnded) return
      if (fiber === undefined) record(CLIENT_GONE)
      else fiber.interruptUnsafe()
    })
  }

  const handler: DirectHandler = (request, response) => {
    if (!isPlain(request, route) || !route.takes(request.headers)) return false
    handle(request, response)
    return true
  }
  return handler
})
