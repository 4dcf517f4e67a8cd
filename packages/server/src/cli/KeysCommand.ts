/** `greenroom keys …`: the credentials of publishers. `create` is the only command that ever prints a key. */
import { BroadcasterId, keyStatuses, Label, NewPathLimit, StreamKeyId, Timestamp } from "@greenroom/core"
import { DateTime, Effect, Option, Schema } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { ListCursor } from "../http/api/Cursor.ts"
import { commaSeparated } from "../http/api/Input.ts"
import { both, call } from "./ApiClient.ts"
import { failed } from "./CommandFailed.ts"
import { encoderNames, encoderOf } from "./encoders.ts"
import { checkedArgument, checkedFlag, clearableFlag, given, Json, LIST_DEFAULT, limit } from "./flags.ts"
import { orNothing } from "./format.ts"
import { encoderGuide, ingestGuide } from "./ingestGuide.ts"
import { keyDetails, keyName, keyTable } from "./keyText.ts"
import { print, printList, screenOfOutput } from "./output.ts"
import { listAll } from "./pages.ts"
import { program } from "./program.ts"

const EXAMPLE = "0192e4a7-3f5e-4c1c-9d2a-5f0a3a1c7b11"

const id = checkedArgument("id", StreamKeyId).pipe(Argument.withDescription("The key's id; not the key itself"))

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const FROM_NOW = /^(\d{1,6})([mhd])$/

const Span = Schema.String.check(
  Schema.isPattern(FROM_NOW, { message: "Expected minutes, hours or days, such as 90m, 12h or 30d" })
)

const millisOf = (span: string): number => {
  const [, count = "0", unit = "m"] = FROM_NOW.exec(span) ?? []
  return Number(count) * UNITS[unit as keyof typeof UNITS]
}

const create = Command.make(
  "create",
  {
    broadcaster: checkedFlag("broadcaster", "<id>", BroadcasterId).pipe(
      Flag.withDescription("Whose key it is (required)")
    ),
    label: checkedFlag("label", "<text>", Label).pipe(
      Flag.withDescription("What it is for; the title of its streams"),
      Flag.optional
    ),
    path: checkedFlag("path", "<path>", NewPathLimit).pipe(
      Flag.withDescription(
        "The one path that it may publish on, or live/* (one more segment), live/** (any depth); else a path of its own"
      ),
      Flag.optional
    ),
    anyPath: Flag.Boolean("any-path").pipe(
      Flag.withoutNegation,
      Flag.withDescription("Let it publish on every path that is not another broadcaster's"),
      Flag.withDefault(false)
    ),
    expiresAt: checkedFlag("expires-at", "<date>", Timestamp).pipe(
      Flag.withDescription("When it expires: 2027-01-31T18:00:00Z"),
      Flag.optional
    ),
    expiresIn: checkedFlag("expires-in", "<span>", Span).pipe(
      Flag.withDescription("When it expires, from now: 90m, 12h, 30d"),
      Flag.optional
    ),
    encoder: Flag.Literals("encoder", encoderNames).pipe(
      Flag.withMetavar("<name>"),
      Flag.withDescription("What to type into this one alone, with a QR code for phones; not with --json"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ broadcaster, label, path, anyPath, expiresAt, expiresIn, encoder }) {
    if (Option.isSome(encoder) && (yield* Json)) {
      return yield* failed("usage", "Give either --encoder or --json, not both: the JSON has what every encoder needs.")
    }
    if (Option.isSome(expiresAt) && Option.isSome(expiresIn)) {
      return yield* failed("usage", "Give either --expires-at or --expires-in, not both.")
    }
    if (Option.isSome(path) && anyPath) return yield* failed("usage", "Give either --path or --any-path, not both.")
    const now = yield* DateTime.now
    const inSpan = Option.map(expiresIn, (span) => DateTime.add(now, { milliseconds: millisOf(span) }))
    const payload = {
      broadcasterId: broadcaster,
      ...given({ label, path, expiresAt: Option.orElse(expiresAt, () => inSpan) }),
      ...(anyPath ? { path: null } : {})
    }
    const { value, wire } = yield* call(({ stream_keys }) => stream_keys.issue({ payload, responseMode: both }))
    const screen = yield* screenOfOutput
    yield* print(wire, () =>
      Option.match(encoder, {
        onNone: () => ingestGuide(value.body),
        onSome: (name) => encoderGuide(encoderOf(name), value.body, screen)
      })
    )
  })
).pipe(
  Command.withDescription("Create a stream key and say what to type into an encoder; the key is shown this once"),
  Command.withExamples([
    { command: 'greenroom keys create --broadcaster 7c9e6679-7425-40de-944b-e07fc1f90ae7 --label "Main camera"' },
    {
      command:
        "greenroom keys create --broadcaster 7c9e6679-7425-40de-944b-e07fc1f90ae7 --path live/studio-1 --expires-in 30d",
      description: "For one path, and for a month"
    },
    {
      command: "greenroom keys create --broadcaster 7c9e6679-7425-40de-944b-e07fc1f90ae7 --encoder larix",
      description: "What to type into Larix on a phone, and a QR code for it"
    },
    {
      command: "greenroom keys create --broadcaster 7c9e6679-7425-40de-944b-e07fc1f90ae7 --json | jq -r .key_value",
      description: "The key alone, for a script"
    }
  ])
)

