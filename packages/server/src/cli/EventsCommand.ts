/** `greenroom events …`: what happens, as it happens. */
import { BroadcasterId, eventTypes, StreamId, StreamPath } from "@greenroom/core"
import { Console, Effect, Option } from "effect"
import * as Command from "effect/cli/Command"
import { LogPlace } from "../http/api/Cursor.ts"
import { commaSeparated } from "../http/api/Input.ts"
import { eventLine, resetRemark } from "./eventText.ts"
import { checkedFlag, described, given, Json } from "./flags.ts"
import { json } from "./format.ts"
import { endless } from "./Interruption.ts"
import { readerGone, remark } from "./output.ts"
import { tailEvents } from "./tailEvents.ts"

const filter = {
  types: checkedFlag("type", "<words>", commaSeparated(eventTypes, ""), "Only these types, separated by commas"),
  broadcasterId: checkedFlag("broadcaster", "<id>", BroadcasterId, "Only events of this broadcaster"),
  streamId: checkedFlag("stream", "<id>", StreamId, "Only events of this stream"),
  path: checkedFlag("path", "<path>", StreamPath, "Only events of streams on this path")
}

const tail = Command.make(
  "tail",
  { after: checkedFlag("after", "<cursor>", LogPlace, "Go on after this cursor, instead of from now"), ...filter },
  Effect.fnUntraced(function* ({ after, ...filter }) {
    const isJson = yield* Json
    const following = tailEvents(
      Option.getOrElse(after, () => "now" as const),
      given(filter),
      ({ type, data }) =>
        type === "reset" ? remark(resetRemark(data)) : Console.log(isJson ? json(data, 0) : eventLine(type, data))
    )
    yield* Effect.raceFirst(endless(following), readerGone)
  })
).pipe(
  described(
    "Show events as they come, until Ctrl-C: a line an event, with --json an object a line",
    ["greenroom events tail"],
    ["greenroom events tail --type stream.active,stream.ended"],
    [
      "greenroom events tail --json --after 7d1f0a521c1e4b39-4711 | jq -r '.type'",
      "From a cursor on; an outage of the service leaves no gap"
    ]
  ),
  Command.withShortDescription("Show events as they come")
)

export const eventsCommand = Command.make("events").pipe(
  described("What happens: streams, keys, broadcasters, workers, the media server", ["greenroom events tail"]),
  Command.withSubcommands([tail])
)
