/**
 * What MediaMTX asks before it lets a client in, reduced to what a decision needs. Where a credential may stand and which of
 * several counts is decided here, once; from here on it is `Redacted`. Decoding of the HTTP body is left to the shell.
 */
import { Redacted, Schema } from "effect"
import { Protocol } from "./Protocol.ts"
import type { KeyValue } from "./StreamKey.ts"
import { keyLikePattern, withoutKeys } from "./StreamPath.ts"

/** The fields of MediaMTX's auth call that are read, already decoded; absent ones are `undefined`. */
export interface AuthCall {
  readonly action: string | undefined
  readonly path: string
  readonly protocol: string | undefined
  readonly id: string | null | undefined
  readonly password: Redacted.Redacted<string> | undefined
  readonly token: Redacted.Redacted<string> | undefined
  readonly query: Redacted.Redacted<string> | undefined
}

export interface PublishRequest {
  readonly _tag: "Publish"
  readonly path: string
  readonly protocol: Protocol | null
  /** MediaMTX's id of the connection (it sends one since 0.21.2). */
  readonly sourceId: string
  readonly key: KeyValue | null
}

export type AuthRequest =
  | PublishRequest
  | { readonly _tag: "View"; readonly action: "read" | "playback" }
  | {
      readonly _tag: "Operate"
      readonly action: "api" | "metrics" | "pprof"
      readonly secrets: ReadonlyArray<Redacted.Redacted<string>>
    }
  | { readonly _tag: "Other"; readonly action: string }

/** A publish without a connection id: nothing could be followed or kicked, so nothing is decided. */
export interface Incomplete {
  readonly _tag: "Incomplete"
  readonly pointer: "/id"
  readonly detail: string
}

const present = (value: Redacted.Redacted<string> | undefined): value is Redacted.Redacted<string> =>
  value !== undefined && Redacted.value(value) !== ""

const sourceId = /^[\x21-\x7e]{1,255}$/

/** The same as `isSourceId`, as part of published schemas. */
export const SOURCE_ID_PATTERN = `^(?!.*${keyLikePattern})[\\x21-\\x7e]{1,255}$`

/** Whether a connection can have this id: MediaMTX's are UUIDs. What else comes, a stream key above all, must not reach the store. */
export const isSourceId = (text: string): boolean => sourceId.test(text) && withoutKeys(text) === text

const EXPECTED_ID =
  "Expected the id of the connection that wants to publish: 1 to 255 visible ASCII characters, and no stream key"

const isProtocol = Schema.is(Protocol)

/** `password`, else `token`, else the query's `key`, `token`, `pass`, in that order. */
const credentialOf = (call: AuthCall): KeyValue | null => {
  if (present(call.password)) return call.password
  if (present(call.token)) return call.token
  if (!present(call.query)) return null
  const query = new URLSearchParams(Redacted.value(call.query))
  for (const name of ["key", "token", "pass"]) {
    const value = query.get(name)
    if (value !== null && value !== "") return Redacted.make(value)
  }
  return null
}

export const readAuthCall = (call: AuthCall): AuthRequest | Incomplete => {
  switch (call.action) {
    case "publish":
      if (call.id === undefined || call.id === null || !isSourceId(call.id)) {
        return { _tag: "Incomplete", pointer: "/id", detail: EXPECTED_ID }
      }
      return {
        _tag: "Publish",
        path: call.path,
        protocol: isProtocol(call.protocol) ? call.protocol : null,
        sourceId: call.id,
        key: credentialOf(call)
      }
    case "read":
    case "playback":
      return { _tag: "View", action: call.action }
    case "api":
    case "metrics":
    case "pprof":
      return { _tag: "Operate", action: call.action, secrets: [call.password, call.token].filter(present) }
    default:
      return { _tag: "Other", action: call.action ?? "" }
  }
}
