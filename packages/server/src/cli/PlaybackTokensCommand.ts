/** `greenroom playback-tokens …`: who may watch what, until when. Only `create` prints a token. */
import {
  BroadcasterId,
  Metadata,
  Network,
  PathPattern,
  PlaybackTokenId,
  playbackActions,
  StreamId,
  StreamPath,
  Timestamp,
  ViewerId
} from "@greenroom/core"
import { Effect, Option, Schema, SchemaTransformation } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { TextListCursor } from "../http/api/Cursor.ts"
import { commaSeparated } from "../http/api/Input.ts"
import { both, call } from "./ApiClient.ts"
import { failed } from "./CommandFailed.ts"
import { Span, spanMillis } from "./createKey.ts"
import { checkedArgument, checkedFlag, described, given, limit } from "./flags.ts"
import { printAnswer, printPages } from "./output.ts"
import { issuedTokenText, playbackTokenDetails, playbackTokenRows } from "./playbackTokenText.ts"
import { program } from "./program.ts"

const EXAMPLE = "x7Kd02mQpL9vTz41"
const BROADCASTER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"

const id = checkedArgument("id", PlaybackTokenId, "The token's id; not the token itself")
const viewerId = checkedFlag("viewer", "<text>", ViewerId, "Your own id for the viewer")
const broadcasterId = (description: string) => checkedFlag("broadcaster", "<id>", BroadcasterId, description)

const Networks = Schema.String.pipe(
  Schema.decodeTo(
    Schema.Array(Network),
    SchemaTransformation.transform<ReadonlyArray<string>, string>({
      decode: (text) => text.split(","),
      encode: (networks) => networks.join(",")
    })
  )
)

type Actions = readonly ["read" | "playback", ...ReadonlyArray<"read" | "playback">]

const create = Command.make(
  "create",
  {
    path: checkedFlag("path", "<path>", StreamPath, "For one path"),
    streamId: checkedFlag("stream", "<id>", StreamId, "For one stream, until it ends"),
    broadcasterId: broadcasterId("For all paths and streams of this broadcaster"),
    pattern: checkedFlag(
      "pattern",
      "<pattern>",
      PathPattern,
      "For live/* (one more segment), live/** (any depth), or ** (every path)"
    ),
    viewerId,
    expiresIn: checkedFlag("expires-in", "<span>", Span, "For how long it is good: 90m, 12h, 30d; 1h unless given"),
    notBefore: checkedFlag("not-before", "<date>", Timestamp, "It is good from then on: 2027-01-31T18:00:00Z"),
    maxSessions: Flag.Int("max-sessions").pipe(
      Flag.withMetavar("<count>"),
      Flag.withDescription("Sessions at a time; one more, and the oldest is ended"),
      Flag.optional
    ),
    ips: checkedFlag(
      "ips",
      "<networks>",
      Networks,
      "Where it may be used: addresses and networks, separated by commas"
    ),
    actions: checkedFlag(
      "actions",
      "<words>",
      commaSeparated(playbackActions, ""),
      "read (live), playback (recordings), or both, separated by a comma; read unless given"
    ),
    metadata: checkedFlag("metadata", "<json>", Schema.fromJsonString(Metadata), "A JSON object of your own")
  },
  ({ expiresIn, actions, ...rest }) => {
    const targets = [rest.path, rest.streamId, rest.broadcasterId, rest.pattern].filter(Option.isSome)
    if (targets.length !== 1)
      return Effect.fail(failed("usage", "Give exactly one of --path, --stream, --broadcaster and --pattern."))
    const payload = given({
      ...rest,
      expiresIn: Option.map(expiresIn, (span) => spanMillis(span) / 1000),
      actions: Option.map(actions, (words) => words as Actions)
    })
    return printAnswer(
      call(({ playback_tokens }) => playback_tokens.create({ payload, responseMode: both })),
      ({ body }, now) => issuedTokenText(body, now)
    )
  }
).pipe(
  described(
    "Create a playback token and show where it plays; the token is shown this once",
    ["greenroom playback-tokens create --path live/studio-1 --viewer user-4711"],
    [
      `greenroom playback-tokens create --broadcaster ${BROADCASTER} --expires-in 30d --max-sessions 2`,
      "For whatever a broadcaster streams in the next month"
    ],
    [
      "greenroom playback-tokens create --path live/studio-1 --json | jq -r .urls.hls",
      "The URL for a player alone, for a script"
    ]
  )
)

const list = Command.make(
  "list",
  { viewerId, broadcasterId: broadcasterId("Only tokens for things of this broadcaster"), limit },
  ({ limit, ...filter }) =>
    printPages(
      "playback_tokens",
      TextListCursor,
      limit,
      (page) =>
        call(({ playback_tokens }) =>
          playback_tokens.list({ query: { ...given(filter), ...page }, responseMode: both })
        ),
      { empty: () => "No playback tokens.", table: playbackTokenRows }
    )
).pipe(
  described(
    "List playback tokens, newest first; never the tokens themselves",
    ["greenroom playback-tokens list"],
    ["greenroom playback-tokens list --viewer user-4711", "Those of one viewer"]
  )
)

const show = Command.make("show", { id }, (params) =>
  printAnswer(
    call(({ playback_tokens }) => playback_tokens.get({ params, responseMode: both })),
    playbackTokenDetails
  )
).pipe(described("Show a playback token; never the token itself", [`greenroom playback-tokens show ${EXAMPLE}`]))

const revoke = Command.make("revoke", { id }, ({ id }) =>
  printAnswer(
    call(({ playback_tokens }) => playback_tokens.revoke({ params: { id }, responseMode: both })),
    () => `Playback token ${id} is revoked: its sessions are being ended (${program} viewers list).`
  )
).pipe(
  described("Revoke a playback token for good, and end its sessions", [`greenroom playback-tokens revoke ${EXAMPLE}`])
)

export const playbackTokensCommand = Command.make("playback-tokens").pipe(
  described(
    'Who may watch streams whose playback is "token"',
    ["greenroom playback-tokens create --path live/studio-1 --viewer user-4711"],
    [`greenroom playback-tokens revoke ${EXAMPLE}`]
  ),
  Command.withSubcommands([create, list, show, revoke])
)
