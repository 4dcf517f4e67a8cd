/**
 * The API tokens. Laws: there are at most `API_TOKENS_MAX`; two tokens never have one hash; `authenticate` finds those that have not expired and
 * whose broadcaster, if any, is not deleted, and records the use at most once in `LAST_USED_STEP_MS`; a token that was removed is never found
 * again. The list is ordered newest first by `(createdAt, id)`. Time is the database's.
 */
import type { DateTime, Effect, Option } from "effect"
import type { ApiToken, TokenHash } from "../domain/identity/ApiToken.ts"
import type { Scope } from "../domain/identity/Scope.ts"
import type { ApiTokenId, BroadcasterId } from "../domain/values/Ids.ts"
import type { Page, PageRequest } from "./Page.ts"
import { port } from "./Repositories.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

export interface NewApiToken {
  readonly id: ApiTokenId
  readonly hash: TokenHash
  readonly name: string
  readonly scopes: ReadonlyArray<Scope>
  readonly broadcasterId: BroadcasterId | null
  readonly expiresAt: DateTime.Utc | null
}

export type CreateTokenOutcome =
  | { readonly _tag: "Created"; readonly token: ApiToken }
  | { readonly _tag: "UnknownBroadcaster" }
  | { readonly _tag: "ExpiryInPast" }
  | { readonly _tag: "TooMany" }

export interface ApiTokenChanges {
  readonly name?: string
  readonly scopes?: ReadonlyArray<Scope>
  readonly expiresAt?: DateTime.Utc | null
}

export type ChangeTokenOutcome =
  | { readonly _tag: "Changed"; readonly token: ApiToken }
  | { readonly _tag: "NotFound" }
  | { readonly _tag: "ExpiryInPast" }

export interface ApiTokenFilter {
  /** Only those that are limited to this broadcaster. */
  readonly broadcasterId?: BroadcasterId
}

export interface ApiTokensPort {
  readonly create: (token: NewApiToken) => Effect.Effect<CreateTokenOutcome, StoreUnavailable>
  readonly authenticate: (hash: TokenHash) => Effect.Effect<Option.Option<ApiToken>, StoreUnavailable>
  /** As `authenticate`, by id: for sessions that a token opened. */
  readonly authenticateId: (id: ApiTokenId) => Effect.Effect<Option.Option<ApiToken>, StoreUnavailable>
  readonly find: (id: ApiTokenId) => Effect.Effect<Option.Option<ApiToken>, StoreUnavailable>
  readonly list: (filter: ApiTokenFilter, page: PageRequest) => Effect.Effect<Page<ApiToken>, StoreUnavailable>
  readonly change: (id: ApiTokenId, changes: ApiTokenChanges) => Effect.Effect<ChangeTokenOutcome, StoreUnavailable>
  /** Whether there was one to remove. */
  readonly remove: (id: ApiTokenId) => Effect.Effect<boolean, StoreUnavailable>
}

export class ApiTokens extends port("apiTokens") {}
