/**
 * The owner of a path that is not live, from the store or, for a second, from its last answer. Recordings are of who streamed there last. While the
 * store does not answer its last answer counts, however old; where there is none, a live path would be known, so `read` takes the path for one
 * without an owner.
 */
import { Effect } from "effect"
import { refusePath } from "../domain/access/decideAdmission.ts"
import type { PathOwner } from "../domain/playback/PathOwner.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { Viewers } from "../ports/Viewers.ts"
import { monotonicMillis } from "../resilience/ProcessClock.ts"
import { StoreMonitor } from "../resilience/StoreMonitor.ts"

/** Answers that are kept. */
const LOOKUPS_KEPT = 10_000
/** By what the answer is for: a decision on a newcomer, or what is looked at each second (`follow`). */
const LOOKUP_GOOD_FOR_MS = { read: 1_000, playback: 1_000, follow: 10_000 } as const
/** A viewer's auth call has 800 ms in all. */
export const LOOKUP_WITHIN_MS = 500
/** `fresh`: as the store has it now. */
export type LookupPurpose = keyof typeof LOOKUP_GOOD_FOR_MS | "fresh"

export const unavailable = (reason: string) =>
  new StoreUnavailable({ operation: "PlaybackAccess", cause: new Error(reason) })

export const makeOwnerLookup = Effect.gen(function* () {
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

  return Effect.fnUntraced(function* (path: string, purpose: LookupPurpose) {
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
