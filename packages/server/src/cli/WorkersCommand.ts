/** `greenroom workers …`: what is made of live/<id>/in and published at live/<id>/out, and how it fares. */
import { PipelineId, workerStates } from "@greenroom/core"
import { Effect, Option } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { ListCursor } from "../http/api/Cursor.ts"
import { commaSeparated } from "../http/api/Input.ts"
import { both, call } from "./ApiClient.ts"
import { checkedArgument, checkedFlag, given, LIST_DEFAULT, limit } from "./flags.ts"
import { print, printList } from "./output.ts"
import { listAll } from "./pages.ts"
import { workerDetails, workerTable } from "./workerText.ts"

const streamId = checkedArgument("stream-id", PipelineId).pipe(
  Argument.withDescription("The <id> of live/<id>/in and live/<id>/out")
)

const list = Command.make(
  "list",
  {
    state: checkedFlag("state", "<words>", commaSeparated(workerStates, "")).pipe(
      Flag.withDescription(`In these states, separated by commas: ${workerStates.join(", ")}`),
      Flag.optional
    ),
    limit
  },
  Effect.fnUntraced(function* ({ limit, ...filter }) {
    const chosen = given(filter)
    const most = Option.getOrElse(limit, () => LIST_DEFAULT)
    const listed = yield* listAll("workers", ListCursor, most, (page) =>
      call(({ workers }) => workers.list({ query: { ...chosen, ...page }, responseMode: both }))
    )
    const { message } = listed.wire
    yield* printList(listed, typeof message === "string" ? message : "No workers.", (now) =>
      workerTable(listed.items, now)
    )
  })
).pipe(
  Command.withDescription("List media workers, newest first, also those that have stopped or failed"),
  Command.withExamples([
    { command: "greenroom workers list" },
    { command: "greenroom workers list --state failed,retrying", description: "What is in trouble, and why" }
  ])
)

const show = Command.make(
  "show",
  { streamId },
  Effect.fnUntraced(function* ({ streamId }) {
    const { value, wire } = yield* call(({ workers }) => workers.get({ params: { streamId }, responseMode: both }))
    yield* print(wire, (now) => workerDetails(value, now))
  })
).pipe(
  Command.withDescription("Show a media worker"),
  Command.withExamples([{ command: "greenroom workers show studio-1" }])
)

export const workersCommand = Command.make("workers").pipe(
  Command.withDescription("What is made of live/<id>/in and published at live/<id>/out"),
  Command.withExamples([{ command: "greenroom workers list" }, { command: "greenroom workers show studio-1" }]),
  Command.withSubcommands([list, show])
)
