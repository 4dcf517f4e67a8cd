/** The body of an answer of the control API: as it came, until it is decoded. */
import type { MediaServerUnavailable } from "@greenroom/core"
import { Effect, Schema } from "effect"
import { type Call, unavailable } from "./Call.ts"

/** A body that is what its schema would make of it, which is not read again: of a simulated media server that makes no mistakes in JSON. */
export class Decoded {
  readonly value: unknown
  constructor(value: unknown) {
    this.value = value
  }
}

/** A body as it came. It is parsed only where it is decoded: the same bytes need not be parsed twice. */
export class JsonBytes {
  readonly bytes: Buffer
  constructor(bytes: Buffer) {
    this.bytes = bytes
  }
}

/** The JSON value, or the text when it is not JSON. */
export const jsonOf = (bytes: Buffer): unknown => {
  const text = bytes.toString()
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

export type Decode<A> = (call: Call, body: unknown) => Effect.Effect<A, MediaServerUnavailable>

/**
 * Reads the body of an `Ok`. The error's detail names the wrong field, not its value. `quick` decodes a value as the schema does, or is
 * `undefined` for a value that it leaves to the schema.
 */
export const decodeAnswer = <S extends Schema.ConstraintDecoder<unknown>>(
  schema: S,
  quick: (value: unknown) => S["Type"] | undefined = () => undefined
): Decode<S["Type"]> => {
  const decode = Schema.decodeUnknownEffect(schema)
  return (call, body) => {
    if (body instanceof Decoded) return Effect.succeed(body.value as S["Type"])
    const value = body instanceof JsonBytes ? jsonOf(body.bytes) : body
    const decoded = quick(value)
    if (decoded !== undefined) return Effect.succeed(decoded)
    return Effect.mapError(decode(value), (error) =>
      unavailable(call, "nonsense", `the answer does not decode: ${String(error.message).slice(0, 200)}`)
    )
  }
}

/** Longer bodies are not kept for a comparison. */
const KEEP_AT_MOST = 16 * 1024 * 1024

/** Decodes a body once while it is the same, byte for byte, and gives the same value (`===`) for it. */
export const onceDecoded = <A>(decode: Decode<A>): Decode<A> => {
  let last: { readonly bytes: Buffer; readonly value: A } | undefined
  return (call, body) => {
    if (!(body instanceof JsonBytes) || body.bytes.length > KEEP_AT_MOST) return decode(call, body)
    if (last?.bytes.equals(body.bytes) === true) return Effect.succeed(last.value)
    return Effect.tap(decode(call, body), (value) =>
      Effect.sync(() => {
        last = { bytes: body.bytes, value }
      })
    )
  }
}
