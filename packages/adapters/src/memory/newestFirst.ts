/** Cuts a page from a complete list, which is ordered newest first by `(at, id)`. */
import type { Page, PageRequest, Position } from "@greenroom/core"
import { DateTime } from "effect"

const compare = (a: Position, b: Position): number =>
  DateTime.toEpochMillis(b.at) - DateTime.toEpochMillis(a.at) || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)

export const pageOf = <A>(
  request: PageRequest,
  now: DateTime.Utc,
  listed: ReadonlyArray<A>,
  positionOf: (item: A) => Position
): Page<A> => {
  const { after, limit } = request
  const rest = listed
    .filter((item) => after === null || compare(after, positionOf(item)) < 0)
    .sort((a, b) => compare(positionOf(a), positionOf(b)))
  const items = limit === null ? rest : rest.slice(0, limit)
  const last = items.at(-1)
  return { items, next: last === undefined || items.length === rest.length ? null : positionOf(last), now }
}
