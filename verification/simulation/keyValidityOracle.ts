/** Whether a key is good, by the store's rows and clock, said here a second time: the product's own answer to it is what is under test. */
import type { MemoryStore } from "@greenroom/adapters/memory"
import type { StreamKeyId } from "@greenroom/core"
import { DateTime } from "effect"

export const whyBad = (
  state: MemoryStore.MemoryState,
  id: StreamKeyId,
  now: number
): "broadcaster_deleted" | "revoked" | "expired" | "disabled" | null => {
  const { broadcasterId, revokedAt, revokesAt, expiresAt, enabled } = state.keys.get(id)!
  if (state.broadcasters.get(broadcasterId)!.deletedAt !== null) return "broadcaster_deleted"
  if (revokedAt !== null || (revokesAt !== null && DateTime.toEpochMillis(revokesAt) <= now)) return "revoked"
  if (expiresAt !== null && DateTime.toEpochMillis(expiresAt) <= now) return "expired"
  return enabled ? null : "disabled"
}

/** Whether the key is blocked on the path. */
export const isBlocked = (state: MemoryStore.MemoryState, id: StreamKeyId, path: string, now: number): boolean => {
  const { block } = state.keys.get(id)!
  return block !== null && block.path === path && DateTime.toEpochMillis(block.until) > now
}
