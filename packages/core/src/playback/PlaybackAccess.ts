/**
 * Who may watch, as this process knows it: from memory, so viewers are let in and removed while the store is down. Only a path that is not live is
 * looked up in the store, once a second at most.
 */
import { Context, Effect, Layer } from "effect"
import { refusePath } from "../domain/access/decideAdmission.ts"
import type { PathFacts } from "../domain/playback/coversPath.ts"
import type { VerifiedToken } from "../domain/playback/decidePlayback.ts"
import type { PlaybackAction, TokenText } from "../domain/playback/PlaybackToken.ts"
import type { RevokedToken, RevokedViewer } from "../domain/playback/Revocations.ts"
import { parsePipelinePath, pipelinePath } from "../domain/workers/PipelinePath.ts"
import type { Repositories } from "../ports/Repositories.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import type { TokenSigner } from "../ports/TokenSigner.ts"
import { type PathOwner, Viewers } from "../ports/Viewers.ts"
import type { EventFeed } from "../events/EventFeed.ts"
import { monotonicMillis } from "../resilience/ProcessClock.ts"
import { StoreMonitor } from "../resilience/StoreMonitor.ts"
import { WorkersOn } from "../workers/WorkerSettings.ts"
import { followPlayback, nowSeconds } from "./followPlayback.ts"
import type { PlaybackDefaults as Defaults } from "../domain/playback/PlaybackPolicy.ts"
import { PlaybackDefaults } from "./PlaybackDefaults.ts"
import { isGoodKey, type PlaybackView } from "./PlaybackView.ts"

/** Answers of the store about paths that are not live. */
const LOOKUPS_KEPT = 10_000
/** For a decision on a newcomer, and for what is looked at each second. */
const LOOKUP_GOOD_FOR_MS = { read: 1_000, playback: 1_000, follow: 10_000 } as const
/** A viewer's auth call has 800 ms in all. */
const LOOKUP_WITHIN_MS = 500
const LOADED_WITHIN_MS = 700

const unavailable = (reason: string) => new StoreUnavailable({ operation: "PlaybackAccess", cause: new Error(reason) })

export class PlaybackAccess extends Context.Service<
  PlaybackAccess,
  {
    /** What is known of a path. Fails where only the store could tell, and does not. */
    readonly factsOf: (path: string, purpose: PlaybackAction | "follow") => Effect.Effect<PathFacts, StoreUnavailable>
    /** The same as the store has it now: for a decision that cannot be taken back. */
    readonly freshFactsOf: (path: string) => Effect.Effect<PathFacts, StoreUnavailable>
    readonly verify: (token: TokenText) => Effect.Effect<VerifiedToken, StoreUnavailable>
    /** Fails while it was never loaded. */
    readonly view: Effect.Effect<PlaybackView, StoreUnavailable>
    /** Completes when a policy, a revocation or a key has changed since the last call. For one caller. */
    readonly changed: Effect.Effect<void>
    /** What this process has revoked counts at once. */
    readonly add: (revoked: {
      readonly tokens?: ReadonlyArray<RevokedToken>
      readonly viewers?: ReadonlyArray<RevokedViewer>
    }) => Effect.Effect<void>
    readonly refreshKeys: Effect.Effect<void>
  }
>()("greenroom/PlaybackAccess") {
  static readonly layer: Layer.Layer<PlaybackAccess, never, Repositories | EventFeed | StoreMonitor | TokenSigner> =
    Layer.effect(
      PlaybackAccess,
      Effect.gen(function* () {
        const { loaded, changed, add, refreshKeys, known } = yield* followPlayback
        const lookUp = yield* makeLookup
        const view = Effect.suspend(() => {
          const now = known()
          return now === null
            ? Effect.timeoutOrElse(loaded, {
                duration: LOADED_WITHIN_MS,
                orElse: () => Effect.fail(unavailable("what may be watched was not read yet"))
              })
            : Effect.succeed(now)
        })
        const facts = Effect.fnUntraced(function* (
          path: string,
          ownerOf: (path: string) => Effect.Effect<PathOwner | null, StoreUnavailable>
        ) {
          const { paths } = yield* view
          const pipeline = (yield* WorkersOn) ? parsePipelinePath(path) : null
          if (pipeline?.direction !== "out") return factsFrom(yield* ownerOf(path), yield* PlaybackDefaults)
          // A worker's output is as public as what it is made of.
          const output = paths.get(path)
          const source = factsFrom(yield* ownerOf(pipelinePath(pipeline.id, "in")), yield* PlaybackDefaults)
          return {
            ...source,
            broadcasterId: source.broadcasterId ?? output?.broadcasterId ?? null,
            streamId: output?.streamId ?? null
          }
        })
        return PlaybackAccess.of({
          factsOf: (path, purpose) =>
            facts(path, (one) => {
              const live = known()?.paths.get(one)
              return live === undefined ? lookUp(one, purpose) : Effect.succeed(live)
            }),
          freshFactsOf: (path) => facts(path, (one) => lookUp(one, "fresh")),
          verify: Effect.fnUntraced(function* (token) {
            const { keys, verifier } = yield* view
            const verified = yield* verifier.verify(token)
            if (verified._tag === "NotVerified" || isGoodKey({ keys }, verified.signingKeyId, yield* nowSeconds)) {
              return verified
            }
            return { _tag: "NotVerified", failure: "unknown_key" } as const
          }),
          view,
          changed,
          add,
          refreshKeys
        })
      })
    )
}

const factsFrom = (owner: PathOwner | null, defaults: Defaults): PathFacts =>
  owner === null
    ? { policy: defaults.unknownPaths, broadcasterId: null, streamId: null }
    : {
        policy: owner.playback ?? defaults.streams,
        broadcasterId: owner.broadcasterId,
        streamId: owner.streamId
      }

/**
 * The owner of a path that is not live, from the store or, for a second, from its last answer. While the store does not answer the last answer counts,
 * however old; where there is none, a live path would be known, so `read` takes the path for nobody's.
 */
const makeLookup = Effect.gen(function* () {
  const viewers = yield* Viewers
  const monitor = yield* StoreMonitor
  const kept = new Map<string, { readonly owner: PathOwner | null; readonly at: number }>()

  const keep = (path: string, owner: PathOwner | null, at: number) => {
    kept.delete(path)
    kept.set(path, { owner, at })
    if (kept.size > LOOKUPS_KEPT) kept.delete(kept.keys().next().value!)
    return owner
  }
  const ask = Effect.fnUntraced(function* (path: string) {
    if (!(yield* monitor.isUp)) return yield* unavailable("the store is known to be down")
    const found = yield* viewers.pathFacts(path).pipe(
      Effect.timeoutOrElse({ duration: LOOKUP_WITHIN_MS, orElse: () => Effect.fail(unavailable("deadline")) }),
      Effect.tapError(() => monitor.reportFailure)
    )
    return keep(path, found._tag === "Some" ? found.value : null, yield* monotonicMillis)
  })

  return Effect.fnUntraced(function* (path: string, purpose: keyof typeof LOOKUP_GOOD_FOR_MS | "fresh") {
    // Nobody's, and nothing to ask a store about.
    if (refusePath(path) !== null) return null
    if (purpose === "fresh") return yield* ask(path)
    const last = kept.get(path)
    if (last !== undefined && (yield* monotonicMillis) - last.at < LOOKUP_GOOD_FOR_MS[purpose]) return last.owner
    return yield* Effect.catch(ask(path), (error) => {
      if (last !== undefined) return Effect.succeed(last.owner)
      return purpose === "playback" ? Effect.fail(error) : Effect.succeed(null)
    })
  })
})
