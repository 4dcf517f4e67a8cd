/** Whether a key is good, by the store's rows and clock, said here a second time: the product's own answer to it is what is under test. */
import type { MemoryStore } from "@greenroom/adapters/memory"
import type { StreamKeyId } from "@greenroom/core"
import { DateTime } from "effect"

export const whyBad = (
  state: MemoryStore.MemoryState,
  id: StreamKeyId,
  now: number
): "broadcaster_deleted" | "revoked" | "expired" | "disabled" | null => {
  const { broadcasterId, revokedAt, expiresAt, enabled } = state.keys.get(id)!
  if (state.broadcasters.get(broadcasterId)!.deletedAt !== null) return "broadcaster_deleted"
  if (revokedAt !== null) return "revoked"
  if (expiresAt !== null && DateTime.toEpochMillis(expiresAt) <= now) return "expired"
  return enabled ? null : "disabled"
}
