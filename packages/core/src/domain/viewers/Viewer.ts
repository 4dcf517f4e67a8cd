/** A viewer's session on the media server: a connection that reads a path. Workers are none. */
import { type DateTime, Schema } from "effect"
import type { PlaybackTokenId, TokenGrant, TokenText, ViewerId } from "../playback/PlaybackToken.ts"
import { Protocol } from "../streams/Protocol.ts"
import type { BroadcasterId, StreamId, StreamKeyId } from "../values/Ids.ts"

/** The protocols over which MediaMTX lists viewers; HLS since 1.18, before that its viewers have no sessions. */
export const ViewerProtocol = Schema.Literals([...Protocol.literals, "hls"])
export type ViewerProtocol = typeof ViewerProtocol.Type

/** A session by its protocol and its id, which is the media server's: the `id` of its auth call, of `readers`, of its list and to kick. */
export interface ViewerRef {
  readonly protocol: ViewerProtocol
  readonly id: string
}

/** An entry of `readers` in the list of paths. */
export interface ListedReader extends ViewerRef {
  readonly path: string
}

/** A session as the media server describes it: `get/{id}`, or an entry of its protocol's list. */
export interface ViewerDescription extends ListedReader {
  readonly ip: string | null
  readonly userAgent: string | null
  /** When it connected, in the media server's time. */
  readonly since: DateTime.Utc
  readonly outboundBytes: number | null
  /** A session of a CDN that showed `hlsCDNSecret`: the media server does not ask about it. */
  readonly isCdn: boolean
  /** Whether everything is shown by which it can have named its token: before MediaMTX 1.17 user names are not. */
  readonly isWhole: boolean
  /** `v` of its query, or its user name. */
  readonly tokenId: PlaybackTokenId | null
  /** The token, where its query has it. */
  readonly token: TokenText | null
  /** `worker` of its query: the id of the key of the worker that is to read. */
  readonly workerKeyId: StreamKeyId | null
}

/** A session as Greenroom has it in its store, while it lasts. */
export interface Viewer extends ListedReader {
  /** `null`: a path with a source of the media server's own. */
  readonly streamId: StreamId | null
  readonly broadcasterId: BroadcasterId | null
  readonly ip: string | null
  readonly userAgent: string | null
  readonly since: DateTime.Utc
  /** `null`: it needed no token and showed none, or a CDN's. */
  readonly grant: TokenGrant | null
  /** It needs no token, because the media server did not ask about it. */
  readonly isCdn: boolean
}

/** Why a session is not there any more, as events have it. `left`: by itself, or with its stream. `idle`: an HLS player that asks for nothing. */
export const departures = [
  "left",
  "idle",
  "kicked",
  "no_token",
  "token_expired",
  "token_revoked",
  "viewer_revoked",
  "signing_key_gone",
  "not_covered",
  "too_many_sessions"
] as const
export type Departure = (typeof departures)[number]

/** A viewer that was refused, as its event has it. */
export interface ViewerRefusal {
  readonly path: string
  readonly streamId: StreamId | null
  readonly broadcasterId: BroadcasterId | null
  readonly protocol: string | null
  readonly ip: string | null
  readonly userAgent: string | null
  /** Of a token whose signature was good. */
  readonly tokenId: PlaybackTokenId | null
  readonly viewerId: ViewerId | null
  readonly reason: string
  readonly rule: string
  readonly detail: string
  readonly decisionId: string
}
