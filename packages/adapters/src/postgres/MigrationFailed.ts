/** Why an installation in the database cannot be used, or was not brought up to date. Nothing has changed then: each run is one transaction. */
import { Data } from "effect"

export class MigrationFailed extends Data.TaggedError("MigrationFailed")<{
  /**
   * - `pending`: migrations are pending, and they were only to be checked.
   * - `not_permitted`: the role may not create the schema, or nothing in it.
   * - `elsewhere`: an installation stands in another schema, and it is not certain that it is the one that is meant.
   * - `too_old`: the server is older than the schema works on.
   * - `failed`: PostgreSQL or the network failed. Trying again may help.
   */
  readonly kind: "pending" | "not_permitted" | "elsewhere" | "too_old" | "failed"
  readonly message: string
  readonly cause?: unknown
}> {}

/** The reason or the cause of an error. */
export const errorBelow = (error: unknown): unknown => {
  if (typeof error !== "object" || error === null) return undefined
  return "reason" in error && typeof error.reason === "object" && error.reason !== null
    ? error.reason
    : "cause" in error
      ? error.cause
      : undefined
}

/** The deepest message of a driver's error: what PostgreSQL or the network reported. */
export const messageIn = (error: unknown): string => {
  let deepest = error
  for (let depth = 0; depth < 8; depth++) {
    const next = errorBelow(deepest)
    if (next === undefined || next === null) break
    deepest = next
  }
  return deepest instanceof Error ? deepest.message : String(deepest)
}

export const migrationFailed = (cause: unknown, title?: string): MigrationFailed =>
  cause instanceof MigrationFailed
    ? cause
    : new MigrationFailed({
        kind: "failed",
        message: title === undefined ? messageIn(cause) : `${title} failed: ${messageIn(cause)}`,
        cause
      })
