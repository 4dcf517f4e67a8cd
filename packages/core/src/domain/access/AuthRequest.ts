/**
 * What MediaMTX asks before it lets a client in, reduced to what a decision needs. Where a credential may stand and which of
 * several counts is decided here, once; from here on it is `Redacted`. Decoding of the HTTP body is left to the shell.
 */
import { Redacted, Schema } from "effect"
import type { PlaybackAction } from "../playback/PlaybackToken.ts"
import { readViewerCredentials, type ViewerCredentials } from "../playback/readViewerCredentials.ts"
import { Protocol } from "../streams/Protocol.ts"
import { shownUserAgent } from "../viewers/userAgent.ts"
import { isKeyText, type KeyValue } from "./StreamKey.ts"
import { keyLikePattern, withoutKeys } from "./StreamPath.ts"
import { unescaped } from "./unescaped.ts"

/** The fields of MediaMTX's auth call that are read, already decoded; absent ones are `undefined`. */
export interface AuthCall {
  readonly action: string | undefined
  readonly path: string
  readonly protocol: string | undefined
  readonly id: string | null | undefined
  readonly user: Redacted.Redacted<string> | undefined
  readonly password: Redacted.Redacted<string> | undefined
  readonly token: Redacted.Redacted<string> | undefined
  readonly query: Redacted.Redacted<string> | undefined
  /** Of the client, as the media server sees it. */
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
}

export interface PublishRequest {
  readonly _tag: "Publish"
  readonly path: string
  readonly protocol: Protocol | null
  /** MediaMTX's id of the connection (it sends one since 0.21.2). */
  readonly sourceId: string
  readonly key: KeyValue | null
}

/**
 * The question without a connection, whose `id` is `null`: before a browser publishes, MediaMTX asks for WHIP's `OPTIONS` and for its
 * publish pages. The answer is whether the key is good for the path; it admits no publisher.
 */
export interface CheckRequest {
  readonly _tag: "Check"
  readonly path: string
  readonly key: KeyValue | null
}

/** A viewer of a stream (`read`) or of a recording (`playback`). */
export interface ViewRequest extends ViewerCredentials {
  readonly _tag: "View"
  readonly action: PlaybackAction
  readonly path: string
  /** In MediaMTX's words; recordings have none. */
  readonly protocol: string | null
  /** The session's id. Pages, `OPTIONS` of WHEP and recordings have none. */
  readonly sourceId: string | null
  readonly ip: string | null
  readonly userAgent: string | null
  /** A stream key as the password: with one, a worker reads its source. */
  readonly workerKey: KeyValue | null
}

/** Credentials of a publisher that hold a stream key, of which no use can be made; `detail` has no key in it. */
export interface MisplacedKey {
  readonly _tag: "Misplaced"
  readonly path: string
  readonly detail: string
}

/** A publisher over a protocol whose connections can be neither listed nor kicked: once admitted it could not be taken off the air. */
export interface UnsupportedProtocol {
  readonly _tag: "Unsupported"
  readonly path: string
}

export type AuthRequest =
  | PublishRequest
  | UnsupportedProtocol
  | CheckRequest
  | MisplacedKey
  | ViewRequest
  | {
      readonly _tag: "Operate"
      readonly action: "api" | "metrics" | "pprof"
      readonly secrets: ReadonlyArray<Redacted.Redacted<string>>
    }
  | { readonly _tag: "Other"; readonly action: string }

/**
 * A publish that does not have the field `id`, or has none that could be: nothing could be followed or kicked, so nothing is decided. Not
 * to be taken for a check: a MediaMTX that sends no ids (before 0.21.2) asks so for each connection, and would let it in.
 */
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

/** MediaMTX names the protocol of each publisher; where it is left out, a connection is looked for in every list. */
const isKnown = (protocol: string | undefined): boolean =>
  protocol === undefined || protocol === "" || isProtocol(protocol)

