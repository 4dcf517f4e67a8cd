/** What the parts of a listener share: its name in metrics and log lines, and how they log and count. */
import { type Context, Effect } from "effect"

export type ListenerName = "api" | "hooks" | "metrics"

export interface ListenerEnvironment {
  readonly name: ListenerName
  readonly context: Context.Context<never>
  /** Runs in the background, for the log and the metrics. */
  readonly run: (effect: Effect.Effect<void>) => void
}

export const listenerEnvironment = (name: ListenerName, context: Context.Context<never>): ListenerEnvironment => ({
  name,
  context,
  run: (effect) => void Effect.runForkWith(context)(effect)
})
