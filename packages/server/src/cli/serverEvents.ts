/**
 * The service's event stream (server-sent events), one connection of it. Blocks without data count, too: they move the cursor. Effect's parser leaves
 * those out, so this reads the lines itself.
 */
import { type EventCursor, type EventFilter, readCursor } from "@greenroom/core"
import { Effect, Option, Stream } from "effect"
import { ApiClient } from "./ApiClient.ts"
import { asFailure } from "./apiErrors.ts"
import { failed } from "./CommandFailed.ts"

/** A comment comes every 15 seconds. */
const SILENT_FOR = "45 seconds"
const CONNECT_WITHIN_SECONDS = 10

export interface ServerEvent {
  /** Where to go on from; `null` when the block has none. */
  readonly cursor: EventCursor | null
  /** `null`: a comment. */
  readonly event: { readonly type: string; readonly data: unknown } | null
}

export type Place = EventCursor | "now"

const json = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** One block, without the empty line that ends it. */
export const readBlock = (block: string): ServerEvent => {
  const fields = new Map<string, string>()
  for (const line of block.split(/\r?\n/)) {
    const [, name = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
    if (name !== "") fields.set(name, name === "data" && fields.has(name) ? `${fields.get(name)}\n${value}` : value)
  }
  const data = fields.get("data")
  return {
    cursor: Option.getOrNull(readCursor(fields.get("id") ?? "")),
    event: data === undefined ? null : { type: fields.get("event") ?? "message", data: json(data) }
  }
}

/** The blocks of a text that comes in pieces. */
const splitBlocks = <E, R>(text: Stream.Stream<string, E, R>) =>
  Stream.map(
    Stream.filter(
      Stream.mapAccum(
        text,
        () => "",
        (rest, piece) => {
          const blocks = (rest + piece).split(/\r?\n\r?\n/)
          return [blocks.pop() ?? "", blocks] as const
        }
      ),
      (block) => block !== ""
    ),
    readBlock
  )

/** Ends when the connection does, or when nothing has come for some time. */
export const serverEvents = (from: Place, filter: EventFilter) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { url, client } = yield* ApiClient
      const query = { after: from, ...filter } as Parameters<typeof client.events.stream>[0]["query"]
      const response = yield* client.events.stream({ query, headers: {}, responseMode: "response-only" }).pipe(
        Effect.timeoutOrElse({
          duration: `${CONNECT_WITHIN_SECONDS} seconds`,
          orElse: () =>
            Effect.fail(failed("tryAgain", `${url} does not answer within ${CONNECT_WITHIN_SECONDS} s: try again.`))
        }),
        Effect.mapError(asFailure(url))
      )
      const text = Stream.decodeText(Stream.timeout(response.stream, SILENT_FOR))
      return Stream.mapError(splitBlocks(text), asFailure(url))
    })
  )
