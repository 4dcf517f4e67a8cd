/** Results go to standard output, remarks to standard error, so that a pipe gets results alone. */
import { Console, DateTime, Effect, Terminal } from "effect"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import { Json } from "./flags.ts"
import { json } from "./format.ts"
import type { Screen } from "./qrCode.ts"

/** The wire's own words with `--json`, else the text for people. */
export const print = Effect.fnUntraced(function* (wire: unknown, text: (now: DateTime.Utc) => string) {
  yield* Console.log((yield* Json) ? json(wire) : text(yield* DateTime.now))
})

export const remark = (text: string) => Console.error(text)

/** A list with its heading, or a sentence that says that it is empty; a remark when it was cut off. */
export const printList = Effect.fnUntraced(function* (
  listed: { readonly wire: unknown; readonly more: boolean; readonly items: ReadonlyArray<unknown> },
  empty: string,
  text: (now: DateTime.Utc) => string
) {
  yield* print(listed.wire, (now) => (listed.items.length === 0 ? empty : text(now)))
  if (listed.more) yield* remark(`There are more than these ${listed.items.length}: --limit shows more.`)
})

/** What standard output is shown on; no columns where it is no terminal. */
export const screenOfOutput = Effect.gen(function* () {
  const { canAnimate, canColor } = yield* TerminalCapabilities
  const terminal = yield* Terminal.Terminal
  const [columns, rows] = [yield* terminal.columns, yield* terminal.rows]
  return { isTerminal: canAnimate, hasColors: canColor, columns, rows } satisfies Screen
})

/** Ends once a line could not be written because nobody reads on, as after `| head -1`. */
export const readerGone = Effect.callback<void>((resume) => {
  const onError = () => resume(Effect.void)
  process.stdout.once("error", onError)
  return Effect.sync(() => process.stdout.removeListener("error", onError))
})
