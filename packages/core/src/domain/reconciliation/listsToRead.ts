/**
 * Which lists of the media server a pass has to read beside the list of paths. A session on the air shows itself there. Any other one, that
 * connects or pauses, shows itself in the lists of its protocol alone.
 */
import { listsOf, type Protocol } from "../streams/Protocol.ts"
import type { ReconcileState } from "./ReconcileState.ts"
import type { StoreSnapshot } from "./StoreSnapshot.ts"

/** `null`: all of them. */
export const listsToRead = (
  { continuous, onAir }: ReconcileState,
  open: StoreSnapshot["open"]
): ReadonlySet<Protocol> | null => {
  if (!continuous || onAir === null) return null
  const lists = new Set<Protocol>()
  for (const { streamId, source, state } of open) {
    if (state.ending !== null) return null
    if (state._tag === "Active" && onAir.has(streamId)) continue
    for (const protocol of listsOf(source.protocol)) lists.add(protocol)
  }
  return lists
}
