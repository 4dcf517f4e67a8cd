/**
 * Spans of what an operator wants to see of a request: `authenticate`, admissions, database operations, control API calls, webhooks. Without a
 * tracer there are none: Effect's default tracer costs about 5 µs a span although it shows nothing, this check about 0.1 µs
 * (docs/measurements.md). No name or attribute holds what a client sent.
 */
import { Context, Effect, Exit, type Fiber, Option, References, Tracer } from "effect"

/**
 * Whether spans are collected: the tracer that Effect has by default exports nothing, and a request that is not sampled switches spans off for all
 * that it does.
 */
export const isTraced = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  fiber.getRef(Tracer.Tracer) !== Tracer.nativeTracer && fiber.getRef(References.TracerEnabled)

/** `attributesOf`: what the span shows of a success. */
export const withSpanIfTraced = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  name: string,
  attributesOf?: (value: A) => Readonly<Record<string, unknown>>
): Effect.Effect<A, E, R> =>
  Effect.withFiber<A, E, R>((fiber) => {
    if (!isTraced(fiber)) return effect
    const described =
      attributesOf === undefined
        ? effect
        : Effect.tap(effect, (value) => Effect.annotateCurrentSpan(attributesOf(value)))
    return Effect.withSpan(described, name) as Effect.Effect<A, E, R>
  })

/** Marks a span that begins a trace although no request does: without it, work of the background is not traced. */
export const StartsTrace = Context.Reference<boolean>("greenroom/StartsTrace", { defaultValue: () => false })

type Outcome = Readonly<Record<string, string | undefined>>

/** A call to another process, as metrics and spans describe it. */
export interface OutgoingCall<A, E> {
  readonly name: string
  readonly attributes: Readonly<Record<string, unknown>>
  /** What its end adds to the attributes: a status, an `error.type`. */
  readonly outcome: (exit: Exit.Exit<A, E>) => Outcome
  readonly record: (outcome: Outcome, seconds: number, context: Context.Context<never>) => void
  /** Begins a trace where no request is its cause. Else it has a span in a trace alone: what happens every second is shown by metrics. */
  readonly startsTrace: boolean
}

/** A span has a status as a number, a metric has every attribute as text. */
const shown = (outcome: Outcome) => {
  const given = Object.entries(outcome).filter(([, value]) => value !== undefined)
  return Effect.annotateCurrentSpan(
    Object.fromEntries(given.map(([name, value]) => [name, name.endsWith(".status_code") ? Number(value) : value]))
  )
}

const inSpan = <A, E, R>(effect: Effect.Effect<A, E, R>, call: OutgoingCall<A, E>, isRoot: boolean) =>
  Effect.onExit(effect, (exit) => shown(call.outcome(exit))).pipe(
    Effect.withSpan(call.name, {
      kind: "client",
      attributes: call.attributes,
      ...(isRoot ? { root: true, annotations: Context.make(StartsTrace, true) } : {})
    })
  ) as Effect.Effect<A, E, R>

const spanned = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  call: OutgoingCall<A, E>,
  fiber: Fiber.Fiber<unknown, unknown>
) => {
  if (!isTraced(fiber)) return effect
  // A driver's own spans would hold the text of statements.
  const silent = Effect.withTracerEnabled(effect, false)
  const isInTrace = propagated(fiber)?.sampled === true
  return isInTrace || call.startsTrace ? inSpan(silent, call, !isInTrace) : silent
}

/** Measures a call to another process; a span shows it where spans are collected. */
export const outgoing = <A, E, R>(effect: Effect.Effect<A, E, R>, call: OutgoingCall<A, E>): Effect.Effect<A, E, R> =>
  Effect.withFiber<A, E, R>((fiber) => {
    const begun = performance.now()
    return Effect.onExit(spanned(effect, call, fiber), (exit) =>
      Effect.sync(() => call.record(call.outcome(exit), (performance.now() - begun) / 1_000, fiber.context))
    )
  })

/** What ended a call that has no more special name: the tag or the class of the error. Both are few. */
export const errorTypeOf = <A, E>(exit: Exit.Exit<A, E>): string | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  const error = exit.cause.reasons.find(({ _tag }) => _tag === "Fail")
  if (error === undefined) return Exit.hasInterrupts(exit) ? "interrupted" : "defect"
  return nameOf((error as { readonly error: unknown }).error)
}

const nameOf = (error: unknown): string => {
  if (typeof error !== "object" || error === null) return "other"
  if ("_tag" in error && typeof error._tag === "string") return error._tag
  return error.constructor.name
}

/** The nearest span that others can know: one that was switched off has no id. */
const propagated = (fiber: Fiber.Fiber<unknown, unknown>): Tracer.AnySpan | undefined => {
  let span = Option.getOrUndefined(Context.getOption(fiber.context, Tracer.ParentSpan))
  while (span?._tag === "Span" && Context.get(span.annotations, Tracer.DisablePropagation))
    span = Option.getOrUndefined(span.parent)
  return span
}

/** The header `traceparent` (W3C Trace Context, level 1) for a call that this fiber makes; `undefined` where there is no trace. */
export const traceparent = (fiber: Fiber.Fiber<unknown, unknown>): string | undefined => {
  if (fiber.getRef(Tracer.Tracer) === Tracer.nativeTracer) return undefined
  const span = propagated(fiber)
  return span === undefined
    ? undefined
    : `00-${span.traceId.padStart(32, "0")}-${span.spanId}-${span.sampled ? "01" : "00"}`
}
