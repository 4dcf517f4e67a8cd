/** Viewers, playback tokens and signing keys as plain objects: times are `Date`, what is not there is `null`. */
import * as Core from "@greenroom/core"
import type { DateTime } from "effect"
import { date } from "./shapes.ts"

/** Of seconds since 1970. */
export const dateOfSeconds = (seconds: number): Date => new Date(Math.round(seconds * 1000))

const maybeDate = (at: DateTime.Utc | null): Date | null => (at === null ? null : date(at))

/** A session that reads a path. */
export interface ViewerSession {
  /** The media server's id of the session. */
  readonly id: string
  /** Of its token. */
  readonly viewerId: string | null
  readonly tokenId: string | null
  readonly path: string
  /** `null`: a source of the media server's own. */
  readonly streamId: string | null
  readonly protocol: Core.ViewerProtocol
  readonly ip: string | null
  readonly userAgent: string | null
  readonly since: Date
}

export interface Viewer extends ViewerSession {
  /** Sent to it so far; `null`: the media server does not show it. */
  readonly outboundBytes: number | null
}

/** What the store has of a token; its text leaves `create` once. */
export interface PlaybackToken {
  readonly id: string
  /** `application`: signed by an application with a key of its own, and known since its first use. */
  readonly issuer: Core.TokenIssuer
  readonly signingKeyId: string
  /** The one path that it is for. */
  readonly path: string | null
  /** The one stream that it is for. */
  readonly streamId: string | null
  readonly pattern: string | null
  /** Whose streams it is for. Where `path`, `streamId` and `pattern` are `null`: all of them. */
  readonly broadcasterId: string | null
  readonly viewerId: string | null
  readonly actions: ReadonlyArray<Core.PlaybackAction>
  readonly maxSessions: number | null
  readonly ips: ReadonlyArray<string>
  readonly metadata: Readonly<Record<string, unknown>>
  readonly createdAt: Date
  readonly notBefore: Date | null
  readonly expiresAt: Date
  readonly revokedAt: Date | null
}

/** The public half of a key. */
export interface SigningKey {
  /** The `kid` of its tokens. */
  readonly id: string
  readonly issuer: Core.TokenIssuer
  /** `playbackTokens.create` signs with it. */
  readonly signs: boolean
  /** As a JWK (RFC 8037). */
  readonly publicKey: ReturnType<typeof Core.jwkOf>
  readonly createdAt: Date
  /** Its tokens are good until then, because it was rotated. */
  readonly verifiesUntil: Date | null
}

export const viewerShape = ({ grant, ...viewer }: Core.WatchedViewer): Viewer => ({
  id: viewer.id,
  viewerId: grant?.viewerId ?? null,
  tokenId: grant?.tokenId ?? null,
  path: viewer.path,
  streamId: viewer.streamId,
  protocol: viewer.protocol,
  ip: viewer.ip,
  userAgent: viewer.userAgent,
  since: date(viewer.since),
  outboundBytes: viewer.outboundBytes
})

export const loggedViewerShape = ({ since, ...viewer }: Core.LoggedViewer) => ({ ...viewer, since: date(since) })

const clean = (text: string | null): string | null => (text === null ? null : Core.withoutKeys(text))

/** A client that was refused has sent what it liked: no key of it is shown. */
export const refusalShape = (refusal: Core.ViewerRefusal) => ({
  ...refusal,
  path: Core.withoutKeys(refusal.path),
  protocol: clean(refusal.protocol),
  ip: clean(refusal.ip),
  userAgent: clean(refusal.userAgent),
  detail: Core.withoutKeys(refusal.detail)
})

export const revocationShape = ({ viewerId, broadcasterId, at, until }: Core.RevokedViewer) => ({
  viewerId,
  broadcasterId,
  revokedAt: dateOfSeconds(at),
  until: until === null ? null : dateOfSeconds(until)
})

export const playbackTokenShape = ({ coverage, ...token }: Core.PlaybackToken): PlaybackToken => ({
  id: token.id,
  issuer: token.issuer,
  signingKeyId: token.signingKeyId,
  path: coverage._tag === "Path" ? coverage.path : null,
  streamId: coverage._tag === "Stream" ? coverage.streamId : null,
  pattern: coverage._tag === "Pattern" ? coverage.pattern : null,
  broadcasterId: token.broadcasterId,
  viewerId: token.viewerId,
  actions: token.actions,
  maxSessions: token.maxSessions,
  ips: token.ips,
  metadata: token.metadata,
  createdAt: date(token.createdAt),
  notBefore: maybeDate(token.notBefore),
  expiresAt: date(token.expiresAt),
  revokedAt: maybeDate(token.revokedAt)
})

export const signingKeyShape = ({ id, issuer, publicKey, createdAt, verifiesUntil }: Core.SigningKey): SigningKey => ({
  id,
  issuer,
  signs: issuer === "greenroom" && verifiesUntil === null,
  publicKey: Core.jwkOf({ id, publicKey }),
  createdAt: date(createdAt),
  verifiesUntil: maybeDate(verifiesUntil)
})
