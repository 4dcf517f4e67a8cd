/** Ports that note each call, and let something happen in front of it: a failure, a wait, or what somebody else does just then. */
import { MediaServerUnavailable, StoreUnavailable } from "@greenroom/core"
import { Clock, DateTime, Effect } from "effect"

export interface Call {
  readonly name: string
  readonly args: ReadonlyArray<unknown>
}

export const storeDown = Effect.fail(new StoreUnavailable({ operation: "test", cause: new Error("down") }))
/** The store's own answer: it did nothing. */
export const storeRefuses = Effect.fail(
  new StoreUnavailable({ operation: "test", cause: new Error("lock timeout"), rolledBack: true })
)
export const mediaServerDown = Effect.fail(
  new MediaServerUnavailable({ reason: "unreachable", operation: "GET /v3/info", detail: "connection refused" })
)

export const makeCalls = () => {
  const calls: Array<Call> = []
  // biome-ignore lint/suspicious/noExplicitAny: what comes before a call may do and fail as it likes
  const before: Record<string, (...args: ReadonlyArray<any>) => Effect.Effect<unknown, any>> = {}
  /** A call by its name, `run` after what comes before it, with the time of the test clock. */
  const port =
    <Args extends ReadonlyArray<unknown>, A, E>(name: string, run: (now: DateTime.Utc, ...args: Args) => A) =>
    (...args: Args): Effect.Effect<A, E> =>
      Effect.suspend(() => {
        calls.push({ name, args })
        const first = before[name]?.(...args) ?? Effect.void
        return Effect.andThen(
          first,
          Effect.map(Clock.currentTimeMillis, (now) => run(DateTime.makeUnsafe(now), ...args))
        )
      })
  return { calls, before, port }
}

export type Port = ReturnType<typeof makeCalls>["port"]