const list = Command.make(
  "list",
  {
    broadcaster: checkedFlag("broadcaster", "<id>", BroadcasterId).pipe(
      Flag.withDescription("Only keys of this broadcaster"),
      Flag.optional
    ),
    status: checkedFlag("status", "<words>", commaSeparated(keyStatuses, "")).pipe(
      Flag.withDescription(`Only keys of these statuses, separated by commas: ${keyStatuses.join(", ")}`),
      Flag.optional
    ),
    limit
  },
  Effect.fnUntraced(function* ({ broadcaster, status, limit }) {
    const filter = given({ broadcasterId: broadcaster, status })
    const listed = yield* listAll(
      "stream_keys",
      ListCursor,
      Option.getOrElse(limit, () => LIST_DEFAULT),
      (page) => call(({ stream_keys }) => stream_keys.list({ query: { ...filter, ...page }, responseMode: both }))
    )
    yield* printList(listed, "No stream keys.", (now) => keyTable(listed.items, now))
  })
).pipe(
  Command.withDescription("List stream keys, newest first; never the keys themselves"),
  Command.withExamples([
    { command: "greenroom keys list" },
    { command: "greenroom keys list --status active,in_use", description: "Those that may publish" },
    { command: "greenroom keys list --broadcaster 7c9e6679-7425-40de-944b-e07fc1f90ae7 --json" }
  ])
)

const show = Command.make(
  "show",
  { id },
  Effect.fnUntraced(function* ({ id }) {
    const { value, wire } = yield* call(({ stream_keys }) => stream_keys.get({ params: { id }, responseMode: both }))
    yield* print(wire, (now) => keyDetails(value, now))
  })
).pipe(
  Command.withDescription("Show a stream key; never the key itself"),
  Command.withExamples([{ command: `greenroom keys show ${EXAMPLE}` }])
)

const change = (
  id: StreamKeyId,
  payload: { readonly label?: string | null; readonly expiresAt?: DateTime.Utc | null; readonly enabled?: boolean }
) => call(({ stream_keys }) => stream_keys.change({ params: { id }, payload, responseMode: both }))

const update = Command.make(
  "update",
  {
    id,
    label: clearableFlag("label", "<text>", Label).pipe(
      Flag.withDescription('Another label; "" for none'),
      Flag.optional
    ),
    expiresAt: clearableFlag("expires-at", "<date>", Timestamp, "never").pipe(
      Flag.withDescription("Another expiry: 2027-01-31T18:00:00Z, or never"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ id, label, expiresAt }) {
    const payload = given({ label, expiresAt: expiresAt })
    if (Object.keys(payload).length === 0) {
      return yield* failed("usage", "Nothing to change: give --label or --expires-at.")
    }
    const { value, wire } = yield* change(id, payload)
    yield* print(wire, (now) => keyDetails(value, now))
  })
).pipe(
  Command.withDescription("Change a stream key's label or expiry"),
  Command.withExamples([
    { command: `greenroom keys update ${EXAMPLE} --label "Second camera"` },
    { command: `greenroom keys update ${EXAMPLE} --expires-at never` }
  ])
)

const enable = Command.make(
  "enable",
  { id },
  Effect.fnUntraced(function* ({ id }) {
    const { value, wire } = yield* change(id, { enabled: true })
    yield* print(wire, () =>
      value.status === "expired"
        ? `${keyName(value)} is enabled, but has expired: ${program} keys update ${id} --expires-at never`
        : `${keyName(value)} may publish.`
    )
  })
).pipe(
  Command.withDescription("Let a disabled key publish again"),
  Command.withExamples([{ command: `greenroom keys enable ${EXAMPLE}` }])
)

const disable = Command.make(
  "disable",
  { id },
  Effect.fnUntraced(function* ({ id }) {
    const { value, wire } = yield* change(id, { enabled: false })
    yield* print(wire, () =>
      value.activeStreamId === null
        ? `${keyName(value)} is disabled; nothing of it is on the air.`
        : `${keyName(value)} is disabled; its stream ${value.activeStreamId} is being taken off the air.`
    )
  })
).pipe(
  Command.withDescription("Suspend a key and take its stream off the air; enable lets it publish again"),
  Command.withExamples([{ command: `greenroom keys disable ${EXAMPLE}` }])
)

const revoke = Command.make(
  "revoke",
  { id },
  Effect.fnUntraced(function* ({ id }) {
    const { value, wire } = yield* call(({ stream_keys }) => stream_keys.revoke({ params: { id }, responseMode: both }))
    yield* print(wire, () =>
      value === undefined
        ? `Key ${id} is revoked; nothing of it is on the air.`
        : `${keyName(value)} is revoked; its stream ${orNothing(value.activeStreamId)} is still being taken off the air (${program} keys show ${id}).`
    )
  })
).pipe(
  Command.withDescription("Revoke a key for good and take its stream off the air"),
  Command.withExamples([{ command: `greenroom keys revoke ${EXAMPLE}` }])
)

export const keysCommand = Command.make("keys").pipe(
  Command.withDescription("The credentials of publishers"),
  Command.withExamples([
    { command: 'greenroom keys create --broadcaster 7c9e6679-7425-40de-944b-e07fc1f90ae7 --label "Main camera"' },
    { command: "greenroom keys list --status in_use", description: "Those on the air" },
    { command: `greenroom keys revoke ${EXAMPLE}` }
  ]),
  Command.withSubcommands([create, list, show, update, enable, disable, revoke])
)
