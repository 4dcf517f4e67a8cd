/** `greenroom streams …`: who is live, who was, and taking them off the air. */
import { BroadcasterId, StreamId, StreamKeyId, StreamPath, streamStatuses } from "@greenroom/core"
import { Effect, Option } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import { EventCursor, ListCursor } from "../http/api/Cursor.ts"
import { commaSeparated } from "../http/api/Input.ts"
import { ApiClient, both, call } from "./ApiClient.ts"
import { checkedArgument, checkedFlag, given, Json, LIST_DEFAULT, limit } from "./flags.ts"
import { endless } from "./Interruption.ts"
import { print, printList, readerGone } from "./output.ts"
import { listAll } from "./pages.ts"
import { program } from "./program.ts"
import { eventTable, streamDetails, streamTable } from "./streamText.ts"
import { watch } from "./watch.ts"
import { lines, ndjson, screen } from "./watchReports.ts"

const EXAMPLE = "5f0a3a1c-7b11-4c1c-9d2a-0192e4a73f5e"

const id = checkedArgument("id", StreamId).pipe(Argument.withDescription("The stream's id"))

const filter = {
  broadcasterId: checkedFlag("broadcaster", "<id>", BroadcasterId).pipe(
    Flag.withDescription("Only streams of this broadcaster"),
    Flag.optional
  ),
  streamKeyId: checkedFlag("key", "<id>", StreamKeyId).pipe(
    Flag.withDescription("Only streams of this stream key (its id)"),
    Flag.optional
  ),
  path: checkedFlag("path", "<path>", StreamPath).pipe(Flag.withDescription("Only streams on this path"), Flag.optional)
}

const list = Command.make(
  "list",
  {
    status: checkedFlag("status", "<words>", commaSeparated(streamStatuses, "")).pipe(
      Flag.withDescription(`Of these statuses, separated by commas: ${streamStatuses.join(", ")}; active by itself`),
      Flag.optional
    ),
    ...filter,
    limit
  },
  Effect.fnUntraced(function* ({ limit, ...filter }) {
    const chosen = given(filter)
    // Those on the air the service lists whole, in one answer.
    const whole = chosen.status === undefined || chosen.status.join() === "active"
    const most = Option.getOrElse(limit, () => (whole ? null : LIST_DEFAULT))
    const listed = yield* listAll("streams", ListCursor, most, (page) =>
      call(({ streams }) => streams.list({ query: { ...chosen, ...page }, responseMode: both }))
    )
    const empty = chosen.status?.includes("inactive") === true ? "No streams." : "No stream is live."
    yield* printList(listed, empty, (now) => streamTable(listed.items, now))
  })
).pipe(
  Command.withDescription("List streams, newest first: who is live, unless --status says otherwise"),
  Command.withExamples([
    { command: "greenroom streams list", description: "Who is live" },
    { command: "greenroom streams list --status inactive --limit 20", description: "The last 20 that have ended" },
    { command: "greenroom streams list --json | jq -r '.streams[].urls.hls'", description: "Where they play" }
  ])
)

const show = Command.make(
  "show",
  { id },
  Effect.fnUntraced(function* ({ id }) {
    const { value, wire } = yield* call(({ streams }) => streams.get({ params: { id }, responseMode: both }))
    yield* print(wire, (now) => streamDetails(value, now))
  })
).pipe(
  Command.withDescription("Show a stream, live or past"),
  Command.withExamples([{ command: `greenroom streams show ${EXAMPLE}` }])
)

const stop = Command.make(
  "stop",
  {
    id,
    force: Flag.Boolean("force").pipe(
      Flag.withoutNegation,
      Flag.withDescription("End it without the media server's word, which frees its key; only while nobody can ask it"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function* ({ id, force }) {
    const query = force ? { force: "true" as const } : {}
    const { wire } = yield* call(({ streams }) => streams.stop({ params: { id }, query, responseMode: both }))
    if (force) {
      return yield* print(
        wire,
        () =>
          `Stream ${id} has ended in the store, and its key is free. Its publisher, if it is still there, is kicked when the media server can be asked again.`
      )
    }
    yield* print(wire, () =>
      wire === null
        ? `Stream ${id} is off the air; its key stays good (${program} keys revoke ends that).`
        : `Stream ${id} is still being taken off the air (${program} streams show ${id}).`
    )
  })
).pipe(
  Command.withDescription("Take a stream off the air; its key stays good, so the encoder may come back"),
  Command.withExamples([
    { command: `greenroom streams stop ${EXAMPLE}` },
    { command: `greenroom streams stop ${EXAMPLE} --force`, description: "While the media server cannot be asked" }
  ])
)

const events = Command.make(
  "events",
  { id, limit },
  Effect.fnUntraced(function* ({ id, limit }) {
    const listed = yield* listAll(
      "events",
      EventCursor,
      Option.getOrElse(limit, () => LIST_DEFAULT),
      (query) => call(({ streams }) => streams.events({ params: { id }, query, responseMode: both }))
    )
    yield* printList(listed, "No events.", () => eventTable(listed.items))
  })
).pipe(
  Command.withDescription("List what happened to a stream, in order"),
  Command.withExamples([{ command: `greenroom streams events ${EXAMPLE}` }])
)

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
  Command.withDescription(
    "Show who is live as it changes, until Ctrl-C: a table on a terminal, else a line a change, with --json an object a line"
  ),
  Command.withShortDescription("Show who is live as it changes"),
  Command.withExamples([
    { command: "greenroom streams watch" },
    {
      command: `greenroom streams watch --json | jq -r 'select(.change == "off_air") | .stream.path'`,
      description: "Paths that went off the air; changes are connecting, on_air, ending, off_air"
    }
  ])
)

export const streamsCommand = Command.make("streams").pipe(
  Command.withDescription("Who is live, and who was"),
  Command.withExamples([
    { command: "greenroom streams list" },
    { command: "greenroom streams watch" },
    { command: `greenroom streams stop ${EXAMPLE}` }
  ]),
  Command.withSubcommands([list, show, watchCommand, stop, events])
)
