/** `greenroom workers …`: what is made of live/<id>/in and published at live/<id>/out, and in which state it is. */
import { PipelineId, workerStates } from "@greenroom/core"
import type { DateTime } from "effect"
import * as Command from "effect/cli/Command"
import { commaSeparated } from "../http/api/Input.ts"
import type { Worker } from "../http/api/WorkersApi.ts"
import { both, call } from "./ApiClient.ts"
import { checkedArgument, checkedFlag, described, given, limit } from "./flags.ts"
import { fields, moment, NOTHING, orNothing, relative, table } from "./format.ts"
import { printAnswer, printList } from "./output.ts"

type Shown = typeof Worker.Type

const rows = (workers: ReadonlyArray<Shown>, now: DateTime.Utc): string =>
  table([
    ["STREAM", "STATE", "SINCE", "ATTEMPT", "REASON"],
    ...workers.map((worker) => [
      worker.streamId as string,
      worker.state as string,
      relative(worker.stateSince, now),
      worker.attempt === 0 ? NOTHING : String(worker.attempt),
      orNothing(worker.reason)
    ])
  ])

const details = (worker: Shown, now: DateTime.Utc): string =>
  fields([
    ["stream", worker.streamId],
    ["state", worker.state],
    ["since", moment(worker.stateSince, now)],
    ["reason", orNothing(worker.reason)],
    ["attempt", worker.attempt === 0 ? NOTHING : String(worker.attempt)],
    ["retry", moment(worker.retryAt, now)],
    ["reads", `${worker.inputPath} (${orNothing(worker.inputStreamId)})`],
    ["publishes", `${worker.outputPath} (${orNothing(worker.outputStreamId)})`],
    ["process", worker.pid === null ? NOTHING : `${worker.pid} on ${orNothing(worker.host)}`],
    ["created", moment(worker.createdAt, now)]
  ])

const list = Command.make(
  "list",
  {
    state: checkedFlag(
      "state",
      "<words>",
      commaSeparated(workerStates, ""),
      `In these states, separated by commas: ${workerStates.join(", ")}`
    ),
    limit
  },
  ({ limit, ...filter }) =>
    printList(
      "workers",
      limit,
      (page) => call(({ workers }) => workers.list({ query: { ...given(filter), ...page }, responseMode: both })),
      { empty: (message = "No workers.") => message, table: rows }
    )
).pipe(
  described(
    "List media workers, newest first, also those that have stopped or failed",
    ["greenroom workers list"],
    ["greenroom workers list --state failed,retrying", "What is in trouble, and why"]
  )
)

const show = Command.make(
  "show",
  { streamId: checkedArgument("stream-id", PipelineId, "The <id> of live/<id>/in and live/<id>/out") },
  (params) =>
    printAnswer(
      call(({ workers }) => workers.get({ params, responseMode: both })),
      details
    )
).pipe(described("Show a media worker", ["greenroom workers show studio-1"]))

export const workersCommand = Command.make("workers").pipe(
  described(
    "What is made of live/<id>/in and published at live/<id>/out",
    ["greenroom workers list"],
    ["greenroom workers show studio-1"]
  ),
  Command.withSubcommands([list, show])
)
