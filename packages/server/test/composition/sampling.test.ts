/** Which spans are collected: requests and deliveries of webhooks, the share of them that is wanted, and what a caller decides. */
import { assert, describe, it } from "@effect/vitest"
import { StartsTrace } from "@greenroom/core/internal"
import { Context, Effect, Tracer } from "effect"
import { sampling } from "../../src/composition/sampling.ts"
import type { Sampler } from "../../src/config/OpenTelemetry.ts"

const all: Sampler = { followsCaller: true, ratio: 1 }

/** Whether a span with these options is collected. */
const sampled = (sampler: Sampler, options: Tracer.SpanOptions) =>
  Effect.map(Effect.withSpan(Effect.currentSpan, "a span", options), (span) => span.sampled).pipe(
    Effect.provideService(
      Tracer.Tracer,
      sampling(Tracer.make({ span: (given) => new Tracer.NativeSpan(given) }), sampler)
    )
  )

const caller = (isSampled: boolean, traceId = "f".repeat(32)) => ({
  kind: "server" as const,
  parent: Tracer.externalSpan({ traceId, spanId: "1".repeat(16), sampled: isSampled })
})

describe("a span is collected", () => {
  it.effect("of a request and of a delivery, and not of what goes on by itself", () =>
    Effect.gen(function* () {
      assert.isTrue(yield* sampled(all, { kind: "server" }))
      assert.isTrue(yield* sampled(all, { kind: "client", annotations: Context.make(StartsTrace, true) }))
      for (const kind of ["client", "internal", "producer"] as const) assert.isFalse(yield* sampled(all, { kind }))
    })
  )

  it.effect("as its caller decided, where the sampler follows callers", () =>
    Effect.gen(function* () {
      for (const ratio of [0, 1]) {
        assert.isTrue(yield* sampled({ followsCaller: true, ratio }, caller(true)))
        assert.isFalse(yield* sampled({ followsCaller: true, ratio }, caller(false)))
      }
    })
  )

  it.effect("by the caller's trace id, where it does not: the same in every service", () =>
    Effect.gen(function* () {
      const half: Sampler = { followsCaller: false, ratio: 0.5 }
      for (const isSampled of [true, false]) {
        assert.isTrue(yield* sampled(half, caller(isSampled, `${"f".repeat(19)}7${"f".repeat(12)}`)))
        assert.isFalse(yield* sampled(half, caller(isSampled, `${"0".repeat(19)}8${"0".repeat(12)}`)))
      }
    })
  )

  it.effect("inside one that is, and not inside one that is not", () =>
    Effect.gen(function* () {
      const tracer = sampling(Tracer.make({ span: (given) => new Tracer.NativeSpan(given) }), { ...all, ratio: 0 })
      const inner = Effect.withSpan(Effect.currentSpan, "inside")
      const within = (options: Tracer.SpanOptions) =>
        Effect.map(Effect.withSpan(inner, "request", options), (span) => span.sampled).pipe(
          Effect.provideService(Tracer.Tracer, tracer)
        )
      assert.isTrue(yield* within(caller(true)))
      assert.isFalse(yield* within({ kind: "server" }))
    })
  )

  it.effect("about as often as the share says", () =>
    Effect.gen(function* () {
      const many = yield* Effect.forEach(Array.from({ length: 4_000 }), () =>
        sampled({ followsCaller: true, ratio: 0.25 }, { kind: "server" })
      )
      // Six standard deviations.
      assert.approximately(many.filter(Boolean).length, 1_000, 165)
    })
  )
})
