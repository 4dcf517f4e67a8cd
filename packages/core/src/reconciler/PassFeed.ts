/**
 * What the reconciler saw, for those who act on it: the outcome of every pass that came to one. Only the newest is kept, so nobody who
 * listens holds the reconciler up. Without a listener the reconciler tells nobody.
 */
import { Context, Effect, Layer, Queue } from "effect"
import type { PassOutcome } from "./runPass.ts"

export const PassObserver = Context.Reference<(outcome: PassOutcome) => Effect.Effect<void>>("greenroom/PassObserver", {
  defaultValue: () => () => Effect.void
})

export class PassFeed extends Context.Service<
  PassFeed,
  {
    /** The newest outcome that was not taken yet; waits for one. */
    readonly next: Effect.Effect<PassOutcome>
  }
>()("greenroom/PassFeed") {
  /** To be provided to the reconciler's layer and to the listener. */
  static readonly layer: Layer.Layer<PassFeed> = Layer.effectContext(
    Effect.map(Queue.sliding<PassOutcome>(1), (outcomes) =>
      Context.make(PassFeed, PassFeed.of({ next: Queue.take(outcomes) })).pipe(
        Context.add(PassObserver, (outcome: PassOutcome) => Effect.asVoid(Queue.offer(outcomes, outcome)))
      )
    )
  )
}
