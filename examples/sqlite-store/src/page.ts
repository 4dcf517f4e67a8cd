/** Times, and pages of lists that are newest first by a time and an id. */
import type { Page, PageRequest, Position } from "@greenroom/core"
import { DateTime } from "effect"

export const DAY_MS = 86_400_000

export const dateOf = (millis: number): DateTime.Utc => DateTime.makeUnsafe(millis)
export const maybeDateOf = (millis: number | null): DateTime.Utc | null => (millis === null ? null : dateOf(millis))
export const millisOf = (at: DateTime.Utc): number => at.epochMilliseconds
export const maybeMillisOf = (at: DateTime.Utc | null): number | null => (at === null ? null : millisOf(at))

/** The end of a statement that reads a page, with one row more than the page has, and its values. */
export const pageClause = (at: string, id: string, { limit, after }: PageRequest) => ({
  sql: `and (? is null or (${at}, ${id}) < (?, ?)) order by ${at} desc, ${id} desc limit ?`,
  values: [
    after?.id ?? null,
    after === null ? null : millisOf(after.at),
    after?.id ?? null,
    limit === null ? -1 : limit + 1
  ]
})

export const pageOf = <A>(
  { limit }: PageRequest,
  now: DateTime.Utc,
  found: ReadonlyArray<A>,
  positionOf: (item: A) => Position
): Page<A> => {
  const items = limit === null ? found : found.slice(0, limit)
  const last = items.at(-1)
  return { items, next: last === undefined || items.length === found.length ? null : positionOf(last), now }
}
