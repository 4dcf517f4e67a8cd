/** `greenroom streams …`: who is live, who was, and taking them off the air. */
import { BroadcasterId, StreamId, StreamKeyId, StreamPath, streamStatuses } from "@greenroom/core"
import { Effect, Option } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import { EventCursor } from "../http/api/Cursor.ts"
import { commaSeparated } from "../http/api/Input.ts"
import { BlockSecondsText } from "../http/api/StreamsApi.ts"
import { ApiClient, both, call } from "./ApiClient.ts"
import { checkedArgument, checkedFlag, described, flag, given, Json, LIST_DEFAULT, limit } from "./flags.ts"
import { endless } from "./Interruption.ts"
import { printAnswer, printList, printPages, readerGone } from "./output.ts"
import { program } from "./program.ts"
import { eventTable, streamDetails, streamTable } from "./streamText.ts"
import { watch } from "./watch.ts"
import { lines, ndjson, screen } from "./watchReports.ts"

const EXAMPLE = "5f0a3a1c-7b11-4c1c-9d2a-0192e4a73f5e"

const id = checkedArgument("id", StreamId, "The stream's id")

const filter = {
  broadcasterId: checkedFlag("broadcaster", "<id>", BroadcasterId, "Only streams of this broadcaster"),
  streamKeyId: checkedFlag("key", "<id>", StreamKeyId, "Only streams of this stream key (its id)"),
  path: checkedFlag("path", "<path>", StreamPath, "Only streams on this path")
}

const list = Command.make(
  "list",
  {
    status: checkedFlag(
      "status",
      "<words>",
      commaSeparated(streamStatuses, ""),
      `Of these statuses, separated by commas: ${streamStatuses.join(", ")}; active by itself`
    ),
    ...filter,
    limit
  },
  ({ limit, ...filter }) => {
    const chosen = given(filter)
    // The service lists streams on the air whole, in one answer.
    const isWhole = chosen.status === undefined || chosen.status.join() === "active"
    const empty = chosen.status?.includes("inactive") === true ? "No streams." : "No stream is live."
    return printList(
      "streams",
      limit,
      (page) => call(({ streams }) => streams.list({ query: { ...chosen, ...page }, responseMode: both })),
      { empty: () => empty, table: streamTable, most: isWhole ? null : LIST_DEFAULT }
    )
  }
).pipe(
  described(
    "List streams, newest first: who is live, unless --status is given",
    ["greenroom streams list", "Who is live"],
    ["greenroom streams list --status inactive --limit 20", "The last 20 that have ended"],
    ["greenroom streams list --json | jq -r '.streams[].urls.hls'", "Where they play"]
  )
)

const show = Command.make("show", { id }, (params) =>
  printAnswer(
    call(({ streams }) => streams.get({ params, responseMode: both })),
    streamDetails
  )
).pipe(described("Show a stream, live or past", [`greenroom streams show ${EXAMPLE}`]))

const stop = Command.make(
  "stop",
  {
    id,
    block: checkedFlag(
      "block",
      "<seconds>",
      BlockSecondsText,
      "Keep its key off this path for so many seconds, at most 3600; keys unblock lifts that"
    ),
    force: flag("force", "End it in the store alone, which frees its key; only while the media server cannot be asked")
  },
  ({ id, block, force }) => {
    const query = {
      ...(force ? { force: "true" as const } : {}),
      ...(Option.isNone(block) ? {} : { block_seconds: block.value })
    }
    const after = Option.isNone(block)
      ? `its key stays good (${program} keys revoke ends that)`
      : `its key may not publish there for ${block.value} s`
    return printAnswer(
      call(({ streams }) => streams.stop({ params: { id }, query, responseMode: both })),
      (stream) =>
        force
          ? `Stream ${id} has ended in the store, and its key is free. Its publisher, if it is still there, is kicked when the media server can be asked again.`
          : stream === undefined
            ? `Stream ${id} is off the air; ${after}.`
            : `Stream ${id} is still being taken off the air (${program} streams show ${id}).`
    )
  }
).pipe(
  described(
    "Take a stream off the air; its key stays good, so the encoder may come back",
    [`greenroom streams stop ${EXAMPLE}`],
    [`greenroom streams stop ${EXAMPLE} --block 60`, "And keep its encoder from coming straight back"],
    [`greenroom streams stop ${EXAMPLE} --force`, "While the media server cannot be asked"]
  )
)

const events = Command.make("events", { id, limit }, ({ id, limit }) =>
  printPages(
    "events",
    EventCursor,
    limit,
    (query) => call(({ streams }) => streams.events({ params: { id }, query, responseMode: both })),
    { empty: () => "No events.", table: eventTable }
  )
).pipe(described("List what happened to a stream, in order", [`greenroom streams events ${EXAMPLE}`]))

const watchCommand = Command.make(
  "watch",
  {
    ...filter,
    for: Flag.Int("for").pipe(
      Flag.withMetavar("<seconds>"),
      Flag.withDescription("End after so many seconds, with exit code 0"),
      Flag.filter(
        (seconds) => seconds >= 1,
        () => "Expected a whole number from 1"
      ),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ for: seconds, ...filter }) {
    const { url } = yield* ApiClient
    const { canAnimate } = yield* TerminalCapabilities
    const report = (yield* Json) ? ndjson : canAnimate ? yield* screen(url) : lines
    const watching = Effect.raceFirst(endless(watch(given(filter), report)), readerGone)
    yield* Option.isNone(seconds)
      ? watching
      : Effect.timeoutOrElse(watching, { duration: `${seconds.value} seconds`, orElse: () => Effect.void })
  }, Effect.scoped)
).pipe(
  described(
    "Show who is live as it changes, until Ctrl-C: a table on a terminal, else a line a change, with --json an object a line",
    ["greenroom streams watch"],
    [
      `greenroom streams watch --json | jq -r 'select(.change == "off_air") | .stream.path'`,
      "Paths that went off the air; changes are connecting, on_air, ending, off_air"
    ]
  ),
  Command.withShortDescription("Show who is live as it changes")
)

export const streamsCommand = Command.make("streams").pipe(
  described(
    "Who is live, and who was",
    ["greenroom streams list"],
    ["greenroom streams watch"],
    [`greenroom streams stop ${EXAMPLE}`]
  ),
  Command.withSubcommands([list, show, watchCommand, stop, events])
)
