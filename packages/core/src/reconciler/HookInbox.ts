/**
 * What becomes of hooks: they are kept until a look has begun after them, which makes them needless, or until it is clear that nobody can look;
 * then they are believed, in the order in which they came, as far as `interpretHook` goes. What is believed moves sessions like everything
 * else: by the state machine, with its event, once.
 */
import { DateTime, Effect, Metric } from "effect"
import { type Hook, interpretHook } from "../domain/reconciliation/interpretHook.ts"
import * as Metrics from "../Metrics.ts"
import { Sessions } from "../ports/Sessions.ts"
import { elapsedAtLeast, elapsedAtMost, type Reading, readClocks } from "../resilience/ProcessClock.ts"
import { isUnobservable, SNAPSHOT_VALID_MS } from "./canObserve.ts"

const MAX_HOOKS = 1_000
/** Those that are left come with the next pass. */
const AT_ONCE = 100
/** What could neither be looked at nor believed for so long says nothing any more. */
const FORGET_AFTER_MS = 60_000

interface Heard {
  readonly hook: Hook
  readonly at: Reading
}

/** Between which two moments, by this process's clocks, a look began. */
export interface SnapshotBegan {
  readonly earliest: Reading
  readonly latest: Reading
}

type Outcome = "looked" | "believed" | "ignored" | "dropped"

const count = (hook: Hook, outcome: Outcome) =>
  Metric.update(Metric.withAttributes(Metrics.hooks, { kind: hook.kind, outcome }), 1)

const apply = Effect.fnUntraced(function* ({ hook, at }: Heard) {
  const sessions = yield* Sessions
  // Only a hook without an id is a matter of time.
  const { now, open } =
    hook.sourceId === undefined
      ? yield* sessions.open
      : { now: yield* DateTime.now, open: yield* sessions.bySource([hook.sourceId]) }
  const heardAt = DateTime.subtractDuration(now, Math.round(elapsedAtMost(at, yield* readClocks)))
  const belief = interpretHook(hook, open, heardAt)
  if (belief === null) return "ignored" as const
  const about = Effect.annotateLogs({ stream_id: belief.streamId })
  if (belief._tag === "Ready") {
    yield* sessions.markReady([belief], null)
    yield* about(Effect.logInfo("nobody can look at the media server: its hook is believed, the stream is ready"))
  } else {
    yield* sessions.end([belief.streamId], "left", null)
    yield* about(Effect.logInfo("nobody can look at the media server: its hook is believed, the stream has ended"))
  }
  return "believed" as const
})

export const makeHookInbox = () => {
  /** By what they say, so that a doubled one is one; in the order in which each was last heard. */
  const heard = new Map<string, Heard>()

  const hear = Effect.fnUntraced(function* (hook: Hook) {
    const name = JSON.stringify([hook.kind, hook.path, hook.sourceId, hook.protected])
    heard.delete(name)
    if (heard.size >= MAX_HOOKS) return yield* count(hook, "dropped")
    heard.set(name, { hook, at: yield* readClocks })
  })

  /** `look`: the last complete one of any instance; `null` when there was none. */
  const settle = Effect.fnUntraced(function* (look: SnapshotBegan | null) {
    for (const [name, { hook, at }] of heard) {
      if (look === null || look.earliest.monotonic < at.monotonic) continue
      heard.delete(name)
      yield* count(hook, "looked")
    }
    if (heard.size === 0) return
    const now = yield* readClocks
    const lookAge = look === null ? null : elapsedAtLeast(look.latest, now)
    if (lookAge !== null && lookAge < SNAPSHOT_VALID_MS) return
    const silent = yield* isUnobservable(lookAge)
    for (const [name, one] of [...heard].slice(0, AT_ONCE)) {
      const old = elapsedAtLeast(one.at, now) > FORGET_AFTER_MS
      if (!silent && !old) continue
      yield* count(one.hook, silent ? yield* apply(one) : "dropped")
      heard.delete(name)
    }
  })

  return { hear, settle, areMany: () => heard.size > AT_ONCE }
}

export type HookInbox = ReturnType<typeof makeHookInbox>
