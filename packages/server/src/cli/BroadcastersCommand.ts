/** `greenroom broadcasters …`: who may be given stream keys. */
import { BroadcasterId, Contact, DisplayName, Metadata } from "@greenroom/core"
import { type DateTime, Effect, Option, Schema } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type { Broadcaster } from "../http/api/BroadcastersApi.ts"
import { ListCursor } from "../http/api/Cursor.ts"
import { both, call } from "./ApiClient.ts"
import { failed } from "./CommandFailed.ts"
import { checkedArgument, checkedFlag, clearableFlag, given, LIST_DEFAULT, limit } from "./flags.ts"
import { fields, moment, orNothing, relative, table } from "./format.ts"
import { print, printList } from "./output.ts"
import { listAll } from "./pages.ts"
import { program } from "./program.ts"

type Shown = typeof Broadcaster.Type

const id = checkedArgument("id", BroadcasterId).pipe(Argument.withDescription("The broadcaster's id"))
const metadata = checkedFlag("metadata", "<json>", Schema.fromJsonString(Metadata)).pipe(
  Flag.withDescription("A JSON object of your own"),
  Flag.optional
)

const details = (broadcaster: Shown, now: DateTime.Utc): string =>
  fields([
    ["id", broadcaster.id],
    ["name", broadcaster.displayName],
    ["contact", orNothing(broadcaster.contact)],
    ["metadata", JSON.stringify(broadcaster.metadata)],
    ["created", moment(broadcaster.createdAt, now)],
    ["updated", moment(broadcaster.updatedAt, now)]
  ])

const rows = (broadcasters: ReadonlyArray<Shown>, now: DateTime.Utc): string =>
  table([
    ["NAME", "CONTACT", "CREATED", "ID"],
    ...broadcasters.map((one) => [
      one.displayName,
      orNothing(one.contact),
      relative(one.createdAt, now),
      one.id as string
    ])
  ])

const create = Command.make(
  "create",
  {
    name: checkedArgument("name", DisplayName).pipe(
      Argument.withDescription("The name that is shown with its streams")
    ),
    contact: checkedFlag("contact", "<text>", Contact).pipe(Flag.withDescription("How to reach them"), Flag.optional),
    metadata
  },
  Effect.fnUntraced(function* ({ name, ...rest }) {
    const payload = { displayName: name, ...given(rest) }
    const { value, wire } = yield* call(({ broadcasters }) => broadcasters.create({ payload, responseMode: both }))
    yield* print(wire, (now) => {
      const next = `Next, a stream key: ${program} keys create --broadcaster ${value.body.id}`
      return `${details(value.body, now)}\n\n${next}`
    })
  })
).pipe(
  Command.withDescription("Create a broadcaster"),
  Command.withExamples([
    { command: 'greenroom broadcasters create "Studio One" --contact ops@studio.example' },
    { command: 'greenroom broadcasters create "Studio One" --json | jq -r .id', description: "The new id alone" }
  ])
)

const list = Command.make(
  "list",
  { limit },
  Effect.fnUntraced(function* ({ limit }) {
    const listed = yield* listAll(
      "broadcasters",
      ListCursor,
      Option.getOrElse(limit, () => LIST_DEFAULT),
      (query) => call(({ broadcasters }) => broadcasters.list({ query, responseMode: both }))
    )
    const empty = `There are no broadcasters yet: ${program} broadcasters create "Studio One"`
    yield* printList(listed, empty, (now) => rows(listed.items, now))
  })
).pipe(
  Command.withDescription("List broadcasters, newest first"),
  Command.withExamples([
    { command: "greenroom broadcasters list" },
    { command: "greenroom broadcasters list --limit 5 --json" }
  ])
)

const show = Command.make(
  "show",
  { id },
  Effect.fnUntraced(function* ({ id }) {
    const { value, wire } = yield* call(({ broadcasters }) => broadcasters.get({ params: { id }, responseMode: both }))
    yield* print(wire, (now) => details(value, now))
  })
).pipe(
  Command.withDescription("Show a broadcaster"),
  Command.withExamples([{ command: "greenroom broadcasters show 7c9e6679-7425-40de-944b-e07fc1f90ae7" }])
)

const update = Command.make(
  "update",
  {
    id,
    name: checkedFlag("name", "<text>", DisplayName).pipe(Flag.withDescription("Another name"), Flag.optional),
    contact: clearableFlag("contact", "<text>", Contact).pipe(
      Flag.withDescription('Another contact; "" for none'),
      Flag.optional
    ),
    metadata
  },
  Effect.fnUntraced(function* ({ id, name, contact, metadata }) {
    const payload = given({ displayName: name, contact, metadata })
    if (Object.keys(payload).length === 0) {
      return yield* failed("usage", "Nothing to change: give --name, --contact or --metadata.")
    }
    const { value, wire } = yield* call(({ broadcasters }) =>
      broadcasters.change({ params: { id }, payload, responseMode: both })
    )
    yield* print(wire, (now) => details(value, now))
  })
).pipe(
  Command.withDescription("Change a broadcaster; what is not named stays as it is"),
  Command.withExamples([
    {
      command: 'greenroom broadcasters update 7c9e6679-7425-40de-944b-e07fc1f90ae7 --name "Studio Two" --contact ""',
      description: "Another name, and no contact"
    }
  ])
)

const remove = Command.make(
  "delete",
  { id },
  Effect.fnUntraced(function* ({ id }) {
    const { wire } = yield* call(({ broadcasters }) => broadcasters.remove({ params: { id }, responseMode: both }))
    yield* print(wire, () =>
      wire === null
        ? `Broadcaster ${id} is deleted, its keys are revoked, and nothing of it is on the air.`
        : `Broadcaster ${id} is deleted and its keys are revoked; its streams are still being taken off the air (${program} streams list --broadcaster ${id}).`
    )
  })
).pipe(
  Command.withDescription(
    "Delete a broadcaster: its keys are revoked, its streams taken off the air, its past streams kept"
  ),
  Command.withExamples([{ command: "greenroom broadcasters delete 7c9e6679-7425-40de-944b-e07fc1f90ae7" }])
)

export const broadcastersCommand = Command.make("broadcasters").pipe(
  Command.withDescription("Who may be given stream keys"),
  Command.withExamples([
    { command: 'greenroom broadcasters create "Studio One"' },
    { command: "greenroom broadcasters list" }
  ]),
  Command.withSubcommands([create, list, show, update, remove])
)
