/**
 * A viewer's session as the control API's lists describe it. Its query and its user name may hold a playback token, so they are read here alone: the
 * token leaves as `Redacted`, and neither of them gets into an error. A list of five thousand sessions is decoded by hand, as in `listDecoders.ts`.
 */
import { PlaybackTokenId, StreamKeyId, type ViewerDescription, type ViewerProtocol } from "@greenroom/core"
import { isTokenLike, queriedName, queriedToken, shownUserAgent } from "@greenroom/core/internal"
import { DateTime, Option, Redacted, Schema } from "effect"
import { page } from "./ControlApiSchema.ts"
import { isObject, pageOf } from "./listDecoders.ts"

/** What is not known to be right in every version is `Unknown`, and is read leniently. */
export const ViewerItem = Schema.Struct({
  id: Schema.String,
  created: Schema.String,
  /** HLS has none. */
  state: Schema.optional(Schema.Literals(["idle", "read", "publish"])),
  path: Schema.optional(Schema.String),
  remoteAddr: Schema.optional(Schema.Unknown),
  query: Schema.optional(Schema.Unknown),
  user: Schema.optional(Schema.Unknown),
  userAgent: Schema.optional(Schema.Unknown),
  isCDN: Schema.optional(Schema.Unknown),
  /** From 1.17 on; SRT has `bytesSent` alone. */
  outboundBytes: Schema.optional(Schema.Unknown),
  bytesSent: Schema.optional(Schema.Unknown)
})
export type ViewerItem = typeof ViewerItem.Type
export const ViewerList = page(ViewerItem)

const lenient = ["remoteAddr", "query", "user", "userAgent", "isCDN", "outboundBytes", "bytesSent"] as const

const isState = (value: unknown): value is NonNullable<ViewerItem["state"]> =>
  value === "idle" || value === "read" || value === "publish"

/** `undefined`: the schema decides. */
export const quickViewer = (value: unknown): ViewerItem | undefined => {
  if (!isObject(value)) return undefined
  const { id, created, state, path } = value
  if (typeof id !== "string" || typeof created !== "string") return undefined
  if (state !== undefined && !isState(state)) return undefined
  if (path !== undefined && typeof path !== "string") return undefined
  const item: Record<string, unknown> = { id, created }
  if (state !== undefined) item.state = state
  if (path !== undefined) item.path = path
  for (const name of lenient) if (value[name] !== undefined) item[name] = value[name]
  return item as unknown as ViewerItem
}
/** `undefined`: the schema decides. */
export const quickViewers = pageOf(quickViewer)

const textOf = (value: unknown): string => (typeof value === "string" ? value : "")
const countOf = (value: unknown): number | null => (typeof value === "number" ? value : null)

/** `192.0.2.7:50000`, `[2001:db8::7]:50000`. */
const hostOf = (address: string): string | null => {
  const host = address.slice(0, Math.max(address.lastIndexOf(":"), 0)).replace(/^\[|\]$/g, "")
  return host === "" ? null : host
}

const isTokenId = Schema.is(PlaybackTokenId)

const isKeyId = Schema.is(StreamKeyId)

const shownBy = (query: string, user: string): Pick<ViewerDescription, "tokenId" | "token" | "workerKeyId"> => {
  const parameters = query === "" ? null : new URLSearchParams(query)
  const token = parameters === null ? null : queriedToken(parameters)
  const names = [parameters === null ? "" : queriedName(parameters), user]
  const worker = parameters?.get("worker")
  return {
    tokenId: names.find(isTokenId) ?? null,
    token: isTokenLike(token) ? Redacted.make(token) : null,
    workerKeyId: isKeyId(worker) ? worker : null
  }
}

/** `null`: its time cannot be read. */
export const describeViewer = (protocol: ViewerProtocol, item: ViewerItem): ViewerDescription | null => {
  const since = DateTime.make(item.created)
  if (Option.isNone(since)) return null
  return {
    protocol,
    id: item.id,
    path: item.path ?? "",
    ip: hostOf(textOf(item.remoteAddr)),
    userAgent: shownUserAgent(textOf(item.userAgent)),
    since: DateTime.toUtc(since.value),
    outboundBytes: countOf(item.outboundBytes) ?? countOf(item.bytesSent),
    isCdn: item.isCDN === true,
    // MoQ has no user names.
    isWhole: protocol === "moq" || typeof item.user === "string",
    ...shownBy(textOf(item.query), textOf(item.user))
  }
}

/** Whether the session reads a path. WebRTC's and MoQ's have that state before they are admitted. */
export const isReading = ({ state }: ViewerItem): boolean => state === undefined || state === "read"
