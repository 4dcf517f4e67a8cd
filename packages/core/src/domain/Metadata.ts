/**
 * The free JSON object that an embedding application hangs on a broadcaster or a stream. Greenroom stores it and gives it
 * back; it only sees to it that the store can hold it: an object, at most 16 KiB as JSON, at most 32 levels deep, no NUL
 * and no lone surrogate in any string or name (PostgreSQL's `jsonb` refuses both).
 */
import { Schema } from "effect"
import { isStorable } from "./PlainText.ts"

export const METADATA_MAX_BYTES = 16 * 1024
export const METADATA_MAX_DEPTH = 32

/** What is wrong with the value, or `undefined`. Walks with a stack of its own: the depth is the sender's choice. */
const complaint = (value: unknown): string | undefined => {
  const open: Array<readonly [unknown, number]> = [[value, 1]]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [node, depth] = next
    if (typeof node === "string" && !isStorable(node)) return "Expected strings without NUL and lone surrogates"
    if (typeof node === "bigint" || (typeof node === "number" && !Number.isFinite(node))) {
      return "Expected numbers that JSON can hold"
    }
    if (typeof node !== "object" || node === null) continue
    if (depth > METADATA_MAX_DEPTH) return `Expected at most ${METADATA_MAX_DEPTH} levels of nesting`
    for (const [name, child] of Object.entries(node)) {
      if (!isStorable(name)) return "Expected names without NUL and lone surrogates"
      open.push([child, depth + 1])
    }
  }
  return new TextEncoder().encode(JSON.stringify(value)).byteLength > METADATA_MAX_BYTES
    ? `Expected at most ${METADATA_MAX_BYTES} bytes of JSON`
    : undefined
}

export const Metadata = Schema.Record(Schema.String, Schema.Unknown)
  .check(Schema.makeFilter((metadata) => complaint(metadata)))
  .annotate({ description: "A JSON object of your own: at most 16 KiB, at most 32 levels deep", examples: [{}] })
export type Metadata = typeof Metadata.Type
