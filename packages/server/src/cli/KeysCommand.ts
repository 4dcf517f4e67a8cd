/** `greenroom keys …`: the credentials of publishers, of which only `create` prints more than the first characters. */
import { BroadcasterId, keyStatuses, Label, StreamKeyId, Timestamp } from "@greenroom/core"
import { type DateTime, Effect, Option } from "effect"
import * as Command from "effect/cli/Command"
import { commaSeparated } from "../http/api/Input.ts"
import type { StreamKey, StreamKeyChanges } from "../http/api/streamKeySchemas.ts"
import { both, call } from "./ApiClient.ts"
import { failed } from "./CommandFailed.ts"
import { createKey } from "./createKey.ts"
import { encoderOf } from "./encoders.ts"
import { checkedArgument, checkedFlag, clearableFlag, described, flag, given, limit, playback } from "./flags.ts"
import { fields, moment, orNothing, relative, table } from "./format.ts"
import { encoderFlag, encoderText, waysText } from "./ingestGuide.ts"
import { rotateKey } from "./keysRotate.ts"
import { printAnswer, printList } from "./output.ts"
import { program } from "./program.ts"

type Shown = typeof StreamKey.Type

const EXAMPLE = "0192e4a7-3f5e-4c1c-9d2a-5f0a3a1c7b11"
const BROADCASTER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"

const id = checkedArgument("id", StreamKeyId, "The key's id; not the key itself")

const nameOf = (key: Shown): string => `Key ${key.keyPrefix}… (${key.id})`

const ownerOf = ({ broadcaster }: Shown): string =>
  broadcaster.deleted ? `${broadcaster.displayName} (deleted)` : broadcaster.displayName

/** Only of keys that were rotated or are blocked. */
const rotationOf = (key: Shown, now: DateTime.Utc): ReadonlyArray<readonly [string, string]> => [
  ...(key.revokesAt === null ? [] : [["will be revoked", moment(key.revokesAt, now)] as const]),
  ...(key.rotatedTo === null ? [] : [["rotated to", key.rotatedTo] as const]),
  ...(key.rotatedFrom === null ? [] : [["rotated from", key.rotatedFrom] as const]),
  ...(key.blockedUntil === null
    ? []
    : [["blocked", `on ${key.blockedPath} until ${moment(key.blockedUntil, now)}`] as const])
]

const details = (key: Shown, now: DateTime.Utc): string =>
  fields([
    ["id", key.id],
    ["key", `${key.keyPrefix}…`],
    ["status", key.status],
    ["label", orNothing(key.label)],
    ["path", orNothing(key.path)],
    ["playback", key.playback ?? "inherited"],
    ["broadcaster", `${ownerOf(key)} (${key.broadcasterId})`],
    ["stream", orNothing(key.activeStreamId)],
    ["created", moment(key.createdAt, now)],
    ["expires", moment(key.expiresAt, now)],
    ["revoked", moment(key.revokedAt, now)],
    ...rotationOf(key, now),
    ["last used", moment(key.lastUsedAt, now)]
  ])

const rows = (keys: ReadonlyArray<Shown>, now: DateTime.Utc): string =>
  table([
    ["KEY", "STATUS", "LABEL", "PATH", "LAST USED", "EXPIRES", "BROADCASTER", "ID"],
    ...keys.map((key) => [
      `${key.keyPrefix}…`,
      key.status as string,
      orNothing(key.label),
      orNothing(key.path),
      relative(key.lastUsedAt, now),
      key.revokesAt === null ? relative(key.expiresAt, now) : `revoked ${relative(key.revokesAt, now)}`,
      ownerOf(key),
      key.id as string
    ])
  ])

const list = Command.make(
  "list",
  {
    broadcasterId: checkedFlag("broadcaster", "<id>", BroadcasterId, "Only keys of this broadcaster"),
    status: checkedFlag(
      "status",
      "<words>",
      commaSeparated(keyStatuses, ""),
      `Only keys of these statuses, separated by commas: ${keyStatuses.join(", ")}`
    ),
    deleted: flag("deleted", "Also keys of deleted broadcasters"),
    limit
  },
  ({ limit, deleted, ...filter }) =>
    printList(
      "stream_keys",
      limit,
      (page) =>
        call(({ stream_keys }) =>
          stream_keys.list({
            query: { ...given(filter), ...(deleted ? { deleted: "true" as const } : {}), ...page },
            responseMode: both
          })
        ),
      { empty: () => "No stream keys.", table: rows }
    )
).pipe(
  described(
    "List stream keys, newest first; never the keys themselves",
    ["greenroom keys list"],
    ["greenroom keys list --status active,in_use", "Those that may publish"],
    [`greenroom keys list --broadcaster ${BROADCASTER} --json`]
  )
)

