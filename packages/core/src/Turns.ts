/** Work on a long list in parts: while the event loop is busy with one part everything else in the process waits, MediaMTX's auth calls too. */
import { Effect } from "effect"

/** So many items take 1 to 2 ms to decode or to write out. */
const ITEMS_A_TURN = 25

/** The parts of a list, each worked on in a turn of its own. `work` is total. `itemsATurn`: more where an item takes less time. */
export const inTurns = Effect.fnUntraced(function* <A, B>(
  items: ReadonlyArray<A>,
  work: (part: ReadonlyArray<A>) => B,
  itemsATurn = ITEMS_A_TURN
) {
  const done: Array<B> = []
  for (let from = 0; from < items.length; from += itemsATurn) {
    if (from > 0) yield* Effect.yieldNow
    done.push(work(items.slice(from, from + itemsATurn)))
  }
  return done
})
