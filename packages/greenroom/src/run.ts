/** Runs the programs of the core as promises. What they fail with becomes a `GreenroomError`. */
import type { InvalidArgument } from "@greenroom/core"
import { Cause, Effect, Exit, type ManagedRuntime, Option } from "effect"
import type { Services } from "./application.ts"
import { closedError, GreenroomError } from "./GreenroomError.ts"

export type Run = <A, E>(program: Effect.Effect<A, E, Services>) => Promise<A>

const tagOf = (error: unknown): string | undefined =>
  typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : undefined

const errorOf = (error: unknown): GreenroomError => {
  if (error instanceof GreenroomError) return error
  const message = error instanceof Error ? error.message : String(error)
  switch (tagOf(error)) {
    case "ExternalIdTaken":
      return new GreenroomError("external_id_taken", "Another broadcaster has this external id")
    case "InvalidArgument": {
      const [fault] = (error as InvalidArgument).faults
      return new GreenroomError(
        "invalid_argument",
        message,
        fault === undefined ? {} : { argument: fault.path.join(".") }
      )
    }
    case "MediaServerUnavailable":
      return new GreenroomError("media_server_unavailable", message, { cause: error })
    case "StoreUnavailable":
      return new GreenroomError("store_unavailable", message, { cause: error })
    default:
      // A defect, or an interruption by `close`.
      throw error
  }
}

/** `isClosed`: nothing is begun any more. */
export const runWith =
  (runtime: ManagedRuntime.ManagedRuntime<Services, unknown>, isClosed: () => boolean): Run =>
  async (program) => {
    if (isClosed()) throw closedError()
    const exit = await runtime.runPromiseExit(program)
    if (Exit.isSuccess(exit)) return exit.value
    if (Cause.hasInterruptsOnly(exit.cause)) throw new GreenroomError("closed", "This Greenroom was closed meanwhile")
    throw errorOf(Cause.squash(exit.cause))
  }

/** The reasons for which the driver has no connection, in the words of Effect's `SqlError`. */
const noConnection = new Set(["ConnectionError", "AuthenticationError", "AuthorizationError"])

/** Whether a failed connection is at the bottom of it. */
const isConnectionMissing = (error: unknown): boolean => {
  let below: unknown = error
  for (let depth = 0; depth < 8 && typeof below === "object" && below !== null; depth++) {
    if (noConnection.has(tagOf(below) ?? "")) return true
    below = "reason" in below ? below.reason : "cause" in below ? below.cause : undefined
  }
  return false
}

/** What a start fails with. */
export const startError = (error: unknown): GreenroomError => {
  if (error instanceof GreenroomError) return error
  const message = error instanceof Error ? error.message : String(error)
  return isConnectionMissing(error)
    ? new GreenroomError("store_unavailable", `The database cannot be used: ${message}`, { cause: error })
    : new GreenroomError("migration_failed", message, { cause: error })
}

export const orNull = <A, E, R>(program: Effect.Effect<Option.Option<A>, E, R>) =>
  Effect.map(program, (found) => Option.getOrNull(found))
