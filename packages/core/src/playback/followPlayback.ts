/** The loop that keeps a `PlaybackView` up to date: it loads the view once, applies events as they come, and loads it anew from time to time. */
import { Effect, Latch, Option, Queue } from "effect"
import type { LoggedEvent } from "../domain/events/LoggedEvent.ts"
import type { RevokedToken, RevokedViewer } from "../domain/playback/Revocations.ts"
import { addRevocations } from "../domain/playback/Revocations.ts"
import { type EventConsumer, EventFeed } from "../events/EventFeed.ts"
import { PlaybackTokens } from "../ports/PlaybackTokens.ts"
import type { Repositories } from "../ports/Repositories.ts"
import { SigningKeys } from "../ports/SigningKeys.ts"
import { TokenSigner } from "../ports/TokenSigner.ts"
import { Viewers } from "../ports/Viewers.ts"
import { type ConditionKind, type Conditions, makeConditions } from "../resilience/Conditions.ts"
import { nowSeconds } from "../resilience/ProcessClock.ts"
import { type LoopCondition, underCondition } from "../resilience/underCondition.ts"
import {
  applyEvents,
  isConcerned,
  nothingStale,
  type PlaybackView,
  pathsOf,
  revocationsOf,
  type Stale
} from "./PlaybackView.ts"

/** Events bring every change; this is for what none of them brings. */
const RELOAD_EVERY_MS = 60_000
/** After a failure. */
const AGAIN_AFTER_MS = 1_000
/** Changes that come one upon the other are read together. */
const BETWEEN_TURNS_MS = 50
/** More events that wait are dropped, and all is read instead. */
const WAITING_MAX = 10_000

const outOfDate: LoopCondition = {
  kind: "playback_out_of_date",
  begins: "private streams, revocations and signing keys cannot be read: viewers are let in by what was known before",
  over: "private streams, revocations and signing keys are up to date again",
  defect: "a defect in what is known of playback"
}

/** What was revoked just now. */
export interface Revoked {
  readonly tokens?: ReadonlyArray<RevokedToken>
  readonly viewers?: ReadonlyArray<RevokedViewer>
}

const everything: Stale = { paths: true, keys: true }

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

/** What the loop knows between its turns. */
interface Following {
  view: PlaybackView | null
  /** Not applied yet. */
  waiting: Array<LoggedEvent>
  stale: Stale
  mustLoad: boolean
  readonly wakes: Queue.Queue<void>
  readonly changes: Queue.Queue<void>
}

const consumerOf = (state: Following): EventConsumer => {
  const loadAnew = () => {
    state.waiting = []
    state.mustLoad = true
    Queue.offerUnsafe(state.wakes, undefined)
  }
  return {
    offer: (events) => {
      const found = events.filter(isConcerned)
      if (found.length === 0) return
      if (state.waiting.length + found.length > WAITING_MAX) return loadAnew()
      state.waiting.push(...found)
      Queue.offerUnsafe(state.wakes, undefined)
    },
    reset: loadAnew
  }
}

/** Events that come during a read may be in what was read: they are applied after it. */
const read = Effect.fnUntraced(function* (state: Following) {
  const { view, stale } = state
  if (view === null || state.mustLoad) {
    state.mustLoad = false
    state.view = yield* Effect.tapError(loadAll, () =>
      Effect.sync(() => {
        state.mustLoad = true
      })
    )
  } else {
    if (stale.keys) state.view = { ...view, ...(yield* loadKeys) }
    if (stale.paths) state.view = { ...(state.view ?? view), paths: pathsOf(yield* (yield* Viewers).paths) }
  }
  state.stale = nothingStale
  yield* Queue.offer(state.changes, undefined)
})

const applyWaiting = Effect.fnUntraced(function* (state: Following) {
  const { view, waiting, stale } = state
  if (view === null || waiting.length === 0) return
  const applied = applyEvents(view, waiting, yield* nowSeconds)
  state.waiting = []
  state.view = applied.view
  state.stale = { paths: stale.paths || applied.stale.paths, keys: stale.keys || applied.stale.keys }
  if (applied.view.revocations !== view.revocations) yield* Queue.offer(state.changes, undefined)
})

const turn = Effect.fnUntraced(function* (state: Following) {
  yield* applyWaiting(state)
  while (state.mustLoad || state.stale.paths || state.stale.keys) {
    yield* read(state)
    yield* applyWaiting(state)
  }
})

const attempt = Effect.fnUntraced(function* (
  state: Following,
  loaded: Latch.Latch,
  conditions: Conditions<ConditionKind>
) {
  if (!(yield* underCondition(turn(state), conditions, outOfDate))) return yield* Effect.sleep(AGAIN_AFTER_MS)
  yield* loaded.open
  yield* Effect.sleep(BETWEEN_TURNS_MS)
  const woken = yield* Effect.timeoutOption(Queue.take(state.wakes), RELOAD_EVERY_MS)
  if (Option.isNone(woken)) state.mustLoad = true
})

/** Follows from the moment of its call until the scope closes. */
export const followPlayback = Effect.gen(function* () {
  const feed = yield* EventFeed
  const context = yield* Effect.context<Repositories | TokenSigner>()
  const loaded = yield* Latch.make(false)
  const state: Following = {
    view: null,
    waiting: [],
    stale: everything,
    mustLoad: true,
    wakes: yield* Queue.sliding<void>(1),
    changes: yield* Queue.sliding<void>(1)
  }
  // While the store does not answer there is no log to attach to, and a shutdown must not wait for one.
  const attached = Effect.acquireRelease(feed.attach(consumerOf(state)), ({ detach }) => Effect.sync(detach), {
    interruptible: true
  })
  yield* Effect.forkScoped(Effect.andThen(attached, Effect.forever(attempt(state, loaded, makeConditions()))))

  const replace = (change: (view: PlaybackView) => PlaybackView) => {
    if (state.view !== null) state.view = change(state.view)
    Queue.offerUnsafe(state.changes, undefined)
  }
  return {
    /** `null` before the first load. */
    known: () => state.view,
    /** The view, when it was loaded once. */
    loaded: Effect.map(loaded.await, () => state.view!),
    /** Completes when a policy, a revocation or a key has changed since the last call. For one caller. */
    changed: Queue.take(state.changes),
    /** What this process has written itself counts at once. */
    add: (revoked: Revoked) =>
      Effect.map(nowSeconds, (now) =>
        replace((view) => ({ ...view, revocations: addRevocations(view.revocations, revoked, now) }))
      ),
    /** Reads the keys now. */
    refreshKeys: Effect.map(loadKeys, (keys) => replace((view) => ({ ...view, ...keys }))).pipe(
      Effect.provideContext(context)
    )
  }
})
