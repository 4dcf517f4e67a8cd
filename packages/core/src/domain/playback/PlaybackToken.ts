/**
 * A playback token: a signed statement of who may watch what until when. It is verified without the store, so what the store has of it
 * (`PlaybackToken`) is for people: its metadata, who asked for it, whether it was revoked. The token's text leaves its creation once.
 */
import { type DateTime, type Redacted, Schema } from "effect"
import type { BroadcasterId, StreamId } from "../values/Ids.ts"
import type { Metadata } from "../values/Metadata.ts"

/** 16 letters and digits, random: short, because URLs carry it beside the token. */
export const PlaybackTokenId = Schema.String.annotate({ examples: ["x7Kd02mQpL9vTz41"] })
  .check(
    Schema.isPattern(/^[0-9A-Za-z]{16}$/u, { message: "Expected the id of a playback token: 16 letters and digits" })
  )
  .pipe(Schema.brand("PlaybackTokenId"))
export type PlaybackTokenId = typeof PlaybackTokenId.Type

/** Your own name for a viewer. Part of the token, of lists and of events. */
export const ViewerId = Schema.String.annotate({
  description: "Your own id for the viewer, up to 64 of the characters A-Z a-z 0-9 . _ ~ @ + = : -",
  examples: ["user-4711"]
})
  .check(
    Schema.isPattern(/^(?!(?:s|g)[kr]_)[0-9A-Za-z._~@+=:-]{1,64}$/u, {
      message: "Expected 1 to 64 letters, digits and . _ ~ @ + = : - that do not begin like a stream key"
    })
  )
  .pipe(Schema.brand("ViewerId"))
export type ViewerId = typeof ViewerId.Type

/** What a token may be for. */
export const playbackActions = ["read", "playback"] as const
/** `read`: watch live. `playback`: watch what the media server has recorded. */
export type PlaybackAction = (typeof playbackActions)[number]

/** What a token is for. `pattern`: `live/*`, `live/**`, or `**` for every path. */
export type Coverage =
  | { readonly _tag: "Path"; readonly path: string }
  | { readonly _tag: "Stream"; readonly streamId: StreamId }
  | { readonly _tag: "Broadcaster"; readonly broadcasterId: BroadcasterId }
  | { readonly _tag: "Pattern"; readonly pattern: string }

/** What is signed. Times are in seconds since 1970; `issuedAt` may have a fraction. */
export interface TokenClaims {
  readonly id: PlaybackTokenId
  readonly coverage: Coverage
  readonly viewerId: ViewerId | null
  readonly actions: ReadonlyArray<PlaybackAction>
  readonly issuedAt: number
  readonly notBefore: number | null
  readonly expiresAt: number
  /** Sessions at a time; `null`: any number. */
  readonly maxSessions: number | null
  /** Networks from which it may be used; none: from everywhere. */
  readonly ips: ReadonlyArray<string>
}

/** The text of a token. */
export type TokenText = Redacted.Redacted<string>

/** Of an application that signs by itself, known since it was first used. */
export const tokenIssuers = ["greenroom", "application"] as const
export type TokenIssuer = (typeof tokenIssuers)[number]

/** What the store has of a token. */
export interface PlaybackToken {
  readonly id: PlaybackTokenId
  readonly issuer: TokenIssuer
  /** The key that it is signed with. */
  readonly signingKeyId: string
  readonly coverage: Coverage
  /** Whose things it is for, where that is one broadcaster. */
  readonly broadcasterId: BroadcasterId | null
  readonly viewerId: ViewerId | null
  readonly actions: ReadonlyArray<PlaybackAction>
  readonly maxSessions: number | null
  readonly ips: ReadonlyArray<string>
  readonly metadata: Metadata
  /** To the millisecond, as it is signed. */
  readonly createdAt: DateTime.Utc
  readonly notBefore: DateTime.Utc | null
  readonly expiresAt: DateTime.Utc
  readonly revokedAt: DateTime.Utc | null
}

/** What a session needs of its token once it was let in; its coverage was checked then, and the path of a session never changes. */
export interface TokenGrant {
  readonly tokenId: PlaybackTokenId
  readonly signingKeyId: string
  readonly viewerId: ViewerId | null
  /** Seconds since 1970, as signed. */
  readonly issuedAt: number
  readonly expiresAt: number
  readonly maxSessions: number | null
  /** The path's coverage again, where it may come to an end while the session lasts: the broadcaster of the path, the stream. */
  readonly coverage: Coverage
}

/** Seconds. */
export const EXPIRES_IN = { least: 60, most: 30 * 86_400, default: 3_600 } as const
/** By so many seconds clocks may differ (contract: 5 s). */
export const CLOCK_SKEW_SECONDS = 5
/** The clock of who issued a token may be ahead by so much: a revocation of the viewer is not before such a token. */
export const ISSUER_AHEAD_MAX_SECONDS = 60
/** MediaMTX's SRT fails from 503 characters of a stream id on, ffmpeg cuts RTMP URLs near 1,000 (measured on 1.20.1). */
export const TOKEN_MAX_LENGTH = 440
export const SRT_STREAM_ID_MAX_LENGTH = 500
export const NETWORKS_MAX = 10
export const MAX_SESSIONS_MOST = 1_000_000

export const grantOf = (claims: TokenClaims, signingKeyId: string): TokenGrant => ({
  tokenId: claims.id,
  signingKeyId,
  viewerId: claims.viewerId,
  issuedAt: claims.issuedAt,
  expiresAt: claims.expiresAt,
  maxSessions: claims.maxSessions,
  coverage: claims.coverage
})
