/** Arguments, decoded at the door: what is wrong with one is `invalid_argument`, never a failure of the store. */
import * as Core from "@greenroom/core"
import { DateTime, Result, Schema } from "effect"
import { invalidArgument } from "./GreenroomError.ts"

type Decoded<S extends Schema.ConstraintDecoder<unknown>> = S["Type"]

const issueText = (failure: unknown): string =>
  String(failure instanceof Error ? failure.message : failure).split("\n")[0] ?? ""

/** The value, or `invalid_argument` with what was expected. */
export const checked = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, argument: string) => {
  const decode = Schema.decodeUnknownResult(schema)
  return (value: unknown): Decoded<S> => {
    const result = decode(value)
    if (Result.isFailure(result)) throw invalidArgument(argument, issueText(result.failure))
    return result.success
  }
}

/** `undefined` stays, for fields that may be left out. */
export const optional =
  <A>(check: (value: unknown) => A) =>
  (value: unknown): A | undefined =>
    value === undefined ? undefined : check(value)

export const nullable =
  <A>(check: (value: unknown) => A) =>
  (value: unknown): A | null =>
    value === null || value === undefined ? null : check(value)

/** Without the fields that are `undefined`. */
export const given = <A extends object>(fields: A): { [K in keyof A]: Exclude<A[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never

export const futureDate =
  (argument: string) =>
  (value: unknown): DateTime.Utc => {
    const millis = value instanceof Date ? value.getTime() : typeof value === "string" ? Date.parse(value) : Number.NaN
    if (Number.isNaN(millis)) throw invalidArgument(argument, "expected a Date, or its text by ISO 8601")
    return DateTime.makeUnsafe(millis)
  }

export const flag =
  (argument: string) =>
  (value: unknown): boolean => {
    if (typeof value !== "boolean") throw invalidArgument(argument, "expected true or false")
    return value
  }

export const idOf = {
  broadcaster: checked(Core.BroadcasterId, "id"),
  key: checked(Core.StreamKeyId, "id"),
  stream: checked(Core.StreamId, "id")
}

/** At most this many in one answer of a list. */
const LIMIT_MAX = 1_000

export const limitOf = (value: unknown): number => {
  if (value === undefined) return 100
  if (typeof value !== "number" || !Number.isInteger(value) || value < 1 || value > LIMIT_MAX)
    throw invalidArgument("limit", `expected a whole number from 1 to ${LIMIT_MAX}`)
  return value
}
