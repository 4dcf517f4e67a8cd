/** What callers pass, in the forms that the core takes. The use cases check it; what they find is `invalid_argument`. */
import { DateTime } from "effect"
import { invalidArgument } from "./GreenroomError.ts"

/** A value that the use case checks, as the type that it will have then. */
export const unchecked = <A>(value: unknown): A => value as A

/** The object that a caller without types may have left out. */
export const fieldsOf = <A extends object>(argument: string, value: A): A => {
  if (typeof value !== "object" || value === null) throw invalidArgument(argument, "expected an object")
  return value
}

/** Without the fields that are `undefined`, which means the same as absent. */
export const given = <A extends object>(fields: A): { [K in keyof A]: Exclude<A[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never

/** `undefined` stays. */
export const timeOf = (argument: string, value: unknown): DateTime.Utc | null | undefined => {
  if (value === undefined || value === null) return value
  const millis = value instanceof Date ? value.getTime() : typeof value === "string" ? Date.parse(value) : Number.NaN
  if (Number.isNaN(millis)) throw invalidArgument(argument, "expected a Date, or its text by ISO 8601")
  return DateTime.makeUnsafe(millis)
}

/** A list has so many items unless the caller asks for fewer or more. */
const LIMIT = 100
/** At most this many in one answer. */
const LIMIT_MAX = 1_000

export const limitOf = (limit: number = LIMIT): number => {
  // `null` would be a list without an end.
  if (typeof limit !== "number" || !(limit <= LIMIT_MAX))
    throw invalidArgument("limit", `expected at most ${LIMIT_MAX}`)
  return limit
}
