/** The log line and the metrics of a request, written after its answer: no answer waits for them. */
import { type Actor, actorType } from "@greenroom/core"
import { type Cause, Context, Effect, LogLevel, References } from "effect"
import * as HttpMetrics from "./HttpMetrics.ts"
import type { RequestContext } from "./RequestContext.ts"

/** The status in the log of a request whose client went away; it is not sent. */
export const { CLIENT_GONE } = HttpMetrics

export interface Finished {
  readonly method: string
  readonly status: number
  readonly millis: number
  readonly note: RequestContext["Service"]
  /** What broke; the line gets the whole of it. */
  readonly fault?: Cause.Cause<unknown> | undefined
}

const actorText = (actor: Actor): string => (actor._tag === "Token" ? `token ${actor.id}` : actorType(actor))

const levelOf = ({ status, note, fault }: Finished): LogLevel.Severity =>
  note.quiet && fault === undefined ? "Debug" : status >= 500 ? "Error" : "Info"

const logLine = ({ fault }: Finished, level: LogLevel.Severity) =>
  fault === undefined ? Effect.logWithLevel(level)("request") : Effect.logWithLevel(level)("request", fault)

export const logRequest = (finished: Finished): Effect.Effect<void> => {
  const { method, status, millis, note } = finished
  return Effect.annotateLogs(logLine(finished, levelOf(finished)), {
    method,
    route: note.route,
    path: note.path,
    status,
    duration_ms: Math.round(millis * 10) / 10,
    request_id: note.requestId,
    ...(note.previousSecret ? { previous_secret: true } : {}),
    ...(note.caller === null ? {} : { actor: actorText(note.caller.actor) }),
    ...note.facts
  })
}

/** In the microtasks of the present turn, which writes the answer. */
export const recordRequest = (context: Context.Context<never>, finished: Finished): void => {
  const { method, status, millis, note } = finished
  queueMicrotask(() => {
    HttpMetrics.count(context, { method, route: note.route, status, seconds: millis / 1000 })
    const least = Context.get(context, References.MinimumLogLevel)
    if (LogLevel.isGreaterThanOrEqualTo(levelOf(finished), least)) Effect.runForkWith(context)(logRequest(finished))
  })
}