const show = Command.make("show", { id }, (params) =>
  printAnswer(
    call(({ stream_keys }) => stream_keys.get({ params, responseMode: both })),
    details
  )
).pipe(described("Show a stream key; never the key itself", [`greenroom keys show ${EXAMPLE}`]))

const ingest = Command.make(
  "ingest",
  { id, encoder: encoderFlag("What to type into this one alone") },
  ({ id, encoder }) =>
    printAnswer(
      call(({ stream_keys }) => stream_keys.ingest({ params: { id }, responseMode: both })),
      (template) =>
        `Put the key in place of {key}: it was shown when it was created, and is not kept.\n\n${
          Option.isNone(encoder) ? waysText(template) : encoderText(encoderOf(encoder.value), template)
        }`
    )
).pipe(
  described(
    "Show what to type into an encoder for a key, with {key} in place of the key",
    [`greenroom keys ingest ${EXAMPLE}`],
    [`greenroom keys ingest ${EXAMPLE} --encoder vmix`, "For one encoder alone, with what goes wrong with it"]
  )
)

const change = (
  id: StreamKeyId,
  payload: typeof StreamKeyChanges.Type,
  text: (key: Shown, now: DateTime.Utc) => string
) =>
  printAnswer(
    call(({ stream_keys }) => stream_keys.change({ params: { id }, payload, responseMode: both })),
    text
  )

const update = Command.make(
  "update",
  {
    id,
    label: clearableFlag("label", "<text>", Label, 'Another label; "" for none'),
    playback,
    expiresAt: clearableFlag(
      "expires-at",
      "<date>",
      Timestamp,
      "Another expiry: 2027-01-31T18:00:00Z, or never",
      "never"
    )
  },
  ({ id, ...changes }) => {
    const payload = given(changes)
    return Object.keys(payload).length === 0
      ? Effect.fail(failed("usage", "Nothing to change: give --label, --playback or --expires-at."))
      : change(id, payload, details)
  }
).pipe(
  described(
    "Change a stream key's label, who may watch, or its expiry",
    [`greenroom keys update ${EXAMPLE} --label "Second camera"`],
    [`greenroom keys update ${EXAMPLE} --playback token`, "Viewers without a token are ended within 2 seconds"],
    [`greenroom keys update ${EXAMPLE} --expires-at never`]
  )
)

const enable = Command.make("enable", { id }, ({ id }) =>
  change(id, { enabled: true }, (key) =>
    key.status === "expired"
      ? `${nameOf(key)} is enabled, but has expired: ${program} keys update ${id} --expires-at never`
      : `${nameOf(key)} may publish.`
  )
).pipe(described("Let a disabled key publish again", [`greenroom keys enable ${EXAMPLE}`]))

const disable = Command.make("disable", { id }, ({ id }) =>
  change(id, { enabled: false }, (key) =>
    key.activeStreamId === null
      ? `${nameOf(key)} is disabled; nothing of it is on the air.`
      : `${nameOf(key)} is disabled; its stream ${key.activeStreamId} is being taken off the air.`
  )
).pipe(
  described("Suspend a key and take its stream off the air; enable lets it publish again", [
    `greenroom keys disable ${EXAMPLE}`
  ])
)

const unblock = Command.make("unblock", { id }, ({ id }) =>
  change(id, { blockedUntil: null }, (key) => `${nameOf(key)} is blocked on no path.`)
).pipe(described("Lift the block that `streams stop --block` has put on a key", [`greenroom keys unblock ${EXAMPLE}`]))

const revoke = Command.make("revoke", { id }, ({ id }) =>
  printAnswer(
    call(({ stream_keys }) => stream_keys.revoke({ params: { id }, responseMode: both })),
    (key) =>
      key === undefined
        ? `Key ${id} is revoked; nothing of it is on the air.`
        : `${nameOf(key)} is revoked; its stream ${orNothing(key.activeStreamId)} is still being taken off the air (${program} keys show ${id}).`
  )
).pipe(described("Revoke a key for good and take its stream off the air", [`greenroom keys revoke ${EXAMPLE}`]))

export const keysCommand = Command.make("keys").pipe(
  described(
    "The credentials of publishers",
    [`greenroom keys create --broadcaster ${BROADCASTER} --label "Main camera"`],
    ["greenroom keys list --status in_use", "Those on the air"],
    [`greenroom keys revoke ${EXAMPLE}`]
  ),
  Command.withSubcommands([createKey, list, show, ingest, update, enable, disable, unblock, rotateKey, revoke])
)
