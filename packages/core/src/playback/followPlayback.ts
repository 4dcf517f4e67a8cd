/** The loop that keeps a `PlaybackView` up to date: it loads the view once, applies events as they come, and loads it anew from time to time. */
import { Cause, Clock, Effect, Latch, Option, Queue } from "effect"
import type { LoggedEvent } from "../domain/events/LoggedEvent.ts"
import type { RevokedToken, RevokedViewer } from "../domain/playback/Revocations.ts"
import { addRevocations } from "../domain/playback/Revocations.ts"
import { EventFeed } from "../events/EventFeed.ts"
import { PlaybackTokens } from "../ports/PlaybackTokens.ts"
import { SigningKeys } from "../ports/SigningKeys.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { TokenSigner } from "../ports/TokenSigner.ts"
import { Viewers } from "../ports/Viewers.ts"
import { makeConditions } from "../resilience/Conditions.ts"
import { applyEvents, isConcerned, type PlaybackView, pathsOf, revocationsOf, type Stale } from "./PlaybackView.ts"

/** Events tell of every change; this is for what none of them tells. */
const RELOAD_EVERY_MS = 60_000
const AGAIN_AFTER_MS = 1_000
/** Changes that come one upon the other are read together. */
const BETWEEN_TURNS_MS = 50
/** More events that wait are dropped, and all is read instead. */
const WAITING_MAX = 10_000

const OUT_OF_DATE = "private streams, revocations and signing keys cannot be read: viewers are let in by what was known before"
const UP_TO_DATE = "private streams, revocations and signing keys are up to date again"

const everything: Stale = { paths: true, keys: true }

export const nowSeconds = Effect.map(Clock.currentTimeMillis, (millis) => millis / 1000)

const loadKeys = Effect.gen(function* () {
  const keys = yield* (yield* SigningKeys).list
  return { keys, verifier: yield* (yield* TokenSigner).verifier(keys) }
})

const loadAll = Effect.gen(function* () {
  const viewers = yield* Viewers
  const tokens = yield* PlaybackTokens
  const { open, revoked, known } = yield* Effect.all(
    { open: viewers.paths, revoked: tokens.revocations, known: loadKeys },
    { concurrency: "unbounded" }
  )
  const view: PlaybackView = {
    paths: pathsOf(open),
    revocations: revocationsOf(revoked, yield* nowSeconds),
    ...known
  }
  return view
})

/** Follows from the moment of its call until the scope closes. */
export const followPlayback = Effect.gen(function* () {
  const feed = yield* EventFeed
  const conditions = makeConditions()
  const wakes = yield* Queue.sliding<void>(1)
  const changes = yield* Queue.sliding<void>(1)
  const loaded = yield* Latch.make(false)
  let view: PlaybackView | null = null
  let waiting: Array<LoggedEvent> = []
  let stale: Stale = everything
  let mustLoad = true

  const wake = () => void Queue.offerUnsafe(wakes, undefined)
  const consumer = {
    offer: (events: ReadonlyArray<LoggedEvent>) => {
      const found = events.filter(isConcerned)
      if (found.length === 0) return
      waiting.push(...found)
      if (waiting.length > WAITING_MAX) {
        waiting = []
        mustLoad = true
      }
      wake()
    },
    reset: () => {
      waiting = []
      mustLoad = true
      wake()
    }
  }

  /** Events that come during a read may be in what was read: they are applied after it. */
  const read = Effect.gen(function* () {
    if (view === null || mustLoad) {
      mustLoad = false
      stale = { paths: false, keys: false }
      view = yield* Effect.tapError(loadAll, () => Effect.sync(() => (mustLoad = true)))
      return
    }
    if (stale.keys) view = { ...view, ...(yield* loadKeys) }
    if (stale.paths) view = { ...view, paths: pathsOf(yield* (yield* Viewers).paths) }
    stale = { paths: false, keys: false }
  })

  const applyWaiting = Effect.gen(function* () {
    if (view === null || waiting.length === 0) return
    const applied = applyEvents(view, waiting, yield* nowSeconds)
    waiting = []
    if (applied.view.revocations !== view.revocations) yield* Queue.offer(changes, undefined)
    view = applied.view
    stale = { paths: stale.paths || applied.stale.paths, keys: stale.keys || applied.stale.keys }
  })

  const turn = Effect.gen(function* () {
    yield* applyWaiting
    while (mustLoad || stale.paths || stale.keys) {
      yield* read
      yield* Queue.offer(changes, undefined)
      yield* applyWaiting
    }
    yield* loaded.open
  })

  const attempt = Effect.gen(function* () {
    const exit = yield* Effect.exit(turn)
    if (exit._tag === "Success") {
      yield* conditions.set("playback_out_of_date", false, UP_TO_DATE)
      yield* Effect.sleep(BETWEEN_TURNS_MS)
      if (Option.isNone(yield* Effect.timeoutOption(Queue.take(wakes), RELOAD_EVERY_MS))) mustLoad = true
      return
    }
    if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.failCause(exit.cause)
    const error = Cause.squash(exit.cause)
    if (!(error instanceof StoreUnavailable)) yield* Effect.logError("a defect in what is known of playback", exit.cause)
    const message = error instanceof Error ? error.message : String(error)
    yield* conditions.set("playback_out_of_date", true, OUT_OF_DATE, { annotations: { error: message } })
    yield* Effect.sleep(AGAIN_AFTER_MS)
  })

  const attached = Effect.acquireRelease(feed.attach(consumer), ({ detach }) => Effect.sync(detach))
  yield* Effect.forkScoped(Effect.andThen(attached, Effect.forever(attempt)))

  return {
    /** `null` before the first load. */
    known: () => view,
    /** The view, when it was loaded once. */
    loaded: Effect.map(loaded.await, () => view!),
    /** Completes when a policy, a revocation or a key has changed since the last call. For one caller. */
    changed: Queue.take(changes),
    /** What this process has written itself counts at once. */
    add: (revoked: { readonly tokens?: ReadonlyArray<RevokedToken>; readonly viewers?: ReadonlyArray<RevokedViewer> }) =>
      Effect.map(nowSeconds, (now) => {
        if (view !== null) view = { ...view, revocations: addRevocations(view.revocations, revoked, now) }
        Queue.offerUnsafe(changes, undefined)
      }),
    /** What this process has changed itself is read at once. */
    refreshKeys: Effect.suspend(() => {
      stale = { ...stale, keys: true }
      return Effect.asVoid(Queue.offer(wakes, undefined))
    })
  }
})
