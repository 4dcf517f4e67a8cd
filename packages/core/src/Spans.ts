/**
 * Spans of what an operator wants to see of a request: `authenticate`, admissions, control API calls. Without a tracer there are none: Effect's
 * default tracer costs about 5 µs a span although it shows nothing, this check about 0.1 µs (docs/measurements.md). No name or attribute holds what a client sent.
 */
import { Context, Effect, type Fiber, Tracer } from "effect"

/** Whether spans are collected: the tracer that Effect has by default exports nothing. */
export const isTraced = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  fiber.getRef(Tracer.Tracer) !== Tracer.nativeTracer

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

/** Only as a part of a span: what the reconciler does every second by itself is shown by metrics, not by a trace each. */
export const withChildSpanIfTraced = <A, E, R>(effect: Effect.Effect<A, E, R>, name: string): Effect.Effect<A, E, R> =>
  Effect.withFiber<A, E, R>((fiber) => {
    const isChild = isTraced(fiber) && Context.getOption(fiber.context, Tracer.ParentSpan)._tag === "Some"
    return isChild ? (Effect.withSpan(effect, name) as Effect.Effect<A, E, R>) : effect
  })
