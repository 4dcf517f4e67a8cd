/** A slice of a list that is ordered newest first by `(at, id)`. */
import type { DateTime } from "effect"

export interface Position {
  readonly at: DateTime.Utc
  readonly id: string
}

export interface PageRequest {
  /** At most this many items; `null` for all there are. */
  readonly limit: number | null
  /** Only items after this one, in the list's order. */
  readonly after: Position | null
}

export interface Page<A> {
  readonly items: ReadonlyArray<A>
  /** Where the next page begins; `null` on the last. */
  readonly next: Position | null
  /** The database's clock when the page was read. */
  readonly now: DateTime.Utc
}
