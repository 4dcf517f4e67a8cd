/** Reads a list in one page: a list that changes between two pages would not be a snapshot. */
import type { MediaServerUnavailable } from "@greenroom/core"
import { Effect } from "effect"
import type { Decode } from "./answerBody.ts"
import { type Call, unavailable } from "./Call.ts"
import type { Answer } from "./ControlApi.ts"

/** More than a MediaMTX holds; the parameter may be up to 2^31 - 1. */
export const ONE_PAGE = "?itemsPerPage=1000000"

interface Page<A> {
  readonly itemCount: number
  readonly pageCount: number
  readonly items: ReadonlyArray<A>
}

/** Fails when the page does not have all items. */
const completeItems = <A>(call: Call, page: Page<A>): Effect.Effect<ReadonlyArray<A>, MediaServerUnavailable> =>
  page.pageCount <= 1 && page.items.length === page.itemCount
    ? Effect.succeed(page.items)
    : Effect.fail(unavailable(call, "nonsense", `${page.items.length} of ${page.itemCount} items`))

export const itemsOf = <A>(
  call: Call,
  answer: Answer,
  decode: Decode<Page<A>>
): Effect.Effect<ReadonlyArray<A>, MediaServerUnavailable> =>
  answer._tag === "Ok"
    ? Effect.flatMap(decode(call, answer.body), (page) => completeItems(call, page))
    : Effect.fail(unavailable(call, "nonsense", answer._tag === "NoRoute" ? "no such route" : answer.error))
