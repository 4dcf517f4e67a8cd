/** Ports that note each call, and let something happen in front of it: a failure, a wait, or what somebody else does just then. */
import { MediaServerUnavailable, StoreUnavailable } from "@greenroom/core"
import { Effect } from "effect"

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

// biome-ignore lint/suspicious/noExplicitAny: what a port has
type Operation = Effect.Effect<any, any>

export const makeCalls = () => {
  const calls: Array<Call> = []
  // biome-ignore lint/suspicious/noExplicitAny: what comes before a call may do and fail as it likes
  const before: Record<string, (...args: ReadonlyArray<any>) => Effect.Effect<unknown, any>> = {}
  const call = (name: string, args: ReadonlyArray<unknown>, operation: Operation): Operation =>
    Effect.suspend(() => {
      calls.push({ name, args })
      return Effect.andThen(before[name]?.(...args) ?? Effect.void, operation)
    })
  /** The service, each of whose operations is noted, and runs after what comes before it. */
  const noted = <S extends object>(port: string, service: S): S =>
    Object.fromEntries(
      Object.entries(service).map(([name, operation]) => [
        name,
        typeof operation === "function"
          ? (...args: ReadonlyArray<unknown>) => call(`${port}.${name}`, args, operation(...args))
          : call(`${port}.${name}`, [], operation)
      ])
    ) as S
  return { calls, before, noted }
}

export type Noted = ReturnType<typeof makeCalls>["noted"]
