/** The assertions of the laws, over `node:assert`, so that they run under any test runner. */
import assert from "node:assert/strict"

const show = (value: unknown) => JSON.stringify(value) ?? String(value)
const holds = (condition: boolean, message: string | undefined, otherwise: () => string) => {
  if (!condition) assert.fail(message ?? otherwise())
}

export const fail = (message: string): never => assert.fail(message)
export const match: (text: string, pattern: RegExp, message?: string) => void = assert.match
export const strictEqual: <A>(actual: A, expected: A, message?: string) => void = assert.strictEqual
export const notStrictEqual: <A>(actual: A, expected: A, message?: string) => void = assert.notStrictEqual
export const deepStrictEqual: <A>(actual: A, expected: A, message?: string) => void = assert.deepStrictEqual
export const isTrue = (value: unknown, message?: string) => strictEqual(value, true, message)
export const isFalse = (value: unknown, message?: string) => strictEqual(value, false, message)
export const isNull = (value: unknown, message?: string) => strictEqual(value, null, message)
export const isUndefined = (value: unknown, message?: string) => strictEqual(value, undefined, message)

export function isNotNull<A>(value: A | null, message?: string): asserts value is A {
  holds(value !== null, message, () => "it is null")
}
export function isDefined<A>(value: A | undefined, message?: string): asserts value is A {
  holds(value !== undefined, message, () => "it is undefined")
}

export const isAbove = (value: number, limit: number, message?: string) =>
  holds(value > limit, message, () => `${value} is not above ${limit}`)
export const isBelow = (value: number, limit: number, message?: string) =>
  holds(value < limit, message, () => `${value} is not below ${limit}`)
export const isAtLeast = (value: number, limit: number, message?: string) =>
  holds(value >= limit, message, () => `${value} is below ${limit}`)
export const isAtMost = (value: number, limit: number, message?: string) =>
  holds(value <= limit, message, () => `${value} is above ${limit}`)

type Container<A> = ReadonlyArray<A> | string

export const isNotEmpty = (container: Container<unknown>, message?: string) =>
  holds(container.length > 0, message, () => "it is empty")
export const include = <A>(container: Container<A>, item: A, message?: string) =>
  holds(container.includes(item as never), message, () => `${show(container)} does not have ${show(item)}`)
export const notInclude = <A>(container: Container<A>, item: A, message?: string) =>
  holds(!container.includes(item as never), message, () => `${show(container)} has ${show(item)}`)
/** The value has the fields, and perhaps others. */
export const deepInclude = (value: object | null, fields: object, message?: string) =>
  deepStrictEqual<object | null>({ ...value, ...fields }, value, message)