/** `password`, else `token`, else the query's `key`, `token`, `pass`, in that order. */
const firstCredential = (call: AuthCall): KeyValue | null => {
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

/** A key with no character beside it that could be part of one; the group is what makes it stand in front of a name. */
const wholeKeys = /(?<![0-9A-Za-z_-])(sk_[0-9A-Za-z_-]{43})(?![0-9A-Za-z_-])(\/[0-9A-Za-z_.~:-])?/g

const BEFORE_THE_NAME =
  "The stream key stands in the server's address, in front of the stream's name: put it behind the stream's name instead, as in NAME?user=any&pass=KEY"

const places = ["password", "token", "user name", "query"] as const

const twoKeys = (at: ReadonlyArray<string>): string =>
  `Two different stream keys stand in the ${at.join(" and ")}: send one alone, as the password`

/** The one whole key in any of the fields; `null` when there is none; a sentence when it cannot be taken. */
const searchKey = ({ password, token, user, query }: AuthCall): KeyValue | string | null => {
  const fields = [password, token, user, query].map((field) => (present(field) ? unescaped(Redacted.value(field)) : ""))
  const found = fields.flatMap((text, index) =>
    [...text.matchAll(wholeKeys)].map(([, key = "", name]) => ({
      key,
      place: places[index]!,
      named: name !== undefined
    }))
  )
  const keys = new Set(found.map(({ key }) => key))
  const [key] = keys
  if (key === undefined) return null
  if (keys.size > 1) return twoKeys([...new Set(found.map(({ place }) => place))])
  return found.every(({ named }) => named) ? BEFORE_THE_NAME : Redacted.make(key)
}

/**
 * The first credential, if it is a key and nothing else, as it nearly always is. Otherwise people or programs have put something round
 * the key, or have put it elsewhere: what has a key's grammar is a key wherever it stands. Without one the first credential counts.
 */
const credentialOf = (call: AuthCall): KeyValue | string | null => {
  const first = firstCredential(call)
  if (first !== null && isKeyText(Redacted.value(first))) return first
  return searchKey(call) ?? first
}

const readPublish = (call: AuthCall): AuthRequest | Incomplete => {
  const { id, path } = call
  if (id === undefined || (id !== null && !isSourceId(id))) {
    return { _tag: "Incomplete", pointer: "/id", detail: EXPECTED_ID }
  }
  if (!isKnown(call.protocol)) return { _tag: "Unsupported", path }
  const key = credentialOf(call)
  if (typeof key === "string") return { _tag: "Misplaced", path, detail: key }
  if (id === null) return { _tag: "Check", path, key }
  return { _tag: "Publish", path, protocol: isProtocol(call.protocol) ? call.protocol : null, sourceId: id, key }
}

const textOrNull = (text: string | null | undefined): string | null => (text === undefined || text === "" ? null : text)

const readView = (call: AuthCall, action: PlaybackAction): ViewRequest => ({
  _tag: "View",
  action,
  path: call.path,
  protocol: textOrNull(call.protocol),
  sourceId: typeof call.id === "string" && isSourceId(call.id) ? call.id : null,
  ip: textOrNull(call.ip),
  userAgent: shownUserAgent(call.userAgent),
  ...readViewerCredentials(call),
  workerKey: present(call.password) && isKeyText(Redacted.value(call.password)) ? call.password : null
})

/**
 * What the call asks for, with the credential in it. Total: what cannot be decided is `Incomplete`, `Misplaced`, `Unsupported` or `Other`.
 *
 * `user`, `password`, `token` and `query` are wrapped in `Redacted` before. A key is looked for in `password`, then `token`, then the query's
 * `key`, `token`, `pass`.
 */
export const readAuthCall = (call: AuthCall): AuthRequest | Incomplete => {
  switch (call.action) {
    case "publish":
      return readPublish(call)
    case "read":
    case "playback":
      return readView(call, call.action)
    case "api":
    case "metrics":
    case "pprof":
      return { _tag: "Operate", action: call.action, secrets: [call.password, call.token].filter(present) }
    default:
      return { _tag: "Other", action: call.action ?? "" }
  }
}
