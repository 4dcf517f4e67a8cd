/**
 * Which spans are collected. A trace is a request of a client, or the delivery of a webhook; metrics show what goes on by itself every second. Of
 * those that may begin here the sampler takes a share, by OpenTelemetry's rules.
 */
import { StartsTrace } from "@greenroom/core/internal"
import { Context, Option, Tracer } from "effect"
import type { Sampler } from "../config/OpenTelemetry.ts"

type Options = Parameters<Tracer.Tracer["span"]>[0]

/** Digits of a trace id that are compared: as many as a number holds exactly. */
const DIGITS = 13

/** The same for every service that decides by the trace id. */
const isTaken = (traceId: string, ratio: number): boolean =>
  Number.parseInt(traceId.slice(-DIGITS), 16) < ratio * 16 ** DIGITS

const isSampled = (options: Options, { followsCaller, ratio }: Sampler): boolean => {
  const parent = Option.getOrUndefined(options.parent)
  if (parent?._tag === "Span") return options.sampled
  if (parent !== undefined) return followsCaller ? options.sampled : isTaken(parent.traceId, ratio)
  const begins = options.kind === "server" || Context.get(options.annotations, StartsTrace)
  return begins && (ratio === 1 || Math.random() < ratio)
}

export const sampling = (tracer: Tracer.Tracer, sampler: Sampler): Tracer.Tracer =>
  Tracer.make({
    span: (options) => tracer.span({ ...options, sampled: isSampled(options, sampler) }),
    context: tracer.context
  })
