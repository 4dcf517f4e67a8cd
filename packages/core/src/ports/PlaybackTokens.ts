/**
 * The playback tokens that are known, and what was revoked. The tokens' texts are nowhere here: a token is verified by its signature. Laws: `revoke` keeps
 * the first `revokedAt`; `revokeViewer` is one atomic step, marks each unexpired token of the viewer (of the broadcaster, where one is given) and keeps one
 * row a viewer and broadcaster, whose last `until` counts; both write their event in the same step; `revocations` has all that can still matter,
 * and only that; `recordSeen` changes nothing of a token that is known; `prune` deletes no token that has not expired. The list is ordered newest
 * first by `(createdAt, id)`. The tokens of a removed signing key are in no answer, but their ids are not free. A revocation is not before any token of the viewer that it is meant for: the
 * clock of who issued one may be `CLOCK_AHEAD_MAX_MS` ahead. Time is the database's, but what was signed stays as it was signed.
 */
import type { DateTime, Effect, Option } from "effect"
import {
  ISSUER_AHEAD_MAX_SECONDS,
  type PlaybackToken,
  type PlaybackTokenId,
  type ViewerId
} from "../domain/playback/PlaybackToken.ts"
import type { RevokedToken, RevokedViewer } from "../domain/playback/Revocations.ts"
import type { BroadcasterId } from "../domain/values/Ids.ts"
import type { Page, PageRequest } from "./Page.ts"
import { port } from "./Repositories.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

/** How long the store has a token after it has expired. */
export const TOKENS_KEPT_DAYS = 7

export interface PlaybackTokenFilter {
  readonly viewerId?: ViewerId
  readonly broadcasterId?: BroadcasterId
}

export interface ViewerRevocation {
  readonly viewerId: ViewerId
  /** `null`: on every path. */
  readonly broadcasterId: BroadcasterId | null
  readonly until: DateTime.Utc | null
}

/** An issuer whose clock is ahead by more is not followed. */
export const CLOCK_AHEAD_MAX_MS = ISSUER_AHEAD_MAX_SECONDS * 1_000

export interface PlaybackTokensPort {
  /** `false`: there is one with this id. */
  readonly create: (token: Omit<PlaybackToken, "revokedAt">) => Effect.Effect<boolean, StoreUnavailable>
  /** Tokens that an application has signed by itself, at their first use; at most a few hundred at once. */
  readonly recordSeen: (
    tokens: ReadonlyArray<Omit<PlaybackToken, "revokedAt">>
  ) => Effect.Effect<void, StoreUnavailable>
  readonly find: (id: PlaybackTokenId) => Effect.Effect<Option.Option<PlaybackToken>, StoreUnavailable>
  readonly findAll: (
    ids: ReadonlyArray<PlaybackTokenId>
  ) => Effect.Effect<ReadonlyArray<PlaybackToken>, StoreUnavailable>
  readonly list: (
    filter: PlaybackTokenFilter,
    page: PageRequest
  ) => Effect.Effect<Page<PlaybackToken>, StoreUnavailable>
  /** Its event: `playback_token.revoked`. */
  readonly revoke: (id: PlaybackTokenId) => Effect.Effect<Option.Option<PlaybackToken>, StoreUnavailable>
  /** `tokens`: how many it marked. Its event: `viewer.revoked`. */
  readonly revokeViewer: (
    revocation: ViewerRevocation
  ) => Effect.Effect<{ readonly revoked: RevokedViewer; readonly tokens: number }, StoreUnavailable>
  readonly revocations: Effect.Effect<
    { readonly tokens: ReadonlyArray<RevokedToken>; readonly viewers: ReadonlyArray<RevokedViewer> },
    StoreUnavailable
  >
  /** Deletes tokens that expired more than `keepDays` ago, those of removed signing keys, and revocations that cannot matter any more, at most `limit` of each. How many. */
  readonly prune: (keepDays: number, limit: number) => Effect.Effect<number, StoreUnavailable>
}

export class PlaybackTokens extends port("playbackTokens") {}
