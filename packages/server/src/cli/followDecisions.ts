/** `greenroom auth decisions --follow`: asks again every two seconds, and prints each decision once, in the order in which they were made. */
import { Console, DateTime, Effect } from "effect"
import type { AuthDecisionQuery } from "../http/api/AuthDecisionsApi.ts"
import { ListCursor } from "../http/api/Cursor.ts"
import { both, call } from "./ApiClient.ts"
import { decisionLine } from "./authText.ts"
import { Json } from "./flags.ts"
import { json } from "./format.ts"
import { listAll } from "./listAll.ts"

const ASK_AGAIN = "2 seconds"
/** A decision is written a second after it was made; one without a key, five seconds after that. */
const LATE_MS = 30_000
/** Of one question. */
const MOST = 1_000

type Query = Omit<typeof AuthDecisionQuery.Type, "limit" | "cursor">

/** Never ends by itself. */
export const followDecisions = Effect.fnUntraced(function* (query: Query) {
  const isJson = yield* Json
  const begun = yield* DateTime.now
  let since = query.since ?? begun
  let printed = new Set<string>()
  for (;;) {
    const asked = yield* DateTime.now
    const { items, wires } = yield* listAll("auth_decisions", ListCursor, MOST, (page) =>
      call(({ auth_decisions }) => auth_decisions.list({ query: { ...query, since, ...page }, responseMode: both }))
    )
    const fresh = items
      .map((decision, index) => ({ decision, wire: wires[index] }))
      .filter(({ decision }) => !printed.has(decision.id))
    for (const { decision, wire } of fresh.toReversed())
      yield* Console.log(isJson ? json(wire, 0) : decisionLine(decision))
    printed = new Set([...items.map(({ id }) => id as string)])
    since = DateTime.max(since, DateTime.add(asked, { milliseconds: -LATE_MS }))
    yield* Effect.sleep(ASK_AGAIN)
  }
})
