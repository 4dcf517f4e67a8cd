/**
 * The free JSON object that an embedding application hangs on a broadcaster or a stream. Greenroom stores it and gives it
 * back; it only sees to it that the store can hold it and that it comes back as it was: an object, at most 16 KiB as JSON, at most
 * 32 levels deep, no NUL and no lone surrogate in any string or name (PostgreSQL's `jsonb` refuses both), no stream key, and no whole
 * number that a JavaScript number would round.
 */
import { Schema } from "effect"
import { containsKey } from "../access/StreamPath.ts"
import { isStorable } from "./PlainText.ts"

export const METADATA_MAX_BYTES = 16 * 1024
const METADATA_MAX_DEPTH = 32

interface Flaw {
  /** Where in the object. */
  readonly path: ReadonlyArray<string>
  readonly issue: string
}

const numberFlaw = (value: number): string | undefined =>
  !Number.isFinite(value)
    ? "Expected numbers that JSON can hold"
    : Number.isInteger(value) && !Number.isSafeInteger(value)
      ? `Expected whole numbers of at most ${Number.MAX_SAFE_INTEGER}: send larger ones as strings`
      : undefined

const textFlaw = (text: string, what: string): string | undefined =>
  !isStorable(text)
    ? `Expected ${what} without NUL and lone surrogates`
    : containsKey(text)
      ? `Expected ${what} without a stream key in them`
      : undefined

const valueFlaw = (value: unknown, depth: number): string | undefined => {
  if (typeof value === "string") return textFlaw(value, "strings")
  if (typeof value === "number") return numberFlaw(value)
  if (typeof value === "bigint") return "Expected numbers that JSON can hold"
  if (typeof value !== "object" || value === null) return undefined
  if (depth > METADATA_MAX_DEPTH) return `Expected at most ${METADATA_MAX_DEPTH} levels of nesting`
  return Object.keys(value)
    .map((name) => textFlaw(name, "names"))
    .find((flaw) => flaw !== undefined)
}

/** What is wrong with the value, or `undefined`. Walks with a stack of its own: the depth is the sender's choice. */
const flawOf = (metadata: unknown): Flaw | undefined => {
  const open: Array<readonly [unknown, ReadonlyArray<string>]> = [[metadata, []]]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [value, path] = next
    const issue = valueFlaw(value, path.length + 1)
    if (issue !== undefined) return { path, issue }
    if (typeof value !== "object" || value === null) continue
    for (const [name, child] of Object.entries(value)) open.push([child, [...path, name]])
  }
  return new TextEncoder().encode(JSON.stringify(metadata)).byteLength > METADATA_MAX_BYTES
    ? { path: [], issue: `Expected at most ${METADATA_MAX_BYTES} bytes of JSON` }
    : undefined
}

export const Metadata = Schema.Record(Schema.String, Schema.Unknown)
  .check(Schema.makeFilter((metadata) => flawOf(metadata), { toJsonSchema: () => [{}, true] }))
  .annotate({ description: "A JSON object of your own: at most 16 KiB, at most 32 levels deep", examples: [{}] })
export type Metadata = typeof Metadata.Type
