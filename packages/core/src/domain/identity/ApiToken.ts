/**
 * An API token: the credential of one caller of the API, beside the one API secret. Its value is shown once; the store keeps its SHA-256.
 * With a broadcaster it sees and changes that broadcaster's things alone.
 */
import { DateTime, type Redacted } from "effect"
import type { ApiTokenId, BroadcasterId } from "../values/Ids.ts"
import { lineOf } from "../values/PlainText.ts"
import type { Scope } from "./Scope.ts"

export const TokenName = lineOf(100).annotate({ description: "What the token is for", examples: ["dashboard"] })

/** `gr_` and 43 base64url characters of 32 random bytes. */
export type TokenValue = Redacted.Redacted<string>

/** SHA-256 of the token's value, 32 bytes. */
export type TokenHash = Uint8Array

/** Whether a text is what a token's value looks like, with nothing round it. */
export const isTokenText = (text: string): boolean => /^gr_[0-9A-Za-z_-]{43}$/.test(text)

/** A store refuses more. */
export const API_TOKENS_MAX = 1_000

export interface ApiToken {
  readonly id: ApiTokenId
  readonly name: string
  /** Never empty. */
  readonly scopes: ReadonlyArray<Scope>
  /** `null`: of every broadcaster. */
  readonly broadcasterId: BroadcasterId | null
  readonly createdAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc | null
  /** At most `LAST_USED_STEP_MS` behind. */
  readonly lastUsedAt: DateTime.Utc | null
}

/** `lastUsedAt` is written at most once in this time. */
export const LAST_USED_STEP_MS = 60_000

/** Whether it is refused at `now`, by the database's clock. */
export const hasExpired = ({ expiresAt }: Pick<ApiToken, "expiresAt">, now: DateTime.Utc): boolean =>
  expiresAt !== null && DateTime.isLessThanOrEqualTo(expiresAt, now)
