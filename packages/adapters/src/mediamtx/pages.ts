/** Lists, whole, in one page: walking pages is no snapshot. */
import type { MediaServerUnavailable } from "@greenroom/core"
import { Effect } from "effect"
import { type Answer, type Call, unavailable } from "./ControlApi.ts"

/** More than a MediaMTX holds; MediaMTX takes up to 2^31 - 1. */
export const ONE_PAGE = "?itemsPerPage=1000000"

interface Page<A> {
  readonly itemCount: number
  readonly pageCount: number
  readonly items: ReadonlyArray<A>
}

/** The items, if they are all there. */
const whole = <A>(call: Call, page: Page<A>): Effect.Effect<ReadonlyArray<A>, MediaServerUnavailable> =>
  page.pageCount <= 1 && page.items.length === page.itemCount
    ? Effect.succeed(page.items)
    : Effect.fail(unavailable(call, "nonsense", `${page.items.length} of ${page.itemCount} items`))

type Decode<A> = (call: Call, body: unknown) => Effect.Effect<Page<A>, MediaServerUnavailable>

export const itemsOf = <A>(
  call: Call,
  answer: Answer,
  decode: Decode<A>
): Effect.Effect<ReadonlyArray<A>, MediaServerUnavailable> =>
  answer._tag === "Ok"
    ? Effect.flatMap(decode(call, answer.body), (page) => whole(call, page))
    : Effect.fail(unavailable(call, "nonsense", answer._tag === "NoRoute" ? "no such route" : answer.error))
