/**
 * What becomes of hooks. Each is kept until a snapshot has begun after it, which makes it needless, or until it is clear that no instance can
 * observe the media server; then hooks are applied in the order in which they came, as far as `interpretHook` goes. A hook that is applied moves
 * its session like everything else: by the state machine, with its event, once.
 */
import { DateTime, Effect, Metric } from "effect"
import { type Hook, interpretHook } from "../domain/reconciliation/interpretHook.ts"
import * as Metrics from "../Metrics.ts"
import { Sessions } from "../ports/Sessions.ts"
import { elapsedAtLeast, elapsedAtMost, type Reading, readClocks } from "../resilience/ProcessClock.ts"
import { isUnobservable, SNAPSHOT_VALID_MS } from "./canObserve.ts"
import type { SnapshotRecord } from "./NewestPass.ts"

const MAX_HOOKS = 1_000
/** Those that are left come with the next pass. */
const AT_ONCE = 100
/** A pass must not wait longer for hooks. */
const DEADLINE_MS = 5_000
/** A hook that could neither be confirmed nor applied for so long is dropped. */
const FORGET_AFTER_MS = 60_000

interface ReceivedHook {
  readonly hook: Hook
  readonly at: Reading
}

/** Values of the metric's attribute `outcome`; see `Metrics.hooks`. */
type Outcome = "looked" | "believed" | "ignored" | "dropped"

const count = (hook: Hook, outcome: Outcome) =>
  Metric.update(Metric.withAttributes(Metrics.hooks, { kind: hook.kind, outcome }), 1)

const apply = Effect.fnUntraced(function* ({ hook, at }: ReceivedHook) {
  const sessions = yield* Sessions
  // Time matters only for a hook without an id.
  const { now, open } =
    hook.sourceId === undefined
      ? yield* sessions.open
      : { now: yield* DateTime.now, open: yield* sessions.bySource([hook.sourceId]) }
  const receivedAt = DateTime.subtractDuration(now, Math.round(elapsedAtMost(at, yield* readClocks)))
  const change = interpretHook(hook, open, receivedAt)
  if (change === null) return "ignored" as const
  const about = Effect.annotateLogs({ stream_id: change.streamId })
  if (change._tag === "Ready") {
    yield* sessions.markReady([change], null)
    yield* about(Effect.logInfo("no instance can observe the media server: its hook is applied, the stream is ready"))
  } else {
    yield* sessions.end([change.streamId], "left", null)
    yield* about(Effect.logInfo("no instance can observe the media server: its hook is applied, the stream has ended"))
  }
  return "believed" as const
})

export const makeHookInbox = () => {
  /** By content, so that a repeated hook is one; in the order in which each was last received. */
  const waiting = new Map<string, ReceivedHook>()

  const enqueue = Effect.fnUntraced(function* (hook: Hook) {
    const name = JSON.stringify([hook.kind, hook.path, hook.sourceId, hook.protected])
    waiting.delete(name)
    if (waiting.size >= MAX_HOOKS) return yield* count(hook, "dropped")
    waiting.set(name, { hook, at: yield* readClocks })
  })

  const discardConfirmed = Effect.fnUntraced(function* ({ earliest }: SnapshotRecord) {
    for (const [name, { hook, at }] of waiting) {
      if (earliest.monotonic < at.monotonic) continue
      waiting.delete(name)
      yield* count(hook, "looked")
    }
  })

  const processWaiting = Effect.fnUntraced(function* (snapshot: SnapshotRecord | null) {
    if (snapshot !== null) yield* discardConfirmed(snapshot)
    if (waiting.size === 0) return
    const now = yield* readClocks
    const snapshotAge = snapshot === null ? null : elapsedAtLeast(snapshot.latest, now)
    if (snapshotAge !== null && snapshotAge < SNAPSHOT_VALID_MS) return
    const unobservable = yield* isUnobservable(snapshotAge)
    for (const [name, one] of [...waiting].slice(0, AT_ONCE)) {
      const isOld = elapsedAtLeast(one.at, now) > FORGET_AFTER_MS
      if (!unobservable && !isOld) continue
      yield* count(one.hook, unobservable ? yield* apply(one) : "dropped")
      waiting.delete(name)
    }
  })

  /** `snapshot`: the last complete one of any instance; `null` when there was none. Never fails: the hooks that are left come with the next pass. */
  const process = (snapshot: SnapshotRecord | null) =>
    waiting.size === 0
      ? Effect.void
      : Effect.ignoreCause(Effect.timeout(processWaiting(snapshot), DEADLINE_MS), { log: "Debug" })

  return { enqueue, process, areMany: () => waiting.size > AT_ONCE }
}

export type HookInbox = ReturnType<typeof makeHookInbox>
