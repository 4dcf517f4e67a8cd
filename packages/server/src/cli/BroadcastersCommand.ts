/** `greenroom broadcasters …`: who may be given stream keys. */
import { BroadcasterId, Contact, DisplayName, ExternalId, Metadata } from "@greenroom/core"
import { type DateTime, Effect, Option, Schema } from "effect"
import * as Command from "effect/cli/Command"
import type { Broadcaster } from "../http/api/BroadcastersApi.ts"
import { both, call } from "./ApiClient.ts"
import { failed } from "./CommandFailed.ts"
import { checkedArgument, checkedFlag, clearableFlag, described, given, limit, playback } from "./flags.ts"
import { fields, moment, orNothing, relative, table } from "./format.ts"
import { printAnswer, printList } from "./output.ts"
import { program } from "./program.ts"

type Shown = typeof Broadcaster.Type

const EXAMPLE = "7c9e6679-7425-40de-944b-e07fc1f90ae7"

const id = checkedArgument("id", BroadcasterId, "The broadcaster's id")
const metadata = checkedFlag("metadata", "<json>", Schema.fromJsonString(Metadata), "A JSON object of your own")

const details = (broadcaster: Shown, now: DateTime.Utc): string =>
  fields([
    ["id", broadcaster.id],
    ["name", broadcaster.displayName],
    ["external id", orNothing(broadcaster.externalId)],
    ["contact", orNothing(broadcaster.contact)],
    ["metadata", JSON.stringify(broadcaster.metadata)],
    ["playback", broadcaster.playback ?? "inherited"],
    ["created", moment(broadcaster.createdAt, now)],
    ["updated", moment(broadcaster.updatedAt, now)]
  ])

const rows = (broadcasters: ReadonlyArray<Shown>, now: DateTime.Utc): string =>
  table([
    ["NAME", "CONTACT", "CREATED", "ID"],
    ...broadcasters.map(({ displayName, contact, createdAt, id }) => [
      displayName,
      orNothing(contact),
      relative(createdAt, now),
      id as string
    ])
  ])

const create = Command.make(
  "create",
  {
    name: checkedArgument("name", DisplayName, "The name that is shown with its streams"),
    externalId: checkedFlag("external-id", "<text>", ExternalId, "Your own id for them, unique among broadcasters"),
    contact: checkedFlag("contact", "<text>", Contact, "How to reach them"),
    metadata,
    playback
  },
  ({ name, ...rest }) =>
    printAnswer(
      call(({ broadcasters }) =>
        broadcasters.create({ payload: { displayName: name, ...given(rest) }, responseMode: both })
      ),
      ({ body }, now) => `${details(body, now)}\n\nNext, a stream key: ${program} keys create --broadcaster ${body.id}`
    )
).pipe(
  described(
    "Create a broadcaster",
    ['greenroom broadcasters create "Studio One" --contact ops@studio.example'],
    ['greenroom broadcasters create "Studio One" --json | jq -r .id', "The new id alone"]
  )
)

const list = Command.make(
  "list",
  { externalId: checkedFlag("external-id", "<text>", ExternalId, "Only the one with this id of yours"), limit },
  ({ limit, ...filter }) =>
    printList(
      "broadcasters",
      limit,
      (page) =>
        call(({ broadcasters }) => broadcasters.list({ query: { ...given(filter), ...page }, responseMode: both })),
      {
        empty: () =>
          Option.isSome(filter.externalId)
            ? "No broadcaster has this external id."
            : `There are no broadcasters yet: ${program} broadcasters create "Studio One"`,
        table: rows
      }
    )
).pipe(
  described(
    "List broadcasters, newest first",
    ["greenroom broadcasters list"],
    ["greenroom broadcasters list --external-id user-4711", "The one with this id of yours"],
    ["greenroom broadcasters list --limit 5 --json"]
  )
)

const show = Command.make("show", { id }, ({ id }) =>
  printAnswer(
    call(({ broadcasters }) => broadcasters.get({ params: { id }, responseMode: both })),
    details
  )
).pipe(described("Show a broadcaster", [`greenroom broadcasters show ${EXAMPLE}`]))

const update = Command.make(
  "update",
  {
    id,
    name: checkedFlag("name", "<text>", DisplayName, "Another name"),
    externalId: clearableFlag("external-id", "<text>", ExternalId, 'Another id of yours; "" for none'),
    contact: clearableFlag("contact", "<text>", Contact, 'Another contact; "" for none'),
    metadata,
    playback
  },
  ({ id, name, ...rest }) => {
    const payload = given({ displayName: name, ...rest })
    return Object.keys(payload).length === 0
      ? Effect.fail(
          failed("usage", "Nothing to change: give --name, --external-id, --contact, --metadata or --playback.")
        )
      : printAnswer(
          call(({ broadcasters }) => broadcasters.change({ params: { id }, payload, responseMode: both })),
          details
        )
  }
).pipe(
  described("Change a broadcaster; what is not named stays as it is", [
    `greenroom broadcasters update ${EXAMPLE} --name "Studio Two" --contact ""`,
    "Another name, and no contact"
  ])
)

const remove = Command.make("delete", { id }, ({ id }) =>
  printAnswer(
    call(({ broadcasters }) => broadcasters.remove({ params: { id }, responseMode: both })),
    (leaving) =>
      leaving === undefined
        ? `Broadcaster ${id} is deleted, its keys are revoked, and nothing of it is on the air.`
        : `Broadcaster ${id} is deleted and its keys are revoked; its streams are still being taken off the air (${program} streams list --broadcaster ${id}).`
  )
).pipe(
  described("Delete a broadcaster: its keys are revoked, its streams taken off the air, its past streams kept", [
    `greenroom broadcasters delete ${EXAMPLE}`
  ])
)

export const broadcastersCommand = Command.make("broadcasters").pipe(
  described(
    "Who may be given stream keys",
    ['greenroom broadcasters create "Studio One"'],
    ["greenroom broadcasters list"]
  ),
  Command.withSubcommands([create, list, show, update, remove])
)
