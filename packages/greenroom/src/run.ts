/** Runs the programs of the core as promises. What they fail with becomes a `GreenroomError`. */
import type { InvalidArgument } from "@greenroom/core"
import { Cause, Effect, Exit, type ManagedRuntime } from "effect"
import type { Services } from "./application.ts"
import { GreenroomError } from "./GreenroomError.ts"

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
    if (isClosed()) throw new GreenroomError("closed", "This Greenroom is closed")
    const exit = await runtime.runPromiseExit(program)
    if (Exit.isSuccess(exit)) return exit.value
    if (Cause.hasInterruptsOnly(exit.cause)) throw new GreenroomError("closed", "This Greenroom was closed meanwhile")
    throw errorOf(Cause.squash(exit.cause))
  }

/** What a start fails with. */
export const startError = (error: unknown): GreenroomError => {
  if (error instanceof GreenroomError) return error
  const message = error instanceof Error ? error.message : String(error)
  const isConnection = /ECONN|connect|timeout|authenticat/i.test(
    `${message} ${String((error as { cause?: unknown })?.cause)}`
  )
  return isConnection
    ? new GreenroomError("store_unavailable", `The database cannot be used: ${message}`, { cause: error })
    : new GreenroomError("migration_failed", `The schema could not be brought up to date: ${message}`, { cause: error })
}

export const orNull = <A, E, R>(program: Effect.Effect<import("effect").Option.Option<A>, E, R>) =>
  Effect.map(program, (found) => (found._tag === "None" ? null : found.value))
