/**
 * What an instance has had time to learn of who may watch. A change is in its memory some moments after the store has it, so an answer is judged only by
 * what has been so for a while, in which the store answered and the instance was awake.
 */
import type { SigningKey, ViewerId } from "@greenroom/core"
import { DateTime } from "effect"
import type { Kernel } from "./Kernel.ts"
import { ownerOf, type PathOwner } from "./mayWatchOracle.ts"
import type { SimulatedStore } from "./SimulatedStore.ts"
import type { Setting } from "./Step.ts"
import type { IssuedToken } from "./TokenBook.ts"

export interface ViewerKnowledgeOptions {
  readonly kernel: Kernel
  readonly store: SimulatedStore
  readonly setting: Setting
  readonly paths: ReadonlyArray<string>
  /** Those that were started before then, and have been awake since. */
  readonly awakeSince: (time: number) => ReadonlyArray<string>
}

/** An announcement that is lost costs the rest of a second, a placing whose answer is lost 3.5 s. */
const LEARNED_WITHIN_MS = 5_000
/** How often it is looked at who has had time. */
export const LOOKED_EVERY_MS = 500

const NEVER = Number.NEGATIVE_INFINITY

const areSame = (one: PathOwner | undefined, other: PathOwner): boolean =>
  one !== undefined &&
  one.policy === other.policy &&
  one.broadcasterId === other.broadcasterId &&
  one.streamId === other.streamId

export const makeViewerKnowledge = ({ kernel, store, setting, paths, awakeSince }: ViewerKnowledgeOptions) => {
  const { state } = store
  /** Until when each instance knows everything. */
  const knownUntil = new Map<string, number>()
  const owners = new Map<string, PathOwner>()
  const ownerSince = new Map<string, number>()
  const revocations = new Map<ViewerId, number>()
  const viewers = new Map<string, unknown>()
  let keys: ReadonlyArray<SigningKey> = []
  let keysSince = NEVER

  const changed = () => {
    const now = kernel.now()
    for (const path of paths) {
      const owner = ownerOf(state, setting.playback, path, now / 1_000)
      if (areSame(owners.get(path), owner)) continue
      owners.set(path, owner)
      ownerSince.set(path, now)
    }
    for (const [place, revoked] of state.viewerRevocations) {
      if (viewers.get(place) === revoked) continue
      viewers.set(place, revoked)
      revocations.set(revoked.viewerId, now)
    }
    const those = [...state.signingKeys.values()]
    if (those.length === keys.length && those.every((key, index) => key === keys[index])) return
    keys = those
    keysSince = now
  }
  changed()

  /** When last something has changed that bears on whether who shows this token may watch this. */
  const changedAt = (path: string, token: IssuedToken | null): number => {
    const owner = ownerSince.get(path) ?? Number.POSITIVE_INFINITY
    if (token === null) return owner
    const { id, viewerId } = token.claims
    const revokedAt = state.playbackTokens.get(id)?.revokedAt ?? null
    return Math.max(
      owner,
      keysSince,
      revokedAt === null ? NEVER : DateTime.toEpochMillis(revokedAt),
      viewerId === null ? NEVER : (revocations.get(viewerId) ?? NEVER)
    )
  }
  return {
    changed,
    changedAt,
    /** Whether there is a publisher whom the store knows. */
    isLive: (path: string): boolean => (owners.get(path)?.streamId ?? null) !== null,
    /** Whether the instance has had time to learn what there is to know of it. */
    knows: (instance: string, path: string, token: IssuedToken | null): boolean =>
      changedAt(path, token) <= (knownUntil.get(instance) ?? NEVER),
    tick: () => {
      const since = kernel.now() - LEARNED_WITHIN_MS
      if (!store.wasWellSince(since)) return
      for (const instance of awakeSince(since)) knownUntil.set(instance, since)
    }
  }
}

export type ViewerKnowledge = ReturnType<typeof makeViewerKnowledge>
