/**
 * Who may watch, as this process knows it: from memory, so viewers are let in and removed while the store is down. Only a path that is not live is
 * looked up in the store, once a second at most.
 */
import { Context, Effect, Layer, Option } from "effect"
import type { PathFacts } from "../domain/playback/coversPath.ts"
import type { VerifiedToken } from "../domain/playback/decidePlayback.ts"
import { factsOfOutput, factsOfPath, type PathOwner } from "../domain/playback/PathOwner.ts"
import type { TokenText } from "../domain/playback/PlaybackToken.ts"
import { parsePipelinePath, pipelinePath } from "../domain/workers/PipelinePath.ts"
import type { EventFeed } from "../events/EventFeed.ts"
import { WorkersOn } from "../ports/MediaWorker.ts"
import type { Repositories } from "../ports/Repositories.ts"
import type { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import type { TokenSigner } from "../ports/TokenSigner.ts"
import { monotonicMillis, nowSeconds } from "../resilience/ProcessClock.ts"
import type { StoreMonitor } from "../resilience/StoreMonitor.ts"
import { followPlayback, type Revoked } from "./followPlayback.ts"
import { LOOKUP_WITHIN_MS, type LookupPurpose, makeOwnerLookup, unavailable } from "./lookUpOwner.ts"
import { PlaybackDefaults } from "./PlaybackDefaults.ts"
import { isGoodKey, type PlaybackView } from "./PlaybackView.ts"

/** An auth call that comes before the first load waits for it, within its 800 ms. */
const LOADED_WITHIN_MS = 700
/** Because of tokens with keys that are not known: anyone can send those. */
const KEYS_READ_EVERY_MS = 1_000

export class PlaybackAccess extends Context.Service<
  PlaybackAccess,
  {
    /** What is known of a path. Fails where only the store knows, and does not answer. */
    readonly factsOf: (
      path: string,
      purpose: Exclude<LookupPurpose, "fresh">
    ) => Effect.Effect<PathFacts, StoreUnavailable>
    /** The same as the store has it now: for a decision that cannot be taken back. */
    readonly freshFactsOf: (path: string) => Effect.Effect<PathFacts, StoreUnavailable>
    readonly verify: (token: TokenText) => Effect.Effect<VerifiedToken, StoreUnavailable>
    /** Fails while it was never loaded. */
    readonly view: Effect.Effect<PlaybackView, StoreUnavailable>
    /** Completes when a policy, a revocation or a key has changed since the last call. For one caller. */
    readonly changed: Effect.Effect<void>
    /** What this process has revoked counts at once. */
    readonly add: (revoked: Revoked) => Effect.Effect<void>
    /** Reads the keys now: this process has changed them, or meets one that it does not know. */
    readonly refreshKeys: Effect.Effect<void, StoreUnavailable>
  }
>()("greenroom/PlaybackAccess") {
  static readonly layer: Layer.Layer<PlaybackAccess, never, Repositories | EventFeed | StoreMonitor | TokenSigner> =
    Layer.effect(
      PlaybackAccess,
      Effect.gen(function* () {
        const { loaded, changed, add, refreshKeys, known } = yield* followPlayback
        const lookUp = yield* makeOwnerLookup
        const view = Effect.suspend(() => {
          const now = known()
          return now === null
            ? Effect.timeoutOrElse(loaded, {
                duration: LOADED_WITHIN_MS,
                orElse: () => Effect.fail(unavailable("what may be watched was not read yet"))
              })
            : Effect.succeed(now)
        })
        let keysReadAt = Number.NEGATIVE_INFINITY
        const readKeysAgain = Effect.gen(function* () {
          const now = yield* monotonicMillis
          if (now - keysReadAt < KEYS_READ_EVERY_MS) return false
          keysReadAt = now
          const reading = Effect.timeoutOption(Effect.option(refreshKeys), LOOKUP_WITHIN_MS)
          return Option.isSome(Option.flatten(yield* reading))
        })
        const facts = Effect.fnUntraced(function* (
          path: string,
          ownerOf: (path: string) => Effect.Effect<PathOwner | null, StoreUnavailable>
        ) {
          const { paths } = yield* view
          const defaults = yield* PlaybackDefaults
          const pipeline = (yield* WorkersOn) ? parsePipelinePath(path) : null
          if (pipeline?.direction !== "out") return factsOfPath(yield* ownerOf(path), defaults)
          return factsOfOutput(yield* ownerOf(pipelinePath(pipeline.id, "in")), paths.get(path) ?? null, defaults)
        })
        return PlaybackAccess.of({
          factsOf: (path, purpose) =>
            facts(path, (one) => {
              const live = known()?.paths.get(one)
              return live === undefined ? lookUp(one, purpose) : Effect.succeed(live)
            }),
          freshFactsOf: (path) => facts(path, (one) => lookUp(one, "fresh")),
          verify: Effect.fnUntraced(function* (token) {
            const verified = yield* verifyWith(yield* view, token)
            if (verified._tag === "Verified" || verified.failure !== "unknown_key") return verified
            // A key that another instance has made a moment ago.
            const isRead = yield* readKeysAgain
            return isRead ? yield* verifyWith(yield* view, token) : verified
          }),
          view,
          changed,
          add,
          refreshKeys
        })
      })
    )
}

const verifyWith = Effect.fnUntraced(function* ({ keys, verifier }: PlaybackView, token: TokenText) {
  const verified = yield* verifier.verify(token)
  if (verified._tag === "NotVerified" || isGoodKey({ keys }, verified.signingKeyId, yield* nowSeconds)) return verified
  const gone: VerifiedToken = { _tag: "NotVerified", failure: "unknown_key" }
  return gone
})
