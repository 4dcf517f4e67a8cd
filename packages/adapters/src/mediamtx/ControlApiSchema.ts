/**
 * The fields that Greenroom reads from MediaMTX's control API, and how they become a `MediaServerSnapshot`. The schemas decode
 * versions 1.9 to 1.21: they ignore unknown fields, and newer names win over older ones (`available ?? ready`,
 * `tracks2 ?? tracks`, `inboundBytes ?? bytesReceived`). `query` and `user` are not decoded on purpose: clients put their keys
 * there. Those of viewers are read in `viewerItems.ts`. An unknown `state` fails the answer, because a guess could take a publisher for a reader.
 */
import {
  type EnabledProtocols,
  isConnectionType,
  type ListedPath,
  type ListedSource,
  type OwnPath,
  type Protocol,
  saysPublishEarly,
  type Track
} from "@greenroom/core"
import { Schema } from "effect"
import { viewerCountOf } from "./readers.ts"

/** One page of a list. `items` are those of this page, `itemCount` counts all pages. */
export const page = <S extends Schema.Constraint>(item: S) =>
  Schema.Struct({ itemCount: Schema.Int, pageCount: Schema.Int, items: Schema.Array(item) })

export const ConnectionItem = Schema.Struct({
  id: Schema.String,
  state: Schema.Literals(["idle", "read", "publish"]),
  path: Schema.optional(Schema.String),
  /** Only WebRTC sessions have it. */
  peerConnectionEstablished: Schema.optional(Schema.Boolean)
})
export type ConnectionItem = typeof ConnectionItem.Type
export const ConnectionList = page(ConnectionItem)

/** Has the fields that match an RTSP session with its TCP connection; up to 1.19.2 `/auth` has the connection's id. */
export const RtspSessionItem = Schema.Struct({
  ...ConnectionItem.fields,
  created: Schema.String,
  remoteAddr: Schema.String,
  conns: Schema.optional(Schema.NullOr(Schema.Array(Schema.String)))
})
export type RtspSessionItem = typeof RtspSessionItem.Type
export const RtspSessionList = page(RtspSessionItem)

export const RtspConnectionItem = Schema.Struct({
  id: Schema.String,
  created: Schema.String,
  remoteAddr: Schema.String,
  session: Schema.optional(Schema.NullOr(Schema.String))
})
export type RtspConnectionItem = typeof RtspConnectionItem.Type
export const RtspConnectionList = page(RtspConnectionItem)

const TrackItem = Schema.Struct({
  codec: Schema.String,
  codecProps: Schema.optional(Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown)))
})

export const PathItem = Schema.Struct({
  name: Schema.String,
  ready: Schema.optional(Schema.Boolean),
  available: Schema.optional(Schema.Boolean),
  /** From 1.19.3; an `alwaysAvailable` path is available without being online. */
  online: Schema.optional(Schema.Boolean),
  onlineTime: Schema.optional(Schema.NullOr(Schema.String)),
  readyTime: Schema.optional(Schema.NullOr(Schema.String)),
  source: Schema.optional(Schema.NullOr(Schema.Struct({ type: Schema.String, id: Schema.optional(Schema.String) }))),
  tracks: Schema.optional(Schema.NullOr(Schema.Array(Schema.String))),
  tracks2: Schema.optional(Schema.NullOr(Schema.Array(TrackItem))),
  readers: Schema.optional(
    Schema.NullOr(Schema.Array(Schema.Struct({ type: Schema.String, id: Schema.optional(Schema.String) })))
  ),
  inboundBytes: Schema.optional(Schema.Number),
  bytesReceived: Schema.optional(Schema.Number)
})
export type PathItem = typeof PathItem.Type
export const PathList = page(PathItem)

export const Info = Schema.Struct({ version: Schema.optional(Schema.String), started: Schema.optional(Schema.String) })

/** Every field is `Unknown`, because formats change. No other field is decoded: some hold secrets. */
export const GlobalConfig = Schema.Struct({
  rtsp: Schema.optional(Schema.Unknown),
  rtmp: Schema.optional(Schema.Unknown),
  hls: Schema.optional(Schema.Unknown),
  webrtc: Schema.optional(Schema.Unknown),
  srt: Schema.optional(Schema.Unknown),
  moq: Schema.optional(Schema.Unknown),
  authMethod: Schema.optional(Schema.Unknown),
  authHTTPExclude: Schema.optional(Schema.Unknown),
  readTimeout: Schema.optional(Schema.Unknown),
  hlsSegmentDuration: Schema.optional(Schema.Unknown),
  rtspTransports: Schema.optional(Schema.Unknown),
  protocols: Schema.optional(Schema.Unknown)
})
export type GlobalConfig = typeof GlobalConfig.Type

export const PathDefaults = Schema.Struct({ overridePublisher: Schema.optional(Schema.Unknown) })
export type PathDefaults = typeof PathDefaults.Type

export const PathConfig = Schema.Struct({ maxReaders: Schema.optional(Schema.Number) })

/** `status` came with 1.15; older versions send `error` alone. */
export const ErrorBody = Schema.Struct({ status: Schema.optional(Schema.Literal("error")), error: Schema.String })

/** MoQ's list does not show whether a session was admitted. A session that is the source of a path was admitted. */
const isEstablished = (protocol: Protocol, item: ConnectionItem, publishing: ReadonlySet<string>): boolean =>
  protocol === "webrtc"
    ? item.peerConnectionEstablished === true
    : !saysPublishEarly(protocol) || publishing.has(item.id)

/** `publishing`: the ids of the sources in the paths list. */
export const listedSource = (
  protocol: Protocol,
  item: ConnectionItem,
  publishing: ReadonlySet<string>
): ListedSource => ({
  id: item.id,
  protocol,
  state: item.state,
  established: isEstablished(protocol, item, publishing),
  path: item.path === undefined || item.path === "" ? null : item.path
})

const isReady = (item: PathItem): boolean => item.available ?? item.ready ?? false

/** The path, if its source is MediaMTX's own (not a client's connection) and is up. */
export const ownPath = (item: PathItem): OwnPath | undefined => {
  const { source } = item
  if (source === undefined || source === null || isConnectionType(source.type)) return undefined
  if (!isReady(item) || item.online === false) return undefined
  return { name: item.name, since: item.onlineTime ?? item.readyTime ?? "" }
}

/** The path with its publisher; `undefined` when its source is not a client's connection. */
export const listedPath = (item: PathItem): ListedPath | undefined => {
  const { source } = item
  if (source === undefined || source === null || !isConnectionType(source.type) || !source.id) return undefined
  return {
    name: item.name,
    ready: isReady(item),
    sourceType: source.type,
    sourceId: source.id,
    observation: {
      tracks: tracksOf(item),
      viewerCount: viewerCountOf(item),
      inboundBytes: item.inboundBytes ?? item.bytesReceived ?? 0
    }
  }
}

const tracksOf = (item: PathItem): ReadonlyArray<Track> =>
  item.tracks2?.map(({ codec, codecProps }) => ({ ...codecProps, codec })) ??
  item.tracks?.map((codec) => ({ codec })) ??
  []

/** A protocol counts as served unless the configuration turns it off. */
export const servedOf = (config: GlobalConfig): EnabledProtocols => ({
  hls: config.hls !== false,
  webrtc: config.webrtc !== false,
  rtmp: config.rtmp !== false,
  rtsp: config.rtsp !== false,
  srt: config.srt !== false
})
