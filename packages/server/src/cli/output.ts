/** Results go to standard output, remarks to standard error, so that a pipe gets results alone. */
import type { Position } from "@greenroom/core"
import { Console, DateTime, Effect, Option, type Schema, Terminal } from "effect"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import { ListCursor } from "../http/api/Cursor.ts"
import type { Answer, ApiClient } from "./ApiClient.ts"
import type { CommandFailed } from "./CommandFailed.ts"
import { Json, LIST_DEFAULT } from "./flags.ts"
import { json } from "./format.ts"
import { listAll, type Page, type PageQuery } from "./listAll.ts"
import type { Screen } from "./qrCode.ts"

/** The API's own JSON with `--json`, else the text for people. */
export const print = Effect.fnUntraced(function* (wire: unknown, text: (now: DateTime.Utc) => string) {
  yield* Console.log((yield* Json) ? json(wire) : text(yield* DateTime.now))
})

/** Prints an answer when it is there. */
export const printAnswer = <A, E, R>(
  answer: Effect.Effect<Answer<A>, E, R>,
  text: (value: A, now: DateTime.Utc) => string
) => Effect.flatMap(answer, ({ value, wire }) => print(wire, (now) => text(value, now)))

export const remark = (text: string) => Console.error(text)

type Ask<Plural extends string, Item, Cursor> = (
  page: PageQuery<Cursor>
) => Effect.Effect<Answer<Page<Plural, Item>>, CommandFailed, ApiClient>

interface Shown<Item> {
  /** The sentence for a list without items, given the API's own message. */
  readonly empty: (message: string | undefined) => string
  readonly table: (items: ReadonlyArray<Item>, now: DateTime.Utc) => string
  /** How many items at most without `--limit`; `null` for lists that the service answers whole. */
  readonly most?: number | null
}

/** Reads the pages of a list and prints them: a table, or a sentence when it is empty; and a remark when it was cut off. */
export const printPages = Effect.fnUntraced(function* <const Plural extends string, Item, Cursor>(
  plural: Plural,
  cursor: Schema.Codec<Cursor, string>,
  limit: Option.Option<number>,
  ask: Ask<Plural, Item, Cursor>,
  { empty, table, most = LIST_DEFAULT }: Shown<Item>
) {
  const { items, wire, more } = yield* listAll(
    plural,
    cursor,
    Option.getOrElse(limit, () => most),
    ask
  )
  const message = typeof wire.message === "string" ? wire.message : undefined
  yield* print(wire, (now) => (items.length === 0 ? empty(message) : table(items, now)))
  if (more) yield* remark(`There are more than these ${items.length}: --limit shows more.`)
})

/** The same of a list that is ordered by time. */
export const printList = <const Plural extends string, Item>(
  plural: Plural,
  limit: Option.Option<number>,
  ask: Ask<Plural, Item, Position>,
  shown: Shown<Item>
) => printPages(plural, ListCursor, limit, ask, shown)

/** What standard output is shown on; no columns where it is no terminal. */
export const screenOfOutput = Effect.gen(function* () {
  const { canAnimate, canColor } = yield* TerminalCapabilities
  const terminal = yield* Terminal.Terminal
  const [columns, rows] = [yield* terminal.columns, yield* terminal.rows]
  return { isTerminal: canAnimate, hasColors: canColor, columns, rows } satisfies Screen
})

/** Ends once a line could not be written because its reader is gone, as after `| head -1`. */
export const readerGone = Effect.callback<void>((resume) => {
  const onError = () => resume(Effect.void)
  process.stdout.once("error", onError)
  return Effect.sync(() => process.stdout.removeListener("error", onError))
})
