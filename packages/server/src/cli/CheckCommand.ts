/**
 * `greenroom check`: is every stored stream what its events make of it? Looks at all of them, page by page, and tells what is wrong as
 * it is found; scripts look at the exit code.
 */
import { Console, Effect, Schema } from "effect"
import * as Command from "effect/cli/Command"
import { CheckCursor } from "../http/api/Cursor.ts"
import { ApiClient, both, call } from "./ApiClient.ts"
import { asFailure } from "./apiErrors.ts"
import { failed } from "./CommandFailed.ts"
import { Json } from "./flags.ts"
import { json, printable } from "./format.ts"
import { remark } from "./output.ts"

/** The most that the service checks for one answer. */
const PAGE = 200
/** So often somebody who waits is told how far it has come. */
const TOLD_EVERY = 10_000

const streams = (count: number): string => `${count.toLocaleString("en")} ${count === 1 ? "stream" : "streams"}`

export const checkCommand = Command.make(
  "check",
  {},
  Effect.fnUntraced(function* () {
    const { url } = yield* ApiClient
    const asJson = yield* Json
    const problems: Array<unknown> = []
    let checked = 0
    let cursor: typeof CheckCursor.Type | null = null
    do {
      const query: { readonly limit: number; readonly cursor?: typeof CheckCursor.Type } =
        cursor === null ? { limit: PAGE } : { limit: PAGE, cursor }
      const { value, wire } = yield* call(({ history }) => history.check({ query, responseMode: both }))
      const told = Math.floor(checked / TOLD_EVERY)
      checked += value.checked
      problems.push(...(wire as { readonly problems: ReadonlyArray<unknown> }).problems)
      if (!asJson) {
        for (const { stream_id, detail } of value.problems) yield* Console.log(`${stream_id}  ${printable(detail)}`)
      }
      if (Math.floor(checked / TOLD_EVERY) > told) yield* remark(`${streams(checked)} checked so far.`)
      cursor =
        value.next_cursor === null || value.checked === 0
          ? null
          : yield* Effect.mapError(Schema.decodeEffect(CheckCursor)(value.next_cursor), asFailure(url))
    } while (cursor !== null)
    if (asJson) yield* Console.log(json({ checked, problems, count: problems.length, next_cursor: null }))
    else if (problems.length === 0)
      yield* Console.log(`${streams(checked)} checked: each is what its events make of it.`)
    if (problems.length > 0) {
      return yield* failed(
        "problems",
        `${streams(checked)} checked, ${problems.length} not what ${problems.length === 1 ? "its events make of it" : "their events make of them"}.`
      )
    }
  })
).pipe(
  Command.withDescription("Is every stream what its events make of it? Exits with 1 when one is not"),
  Command.withExamples([
    { command: "greenroom check" },
    { command: "greenroom check --json | jq -r '.problems[].stream_id'", description: "Which are not" }
  ])
)
