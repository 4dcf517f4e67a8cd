/** Resources as the audit log shows them: what can be changed of them, and nothing secret. Times are RFC 3339. */
import { DateTime } from "effect"
import type { StreamKey } from "../access/StreamKey.ts"
import type { ApiToken } from "../identity/ApiToken.ts"
import type { Coverage, PlaybackToken } from "../playback/PlaybackToken.ts"
import type { SigningKey } from "../playback/SigningKey.ts"
import { type LiveStream, statusOf } from "../streams/LiveStream.ts"
import type { Broadcaster } from "../values/Broadcaster.ts"
import type { Metadata } from "../values/Metadata.ts"
import { type WebhookEndpoint, webhookOrigin } from "../webhooks/WebhookEndpoint.ts"
import type { Image } from "./AuditEntry.ts"

const time = (at: DateTime.Utc | null): string | null => (at === null ? null : DateTime.formatIso(at))

const coverageText = (coverage: Coverage): Metadata => {
  switch (coverage._tag) {
    case "Path":
      return { path: coverage.path }
    case "Stream":
      return { stream_id: coverage.streamId }
    case "Broadcaster":
      return { broadcaster_id: coverage.broadcasterId }
    case "Pattern":
      return { pattern: coverage.pattern }
  }
}

export const broadcasterImage = (broadcaster: Broadcaster): Image => ({
  id: broadcaster.id,
  external_id: broadcaster.externalId,
  display_name: broadcaster.displayName,
  contact: broadcaster.contact,
  metadata: broadcaster.metadata,
  playback: broadcaster.playback
})

export const keyImage = (key: StreamKey): Image => ({
  id: key.id,
  broadcaster_id: key.broadcasterId,
  key_prefix: key.keyPrefix,
  label: key.label,
  path: key.path,
  playback: key.playback,
  enabled: key.enabled,
  expires_at: time(key.expiresAt),
  revoked_at: time(key.revokedAt),
  revokes_at: time(key.revokesAt),
  rotated_to: key.rotatedTo,
  rotated_from: key.rotatedFrom,
  blocked_path: key.block?.path ?? null,
  blocked_until: time(key.block?.until ?? null)
})

export const streamImage = (stream: LiveStream): Image => ({
  id: stream.id,
  stream_key_id: stream.streamKeyId,
  path: stream.path,
  status: statusOf(stream.state),
  title: stream.title,
  description: stream.description,
  metadata: stream.metadata,
  recording_ref: stream.recordingRef
})

/** Of the URL only the origin: its path may hold a secret. */
export const webhookEndpointImage = (endpoint: WebhookEndpoint): Image => ({
  id: endpoint.id,
  url_origin: webhookOrigin(endpoint.url),
  types: endpoint.types,
  broadcaster_id: endpoint.broadcasterId,
  description: endpoint.description,
  enabled: endpoint.enabled
})

export const playbackTokenImage = (token: PlaybackToken): Image => ({
  id: token.id,
  coverage: coverageText(token.coverage),
  broadcaster_id: token.broadcasterId,
  viewer_id: token.viewerId,
  actions: token.actions,
  max_sessions: token.maxSessions,
  ips: token.ips,
  not_before: time(token.notBefore),
  expires_at: time(token.expiresAt),
  revoked_at: time(token.revokedAt)
})

export const signingKeyImage = (key: SigningKey): Image => ({
  id: key.id,
  issuer: key.issuer,
  public_key: key.publicKey,
  verifies_until: time(key.verifiesUntil)
})

export const apiTokenImage = (token: ApiToken): Image => ({
  id: token.id,
  name: token.name,
  scopes: token.scopes,
  broadcaster_id: token.broadcasterId,
  expires_at: time(token.expiresAt)
})
