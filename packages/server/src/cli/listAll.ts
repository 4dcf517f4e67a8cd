/** Reads all pages of a list and puts them together as one answer. */
import { Effect, Schema } from "effect"
import { type Answer, ApiClient } from "./ApiClient.ts"
import { asFailure } from "./apiErrors.ts"
import type { CommandFailed } from "./CommandFailed.ts"

/** The most that the service puts into one page. */
const PAGE_MAX = 200

export interface PageQuery<Cursor> {
  readonly limit?: number
  readonly cursor?: Cursor
}
export type Page<Plural extends string, Item> = { readonly [P in Plural]: ReadonlyArray<Item> } & {
  readonly nextCursor: string | null
}

export interface Listed<Item> {
  readonly items: ReadonlyArray<Item>
  /** The envelope of the wire with the items of all pages in it; its `next_cursor` is the last page's. */
  readonly wire: Readonly<Record<string, unknown>>
  /** Each item as it came. */
  readonly wires: ReadonlyArray<unknown>
  /** Whether there are more than were asked for. */
  readonly more: boolean
}

/** `limit`: how many at most; `null` asks once and takes the answer as it is, for lists that the service answers whole. */
export const listAll = Effect.fnUntraced(function* <const Plural extends string, Item, Cursor>(
  plural: Plural,
  cursorText: Schema.Codec<Cursor, string>,
  limit: number | null,
  ask: (page: PageQuery<Cursor>) => Effect.Effect<Answer<Page<Plural, Item>>, CommandFailed, ApiClient>
): Effect.fn.Return<Listed<Item>, CommandFailed, ApiClient> {
  const { url } = yield* ApiClient
  const items: Array<Item> = []
  const wires: Array<unknown> = []
  let page: PageQuery<Cursor> = limit === null ? {} : { limit: Math.min(PAGE_MAX, limit) }
  for (;;) {
    const { value, wire } = yield* ask(page)
    const envelope = wire as Record<string, ReadonlyArray<unknown>>
    items.push(...value[plural])
    wires.push(...(envelope[plural] ?? []))
    const { nextCursor } = value
    const left = limit === null ? 0 : limit - items.length
    if (nextCursor === null || left <= 0 || value[plural].length === 0) {
      const whole = { ...envelope, [plural]: wires, count: wires.length, next_cursor: nextCursor }
      return { items, wires, wire: whole, more: nextCursor !== null }
    }
    const cursor = yield* Effect.mapError(Schema.decodeEffect(cursorText)(nextCursor), asFailure(url))
    page = { limit: Math.min(PAGE_MAX, left), cursor }
  }
})
