/**
 * A stream key: the credential of one publisher at a time. The value itself exists at its creation and in the encoder; what
 * is kept is a SHA-256 and the first 7 characters, for people. The status is derived, never stored, so it cannot lie.
 */
import { DateTime, type Redacted } from "effect"
import type { PlaybackPolicy } from "../playback/PlaybackPolicy.ts"
import type { BroadcasterId, StreamId, StreamKeyId } from "../values/Ids.ts"
import { lineOf } from "../values/PlainText.ts"
import type { PathLimitText } from "./StreamPath.ts"

export const Label = lineOf(255).annotate({ description: "What the key is for", examples: ["Main camera"] })

/** `sk_` and 43 base64url characters of 32 random bytes. */
export type KeyValue = Redacted.Redacted<string>

/** Whether the text is what a key's value looks like, with nothing round it. */
export const isKeyText = (text: string): boolean => /^sk_[0-9A-Za-z_-]{43}$/.test(text)

/** SHA-256 of the key value, 32 bytes. */
export type KeyHash = Uint8Array

export const KEY_PREFIX_LENGTH = 7

/** The broadcaster of a key, as lists of keys show it. */
export interface KeyOwner {
  readonly displayName: string
  /** Then the key is revoked. */
  readonly deleted: boolean
}

/** A path on which the key may not publish for a while, because its stream there was stopped. */
export interface PathBlock {
  readonly path: string
  readonly until: DateTime.Utc
}

export interface StreamKey {
  readonly id: StreamKeyId
  readonly keyPrefix: string
  readonly broadcasterId: BroadcasterId
  readonly broadcaster: KeyOwner
  readonly label: string | null
  readonly path: PathLimitText | null
  /** Who may watch its streams; `null`: as its broadcaster has it. */
  readonly playback: PlaybackPolicy | null
  readonly enabled: boolean
  readonly createdAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc | null
  readonly revokedAt: DateTime.Utc | null
  /** When it is revoked, because it was rotated; it may stay set once the key is revoked. */
  readonly revokesAt: DateTime.Utc | null
  /** The key that it was rotated to, and the one that it takes the place of. */
  readonly rotatedTo: StreamKeyId | null
  readonly rotatedFrom: StreamKeyId | null
  /** It may have ended. */
  readonly block: PathBlock | null
  /** The start of its last stream. */
  readonly lastUsedAt: DateTime.Utc | null
  /** Its unended stream, from admission on. */
  readonly activeStreamId: StreamId | null
}

/** In the order in which they are tried. */
export const keyStatuses = ["revoked", "expired", "disabled", "in_use", "active"] as const
export type KeyStatus = (typeof keyStatuses)[number]

/** The facts that decide whether a key is good, for every client. */
export interface KeyValidity {
  readonly revokedAt: DateTime.Utc | null
  readonly revokesAt: DateTime.Utc | null
  readonly expiresAt: DateTime.Utc | null
  readonly enabled: boolean
}

const isPast = (at: DateTime.Utc | null, now: DateTime.Utc): at is DateTime.Utc =>
  at !== null && DateTime.isLessThanOrEqualTo(at, now)

/** When the key was revoked, or else when it will be. What the store writes when a rotation's overlap has ended may come a moment later. */
export const revocationOf = (
  { revokedAt, revokesAt }: Pick<KeyValidity, "revokedAt" | "revokesAt">,
  now: DateTime.Utc
): Pick<KeyValidity, "revokedAt" | "revokesAt"> => {
  const at = revokedAt ?? (isPast(revokesAt, now) ? revokesAt : null)
  return { revokedAt: at, revokesAt: at === null ? revokesAt : null }
}

/** Why the key is not valid at `now` (the database's clock), or `null`; the first that holds. The store's `why_key_invalid` is its twin. */
export const whyInvalid = (key: KeyValidity, now: DateTime.Utc): "revoked" | "expired" | "disabled" | null =>
  revocationOf(key, now).revokedAt !== null
    ? "revoked"
    : isPast(key.expiresAt, now)
      ? "expired"
      : key.enabled
        ? null
        : "disabled"

/** What people see of a key at `now`, by the database's clock: the first of `keyStatuses` that holds. */
export const keyStatus = (key: KeyValidity & Pick<StreamKey, "activeStreamId">, now: DateTime.Utc): KeyStatus =>
  whyInvalid(key, now) ?? (key.activeStreamId === null ? "active" : "in_use")

/** The block that keeps the key off a path at `now`, if there is one. */
export const activeBlock = ({ block }: Pick<StreamKey, "block">, now: DateTime.Utc): PathBlock | null =>
  block === null || isPast(block.until, now) ? null : block

/** A block of a key lasts at most so long. */
export const BLOCK_MAX_SECONDS = 3_600
