/**
 * Who may watch, as this process knows it: from memory, so viewers are let in and removed while the store is down. Only a path that is not live is
 * looked up in the store, once a second at most.
 */
import { Context, Effect, Layer, Option } from "effect"
import { refusePath } from "../domain/access/decideAdmission.ts"
import type { PathFacts } from "../domain/playback/coversPath.ts"
import type { VerifiedToken } from "../domain/playback/decidePlayback.ts"
import type { PlaybackDefaults as Defaults } from "../domain/playback/PlaybackPolicy.ts"
import type { PlaybackAction, TokenText } from "../domain/playback/PlaybackToken.ts"
import { parsePipelinePath, pipelinePath } from "../domain/workers/PipelinePath.ts"
import type { EventFeed } from "../events/EventFeed.ts"
import { WorkersOn } from "../ports/MediaWorker.ts"
import type { Repositories } from "../ports/Repositories.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import type { TokenSigner } from "../ports/TokenSigner.ts"
import { type PathOwner, Viewers } from "../ports/Viewers.ts"
import { monotonicMillis } from "../resilience/ProcessClock.ts"
import { StoreMonitor } from "../resilience/StoreMonitor.ts"
import { followPlayback, nowSeconds, type Revoked } from "./followPlayback.ts"
import { PlaybackDefaults } from "./PlaybackDefaults.ts"
import { isGoodKey, type PlaybackView } from "./PlaybackView.ts"

/** Answers of the store about paths that are not live. */
const LOOKUPS_KEPT = 10_000
/** For a decision on a newcomer, and for what is looked at each second. */
const LOOKUP_GOOD_FOR_MS = { read: 1_000, playback: 1_000, follow: 10_000 } as const
/** A viewer's auth call has 800 ms in all. */
const LOOKUP_WITHIN_MS = 500
const LOADED_WITHIN_MS = 700
/** Because of tokens with keys that are not known: anyone can send those. */
const KEYS_READ_EVERY_MS = 1_000

const unavailable = (reason: string) => new StoreUnavailable({ operation: "PlaybackAccess", cause: new Error(reason) })

export class PlaybackAccess extends Context.Service<
  PlaybackAccess,
  {
    /** What is known of a path. Fails where only the store knows, and does not answer. */
    readonly factsOf: (path: string, purpose: PlaybackAction | "follow") => Effect.Effect<PathFacts, StoreUnavailable>
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
          const pipeline = (yield* WorkersOn) ? parsePipelinePath(path) : null
          if (pipeline?.direction !== "out") return factsFrom(yield* ownerOf(path), yield* PlaybackDefaults)
          // A worker's output is as public as what it is made of.
          const output = paths.get(path)
          const defaults = yield* PlaybackDefaults
          const owner = yield* ownerOf(pipelinePath(pipeline.id, "in"))
          const source = factsFrom(owner, defaults)
          // Its source may have ended before it, and then is no stream any more.
          const isPrivate = owner === null && output !== undefined && factsFrom(output, defaults).policy === "token"
          return {
            ...source,
            policy: isPrivate ? "token" : source.policy,
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

const factsFrom = (owner: PathOwner | null, defaults: Defaults): PathFacts =>
  owner === null
    ? { policy: defaults.unknownPaths, broadcasterId: null, streamId: null }
    : {
        policy: owner.playback ?? defaults.streams,
        broadcasterId: owner.broadcasterId,
        streamId: owner.streamId
      }

/**
 * The owner of a path that is not live, from the store or, for a second, from its last answer. Recordings are of who streamed there last. While the store does not answer the last answer counts,
 * however old; where there is none, a live path would be known, so `read` takes the path for one without an owner.
 */
const makeLookup = Effect.gen(function* () {
  const viewers = yield* Viewers
  const monitor = yield* StoreMonitor
  const kept = new Map<string, { readonly owner: PathOwner | null; readonly at: number }>()

  const nameOf = (path: string, isRecording: boolean): string => (isRecording ? `recording ${path}` : path)
  const keep = (name: string, owner: PathOwner | null, at: number) => {
    kept.delete(name)
    kept.set(name, { owner, at })
    if (kept.size > LOOKUPS_KEPT) kept.delete(kept.keys().next().value!)
    return owner
  }
  const factsNow = (path: string, isRecording: boolean) =>
    Effect.flatMap(viewers.pathFacts(path), (found) =>
      found._tag === "Some" || !isRecording ? Effect.succeed(found) : viewers.pastFacts(path)
    )
  const ask = Effect.fnUntraced(function* (path: string, isRecording: boolean) {
    if (!(yield* monitor.isUp)) return yield* unavailable("the store is known to be down")
    const found = yield* factsNow(path, isRecording).pipe(
      Effect.timeoutOrElse({ duration: LOOKUP_WITHIN_MS, orElse: () => Effect.fail(unavailable("deadline")) }),
      Effect.tapError(() => monitor.reportFailure)
    )
    return keep(nameOf(path, isRecording), found._tag === "Some" ? found.value : null, yield* monotonicMillis)
  })

  return Effect.fnUntraced(function* (path: string, purpose: keyof typeof LOOKUP_GOOD_FOR_MS | "fresh") {
    // It can have no owner.
    if (refusePath(path) !== null) return null
    if (purpose === "fresh") return yield* ask(path, false)
    const isRecording = purpose === "playback"
    const last = kept.get(nameOf(path, isRecording))
    if (last !== undefined && (yield* monotonicMillis) - last.at < LOOKUP_GOOD_FOR_MS[purpose]) return last.owner
    return yield* Effect.catch(ask(path, isRecording), (error) => {
      if (last !== undefined) return Effect.succeed(last.owner)
      return purpose === "playback" ? Effect.fail(error) : Effect.succeed(null)
    })
  })
})
